/*
 * One access rule: its kinds and its spelling.
 * Used by the option table, which checks each rule as it is read, and by access.c.
 * Must never give a rule that is not whole: what cannot be read is no rule.
 */
#ifndef DAEMON_ACCESS_RULE_H
#define DAEMON_ACCESS_RULE_H

#include <stddef.h>

enum access_kind {
    ACCESS_ANY,         /* any */
    ACCESS_USER,        /* user:NAME */
    ACCESS_SCOPE,       /* scope:NAME */
    ACCESS_ROLE,        /* role:NAME, of the realm */
    ACCESS_CLIENT_ROLE, /* client-role:CLIENT:NAME; CLIENT ends at its first colon */
    ACCESS_GROUP,       /* group:/path */
    ACCESS_CLAIM,       /* claim:NAME=VALUE; NAME ends at its first equals sign */
};

#define ACCESS_NAME_MAX 255u /* bytes of CLIENT, and of a claim's NAME */

/* A rule whose texts lie in the text that it was read from. */
struct access_rule {
    enum access_kind kind;
    char name[ACCESS_NAME_MAX + 1]; /* CLIENT, or a claim's NAME; else "" */
    const char *value;              /* to the text's end; "" for any */
};

/* Reads a rule. NULL, or what is wrong, a constant without the rule in it. */
const char *access_rule_parse(const char *text, struct access_rule *ret_rule);

/* access_rule_parse for its answer alone. */
const char *access_rule_check(const char *text);

#endif
