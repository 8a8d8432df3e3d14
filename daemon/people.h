/*
 * The users that the directory knows: by name, by uid and by the realm's own id.
 * Used by directory.c and sweep.c.
 * Must never hold two users of one name, uid or realm id.
 */
#ifndef DAEMON_PEOPLE_H
#define DAEMON_PEOPLE_H

#include "daemon/passwd_entry.h"

#include <stddef.h>

#define PEOPLE_MAX 2000000u

/* A user. Texts stand in one piece of memory behind `name`. */
struct known_user {
    char *name;
    char *gecos;
    char *home;
    char *shell;
    char *id; /* the realm's */
    uint32_t uid;
    uint32_t gid;
    uint32_t fresh; /* the first of the two freshness words */
    bool enabled;
    uint32_t until;      /* the entry is fresh until then, seconds of CLOCK_MONOTONIC */
    uint32_t gids_until; /* and the groups until then */
    uint32_t gid_count;
    uint32_t *gids;  /* of served groups */
    uint32_t number; /* in the order of names, while a snapshot is built */
};

struct people;

enum kc_status people_new(struct people **ret_people);
void people_free(struct people *people);

/* NULL: nobody. Borrowed until that user is removed. */
struct known_user *people_by_name(const struct people *people, const char *name);
struct known_user *people_by_uid(const struct people *people, uint32_t uid);
struct known_user *people_by_id(const struct people *people, const char *id);

/*
 * Puts a user in, or in the place of the one with that realm id. KC_ENTRY_NAME_TAKEN,
 * KC_ENTRY_ID_TAKEN: another realm id has its name or uid, which stays as it is; where the realm
 * id had an entry, it has none any more. KC_BUSY: too many. KC_NO_MEMORY.
 */
enum kc_status people_put(struct people *people, const char *id, const struct passwd_entry *entry,
    bool enabled, struct known_user **ret_user);

void people_remove(struct people *people, struct known_user *user);

size_t people_count(const struct people *people);

/* Calls `each` in the order of names, by byte. It must not put in or remove. */
typedef void people_each(void *userdata, struct known_user *user);
void people_walk(const struct people *people, people_each *each, void *userdata);

#endif
