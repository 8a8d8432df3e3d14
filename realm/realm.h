/*
 * The realm in memory: what the export file says, and what has happened since.
 * Used by every file of realm/. All of it is guarded by one lock, which is never held while a
 * password is hashed or a fault keeps somebody waiting.
 */
#ifndef REALM_REALM_H
#define REALM_REALM_H

#include "realm/index.h"

#include <json-c/json.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct realm_keys;
struct realm_session;
struct realm_faults;

enum realm_likeness { REALM_LIKE_24 = 24, REALM_LIKE_26 = 26 };

struct realm_role {
    const char *name, *description; /* without one, Keycloak's own have a key of a translation */
    bool builtin;
    char uuid[37];
    struct realm_client *client; /* NULL for a role of the realm */
    size_t index;                /* its place in struct realm's list and in each set of roles */
    struct realm_role **parts;   /* of a composite */
    size_t part_count;
};

struct realm_scope {
    const char *name;
    bool in_token; /* whether its name stands in the scope claim */
    struct json_object *mappers;
    struct realm_role **roles; /* who holds none of these does not get the scope; none: everybody */
    size_t role_count;
};

struct realm_group {
    char *path; /* as tokens have it: a slash inside a name looks like any other */
    const char *name;
    char uuid[37];
    struct realm_group *parent;
    struct realm_group **children; /* by name */
    size_t child_count;
    struct realm_role **roles;
    size_t role_count;
    struct json_object *attributes; /* NULL: none */
    struct json_object *written;    /* what an administrator has put in their place; NULL: nothing */
    bool owned;                     /* name and attributes are its own, not the file's */
    struct realm_user **members;    /* direct ones, by name */
    size_t member_count;
    size_t order; /* among all, as they were made: it decides between equal names */
    size_t fill;  /* its number among those that --fill-groups made; 0: none of them */
};

struct realm_client {
    const char *id;
    char uuid[37];
    const char *protocol, *authenticator, *secret;
    bool enabled, is_public, bearer_only, direct_grants, service_account, consent, full_scope;
    struct json_object *attributes, *mappers;
    struct realm_scope **defaults, **optionals;
    size_t default_count, optional_count;
};

struct realm_user {
    const char *name; /* lower case, as Keycloak keeps it */
    const char *name_before; /* before control renamed it; NULL: it did not */
    char uuid[37];
    const char *email, *first_name, *last_name;
    bool enabled, email_verified;
    const char *password; /* NULL: no credential */
    struct {
        uint8_t *secret; /* NULL: no one-time code */
        size_t length;
        unsigned digits, period;
        int64_t last_step; /* the step of the last code that was accepted */
    } totp;
    struct json_object *entry;      /* the whole of what the file says; NULL: filled in */
    struct json_object *attributes; /* what has changed them owns them, else the entry does */
    bool attributes_owned;
    size_t fill; /* its number among those that --fill-users made; 0: none of them */
    bool added;  /* by control, not by the file */
    bool gone;   /* an administrator has deleted it */
    int64_t created_ms;
    size_t action_count;         /* required actions that are pending */
    struct json_object *actions; /* which ones, where control has said so; else the entry's */
    struct realm_client *service_client; /* a service account's client */
    struct realm_group **groups;         /* direct ones */
    struct realm_role **direct;          /* roles that are the user's own, not those of groups */
    size_t group_count, direct_count;
    bool *roles; /* the effective roles, one for each of the realm's */
    /* brute-force detection */
    unsigned running; /* password logins of this user that are under way */
    unsigned failures;
    int64_t last_failure_ms, locked_until_ms;
};

struct realm_policy {
    bool brute_force, permanent_lockout, email_login, otp_reusable;
    unsigned failure_factor;
    int64_t wait_increment, wait_max, delta_max, quick_check_ms, quick_wait; /* s unless named ms */
    int64_t token_lifespan, session_idle, session_max;
    unsigned otp_window;
    bool https_required;
};

struct realm {
    pthread_mutex_t lock;
    enum realm_likeness like;
    char *name;
    char uuid[37];
    struct json_object *profile; /* the user profile; NULL: Keycloak's own */
    bool enabled;
    int64_t not_before;
    struct realm_policy policy, policy_of_file;
    struct json_object *file; /* owns most of the texts below */
    struct realm_role **roles;
    struct realm_scope **scopes;
    struct realm_group **groups;
    struct realm_client **clients;
    struct realm_user **users; /* by name */
    struct realm_user **gone;  /* deleted ones, which sessions and grants may still point at */
    size_t role_count, scope_count, group_count, client_count, user_count, gone_count;
    struct realm_index user_names, user_ids, group_ids, group_paths;
    bool people_changed; /* since the file was read */
    struct realm_fill {
        size_t users, groups, members;
    } fill;
    struct realm_keys *keys;
    struct realm_session *sessions;
    size_t session_count;
    struct json_object *spent; /* ids of client assertions, with the second they may be forgotten */
    struct json_object *revoked; /* ids of access tokens */
    struct realm_faults *faults;
    int64_t hash_delay_ms;   /* what a password costs */
    atomic_bool ending;      /* nobody waits for anything any more */
    int64_t clock_offset_ms; /* how far the realm's clock is from the host's */
    const char *client_ca;   /* PEM file that signs client certificates; NULL: none is trusted */
};

/* Now, in milliseconds and in seconds since 1970, moved by the fault "clock". */
int64_t realm_now_ms(const struct realm *realm);
int64_t realm_now(const struct realm *realm);

#endif
