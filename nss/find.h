/*
 * Finds users and groups in the snapshot and copies them into a caller's buffer.
 * Used by lookup.c.
 * Must never answer from an attempt that did not hold, a hit no more than a miss.
 */
#ifndef NSS_FIND_H
#define NSS_FIND_H

#include "common/name.h"
#include "nss/snapshot.h"

#include <grp.h>
#include <pwd.h>

/* What a search came to. */
enum nss_found {
    NSS_FOUND,   /* copied */
    NSS_NO_ROOM, /* it is there, and the buffer is too small */
    NSS_LOCAL,   /* a name of the host's own */
    NSS_EXPIRED, /* there, and older than it may be: the daemon must be asked */
    NSS_MISSED,  /* not there, or no snapshot that can be trusted: the daemon must be asked */
    NSS_OUTRUN,  /* of a walk alone: the writer was faster, again and again */
};

/* By name, or by id where `name` is NULL. */
struct nss_key {
    const char *name;
    size_t length; /* without the NUL, 1 to KC_NAME_MAX */
    uint64_t words[KC_SNAPSHOT_NAME_WORDS];
    uint32_t id;
};

/* A key by name. False: no name of a realm is so short or long. Its syntax is not looked at. */
static inline bool nss_key_by_name(const char *name, struct nss_key *ret_key)
{
    const size_t length = strnlen(name, KC_NAME_MAX + 1);
    if (length == 0 || length > KC_NAME_MAX)
        return false;
    ret_key->name = name;
    ret_key->length = length;
    kc_snapshot_name_words(name, length, ret_key->words);
    return true;
}

/* The caller's buffer. */
struct nss_room {
    char *bytes;
    size_t size;
};

/* What glibc hands to initgroups_dyn: an array that may grow to `limit` entries (0: any number). */
struct nss_gids {
    gid_t **array;
    long *count;
    long *size;
    long limit;
    gid_t primary; /* is there already, and not added again */
    bool stranger; /* the primary group is not told, and the host's files do not have the user */
};

/* Adds one; false: no memory. What is over the limit is left out. */
bool nss_gids_add(struct nss_gids *gids, gid_t gid);

/* Where an answer goes: one of the three, and for the first two the caller's buffer. */
struct nss_target {
    struct nss_room room;
    struct passwd *user;
    struct group *group;
    struct nss_gids *gids; /* the groups that a user is in are added */
};

/* How old an entry may be: within its time, or beyond it, where nobody can say better. */
enum nss_age { NSS_FRESH, NSS_WITHIN_GRACE };

/* Looks for what `key` says. NSS_NO_ROOM for gids: no memory. */
enum nss_found nss_find_user(
    const struct nss_key *key, enum nss_age age, const struct nss_target *target);
enum nss_found nss_find_group(
    const struct nss_key *key, enum nss_age age, const struct nss_target *target);
enum nss_found nss_find_gids(
    const struct nss_key *key, enum nss_age age, const struct nss_target *target);

/* Whichever the target is for. */
static inline enum nss_found nss_find(
    const struct nss_key *key, enum nss_age age, const struct nss_target *target)
{
    if (target->user)
        return nss_find_user(key, age, target);
    return target->group ? nss_find_group(key, age, target) : nss_find_gids(key, age, target);
}

/*
 * Walking through all users or groups, in the order of their names: where a walk has come to.
 * Zeros begin one. NSS_MISSED is its end; an entry that is older than it may be is left out.
 */
struct nss_walk {
    uint64_t seed;              /* of the arena that the place is in: no two have the same */
    uint32_t place;             /* of the next record, in units */
    char last[KC_NAME_MAX + 1]; /* the last one's name, to go on after in another arena */
};

enum nss_found nss_find_next(struct nss_walk *walk, const struct nss_target *target);

#endif
