/*
 * Which users and groups of a realm have no number, and which they are to get.
 * Used by assign.c. Pure: no I/O.
 * Must never choose a number that anybody in the realm or on this host has, or has had.
 */
#ifndef DAEMON_ASSIGN_PLAN_H
#define DAEMON_ASSIGN_PLAN_H

#include "common/bounds.h"
#include "common/cleanup.h"
#include "common/status.h"

#include <stddef.h>
#include <stdint.h>

#define ASSIGN_ITEMS_MAX 200000u

struct config;
struct json_object;
struct locals;

struct assign_rules {
    const struct config *config;
    const struct kc_bounds *bounds;
    const struct locals *locals;
};

/* A user or group without a number. */
struct assign_item {
    bool is_group;
    char *id;        /* the realm's */
    char *label;     /* a user's name, a group's path */
    uint32_t number; /* 0: not chosen yet */
};

struct assign_plan {
    struct assign_item *items; /* groups, then users, each in the realm's order */
    size_t count;
    size_t users, groups;       /* looked at */
    size_t no_gid;              /* users without a gid attribute */
    size_t local, no_name;      /* users left out: the host's own names, and none that Linux has */
    uint32_t high_uid, high_gid; /* of all that were seen in the range; 0: none */
};

#define ASSIGN_PLAN_AUTO KC_CLEANUP(assign_plan_clear)

void assign_plan_clear(struct assign_plan *plan);

/* Numbers that are in use elsewhere; those out of the range do not matter. */
void assign_plan_note(
    struct assign_plan *plan, const struct assign_rules *rules, uint32_t uid, uint32_t gid);

/* Looks at a user or a group as the Admin API tells of it, with its attributes.
 * KC_ANSWER_MALFORMED, KC_ANSWER_TOO_LARGE (too many), KC_NO_MEMORY. */
enum kc_status assign_plan_user(
    struct assign_plan *plan, const struct assign_rules *rules, const struct json_object *user);
enum kc_status assign_plan_group(
    struct assign_plan *plan, const struct assign_rules *rules, const struct json_object *group);

/* Chooses, when all have been seen: the lowest above everything. KC_NO_ROOM: the range is full. */
enum kc_status assign_plan_choose(struct assign_plan *plan, const struct assign_rules *rules);

/*
 * A representation with the one attribute added; the caller owns it. KC_BUSY: somebody has
 * given it a number meanwhile, or it has another name. KC_ANSWER_MALFORMED: it holds what would not
 * come back as it was.
 */
enum kc_status assign_change(const struct json_object *before, const struct assign_item *item,
    const char *attribute, struct json_object **ret_after);

/*
 * What of a changed representation is PUT; the caller owns it. What others may change meanwhile and the
 * realm keeps where it is absent is left out: who has just been disabled stays so. KC_NO_MEMORY.
 */
enum kc_status assign_body(const struct json_object *after, struct json_object **ret_body);

/* Whether the realm has exactly what assign_change made. KC_NOT_PERMITTED: all but the number.
 * KC_ANSWER_MALFORMED: something else is not as it was. */
enum kc_status assign_compare(const struct json_object *wanted, const struct json_object *found,
    const struct assign_item *item, const char *attribute);

#endif
