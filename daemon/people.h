/*
 * The users that the directory knows: by name, by uid and by the realm's own id.
 * Used by directory.c and sweep.c.
 * Must never hold two users of one name, uid or realm id.
 */
#ifndef DAEMON_PEOPLE_H
#define DAEMON_PEOPLE_H

#include "daemon/passwd_entry.h"

#include <stddef.h>
#include <sys/queue.h>

#define PEOPLE_MAX 2000000u
#define PEOPLE_NO_WORDS UINT32_MAX

/* A user. Texts stand in one piece of memory behind `name`. */
struct known_user {
    char *name;
    char *gecos;
    char *home;
    char *shell;
    char *id; /* the realm's */
    uint32_t uid;
    uint32_t gid;
    uint32_t fresh; /* the first of the two freshness words; PEOPLE_NO_WORDS: it has none yet */
    bool enabled;
    bool allocated; /* the uid is this host's own */
    bool swept;     /* a member of a group when the last sweep ended */
    bool bound;     /* the disk has whose name and uid these are */
    bool unsaved;   /* in a list of remember.c */
    uint32_t saved; /* what the disk has, in a number */
    LIST_ENTRY(known_user) link;
    int64_t until;      /* the entry is fresh until then, seconds of CLOCK_MONOTONIC; 0: never yet */
    int64_t gids_until; /* and the groups until then */
    uint32_t asked;     /* when a question for it came here last; 0: none did */
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
 * Puts a user in, or in the place of the one with that realm id, whose name and uid are the same:
 * one who has others is removed before. KC_ENTRY_NAME_TAKEN, KC_ENTRY_ID_TAKEN: another realm id
 * has its name or uid. KC_BUSY: too many. KC_NO_MEMORY. After a failure all is as it was.
 */
enum kc_status people_put(struct people *people, const char *id, const struct passwd_entry *entry,
    bool enabled, struct known_user **ret_user);

void people_remove(struct people *people, struct known_user *user);

/* Another number whenever somebody came or has another entry. */
uint64_t people_changes(const struct people *people);

size_t people_count(const struct people *people);

/* Calls `each` in the order of names, by byte. It must not put in or remove. */
typedef void people_each(void *userdata, struct known_user *user);
void people_walk(const struct people *people, people_each *each, void *userdata);

#endif
