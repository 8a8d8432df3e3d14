/*
 * Access rules: who may enter, by the claims of a verified token, or by what the realm's directory
 * says in the form of such claims.
 * Used by login.c, account.c and explain.c; the rules come from the configuration.
 * Must never compare a part of a value, nor look at what was asked for instead of what was given.
 */
#ifndef DAEMON_ACCESS_H
#define DAEMON_ACCESS_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct access_section;
struct config;
struct json_object;

/* Bytes that hold every `ret_missing`, the NUL included. */
#define ACCESS_MISSING_MAX 1100

/* What a decision is made from. */
struct access_question {
    const char *section;              /* access=NAME of the PAM line; NULL: by the service */
    const char *service;              /* PAM's service name */
    const char *user;                 /* PAM_USER, which the token's user equals already */
    const struct json_object *claims; /* of the verified access token, read by jose/json.h */
    const char *answer_scope;         /* `scope` of the token endpoint's answer; NULL: absent */
    bool partial; /* claims of the directory: what is absent in them is not known, and not absent */
};

/*
 * Decides. KC_OK; KC_NO_ACCESS_RULE: no section applies, or it allows nobody; KC_NOT_PERMITTED:
 * a rule stands against it, and ret_missing names it for the log (`allow`, `require role:x`,
 * `deny group:/x`); KC_RULE_NEEDS_TOKEN, KC_CLIENT_ROLES_UNSEEN: so does a rule of which partial
 * claims say nothing; KC_TOKEN_DUPLICATE_MEMBER: a claim that a rule reads stands twice.
 * A claim of another type than its rule needs matches nothing; under `deny` it refuses.
 */
enum kc_status access_decide(const struct config *config, const struct access_question *question,
    char *ret_missing, size_t size);

/* What came of one rule. */
enum access_outcome { ACCESS_NOT_MET, ACCESS_MET, ACCESS_NOT_KNOWN };

/* Tells of each rule of the section that decides: `word` is allow, require or deny. */
typedef void access_each(
    void *userdata, const char *word, const char *rule, enum access_outcome outcome);
void access_walk(const struct config *config, const struct access_question *question,
    access_each *each, void *userdata);

/* Tells of each client that a client-role: rule of any section names, once for each such rule. */
typedef void access_client(void *userdata, const char *client);
void access_clients(const struct config *config, access_client *each, void *userdata);

/* Whether the section lets what the realm said `age` seconds ago stand in while the realm is out;
 * what is from the future never does. NULL: no section, and no. */
bool access_in_outage(const struct access_section *section, int64_t age);

#endif
