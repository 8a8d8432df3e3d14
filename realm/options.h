/*
 * The command line of kclogin-realm: one table of what may be said.
 * Used by main and by the test that holds the table against the man page.
 * Never guesses: what is unknown or malformed is an error.
 */
#ifndef REALM_OPTIONS_H
#define REALM_OPTIONS_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum realm_option_type {
    REALM_OPTION_FLAG,
    REALM_OPTION_TEXT,
    REALM_OPTION_NUMBER,
};

struct realm_options {
    const char *realm, *listen, *path, *ca_out, *certificate, *key, *client_ca, *ready, *log;
    int64_t port, like, hash_delay, fill_users, fill_groups, fill_members;
    bool tls, help, list;
};

struct realm_option {
    const char *name;
    enum realm_option_type type;
    size_t offset;       /* in struct realm_options */
    const char *initial; /* NULL: nothing */
    int64_t low, high;   /* of a number */
    const char *argument, *meaning;
};

/* Sorted by name; the last one's name is NULL. */
extern const struct realm_option realm_option_table[];

/*
 * Reads a command line. KC_CONFIG_INVALID, with *ret_reason a text for the terminal that the
 * caller frees.
 */
enum kc_status realm_options_read(
    int argc, char **argv, struct realm_options *ret_options, char **ret_reason);

/* Writes the table for a person to standard output, or one option a line for the test. */
void realm_options_show(bool plain);

#endif
