/*
 * The groups that are served: by name, by gid and by the realm's own id, with their members.
 * Used by the directory; the sweep fills one set after the other.
 * Must never hold two groups of one name, gid or realm id once it is settled.
 */
#ifndef DAEMON_GROUPS_H
#define DAEMON_GROUPS_H

#include "common/limits.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GROUPS_MAX 100000u
#define GROUP_DEPTH_MAX 32u /* parents of parents that are gone through */

/* A group that is served. */
struct known_group {
    char name[KC_LOOKUP_NAME_MAX];
    char *id;    /* the realm's */
    bool before; /* it had its name and gid before this set was begun */
    uint32_t gid;
    uint32_t fresh;    /* the first of the two freshness words */
    uint32_t saved;    /* what the disk has, in a number (remember.c) */
    uint32_t *members; /* uids */
    uint32_t member_count;
};

/* A group below a served one, or one whose members are to be known: served or not. */
struct group_link {
    char *id;
    char *parent; /* the realm's id of the group above; NULL: of no interest */
    bool prefetch;
};

struct known_groups {
    struct known_group *items; /* settled: in the order of names, by byte */
    size_t count;
    uint32_t *by_gid; /* settled: places in `items` */
    uint32_t *by_id;
    struct group_link *links; /* settled: in the order of ids */
    size_t link_count;
};

void groups_clear(struct known_groups *groups); /* gives all of it back */

/* Adds one. Of two with one name or gid the one stays that was there before, else the one of the
 * lesser id. KC_ANSWER_TOO_LARGE, KC_NO_MEMORY. */
enum kc_status groups_add(
    struct known_groups *groups, const char *name, const char *id, uint32_t gid, bool before);
enum kc_status groups_link(
    struct known_groups *groups, const char *id, const char *parent, bool prefetch);

/* Drops doubles and puts all in order: nothing is found before. KC_NO_MEMORY. */
enum kc_status groups_settle(struct known_groups *groups);

/* NULL: none. */
struct known_group *group_by_name(const struct known_groups *groups, const char *name);
struct known_group *group_by_gid(const struct known_groups *groups, uint32_t gid);
struct known_group *group_by_id(const struct known_groups *groups, const char *id);

/* Whether a link has the id. */
bool groups_has_link(const struct known_groups *groups, const char *id);

/* The groups that a member of the group with that id is in: that one, and where links say so the
 * ones above it. At most GROUP_DEPTH_MAX. */
size_t groups_of_member(const struct known_groups *groups, const char *id,
    struct known_group *ret_groups[static GROUP_DEPTH_MAX]);

/* KC_ANSWER_TOO_LARGE, KC_NO_MEMORY. */
enum kc_status group_add_member(struct known_group *group, uint32_t uid);

/* Puts members in order, each once. */
void group_settle_members(struct known_group *group);

/* Takes groups out of a settled set, or members out of all groups. `is_gone` says which. */
typedef bool group_is_gone(void *userdata, const struct known_group *group);
void groups_drop(struct known_groups *groups, group_is_gone *is_gone, void *userdata);
typedef bool member_is_gone(void *userdata, uint32_t uid);
void groups_drop_members(struct known_groups *groups, member_is_gone *is_gone, void *userdata);

#endif
