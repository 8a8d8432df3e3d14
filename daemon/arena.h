/*
 * An arena of the snapshot, built in memory from users and groups.
 * Used by snapshot.c, the bench and the tests of the reader.
 * Must never put into it what a reader would refuse.
 */
#ifndef DAEMON_ARENA_H
#define DAEMON_ARENA_H

#include "common/snapshot.h"
#include "common/status.h"

#include <stdbool.h>

/* A user. `fresh` is even: the first of its two words in the table of freshness. */
struct arena_user {
    const char *name;
    const char *gecos;
    const char *home;
    const char *shell;
    uint32_t uid;
    uint32_t gid;
    uint32_t fresh;
    uint32_t gid_count;
    const uint32_t *gids; /* of all groups, the primary one left out */
};

struct arena_group {
    const char *name;
    uint32_t gid;
    uint32_t fresh;
    uint32_t member_count;
    const uint32_t *members; /* counted in the array of users */
};

/* Everything. Users and groups are in strict order of their names, by byte. */
struct arena_content {
    const struct arena_user *users;
    uint32_t user_count;
    const struct arena_group *groups;
    uint32_t group_count;
    const char *const *local_users; /* names of the host's own */
    uint32_t local_user_count;
    const char *const *local_groups;
    uint32_t local_group_count;
};

/* Bytes that the content takes. */
uint64_t arena_size(const struct arena_content *content);

/*
 * Builds it in `bytes`, which has at least arena_size bytes and begins at a multiple of 8.
 * KC_TOO_LARGE: a string, list or place is over its limit; KC_MALFORMED: the order, or a member
 * that is none; KC_NO_MEMORY; KC_SYSTEM: no random seed; KC_BUSY: the names do not spread.
 */
enum kc_status arena_build(const struct arena_content *content, void *bytes, uint64_t capacity);

/* Whether `bytes` is an arena of a size up to `capacity` whose checksum is right. */
bool arena_is_sound(const void *bytes, uint64_t capacity);

#endif
