/*
 * Walks through the snapshot's users or groups in the order of their names.
 * Used by lookup.c, for getpwent and getgrent.
 * Must never give an entry twice, nor end where there are more without saying so.
 */
#include "nss/record.h"

#define ATTEMPTS 64 /* the daemon publishes once in two seconds: a second attempt holds */

/* Users or groups: what differs. */
struct table {
    enum kc_snapshot_index index;
    uint8_t kind;
    size_t head_size;
    size_t range; /* member of the arena's head */
};

static const struct table users = {
    .index = KC_INDEX_USER_NAME,
    .kind = KC_RECORD_USER,
    .head_size = sizeof(struct kc_record_user),
    .range = offsetof(struct kc_arena_head, users),
};

static const struct table groups = {
    .index = KC_INDEX_GROUP_NAME,
    .kind = KC_RECORD_GROUP,
    .head_size = sizeof(struct kc_record_group),
    .range = offsetof(struct kc_arena_head, groups),
};

/* A record's size, and its name. 0: there is no such record at its place. */
static uint64_t read_record(const struct nss_attempt *attempt, const struct table *table,
    struct nss_record *record, char ret_name[KC_NAME_MAX + 1])
{
    const struct kc_record_user *head = &record->head.user; /* groups' heads begin alike */
    if (!nss_attempt_fetch(attempt, record->at, &record->head, table->head_size) ||
        head->kind != table->kind || head->name_size < 2 || head->name_size > KC_NAME_MAX + 1 ||
        !nss_copy_strings(attempt, record->at + table->head_size, head->name_size,
            (struct nss_room){ret_name, KC_NAME_MAX + 1}))
        return 0;
    return table->head_size + kc_snapshot_round(head->strings_size);
}

/*
 * Where the walk goes on: in the arena that it knows, at the place that it has come to; in another,
 * behind the last one's record, or where that is gone, at the first.
 */
static uint64_t next_place(const struct nss_attempt *attempt, const struct table *table,
    const struct kc_snapshot_range *range, uint64_t seed, const struct nss_walk *walk)
{
    const uint64_t begin = (uint64_t)range->begin * KC_SNAPSHOT_UNIT;
    struct nss_record record;
    struct nss_key key;
    char name[KC_NAME_MAX + 1];
    if (walk->seed == seed && walk->place >= range->begin)
        return (uint64_t)walk->place * KC_SNAPSHOT_UNIT;
    if (!nss_key_by_name(walk->last, &key) || !nss_search(attempt, table->index, &key, &record) ||
        record.at < begin)
        return begin;
    const uint64_t size = read_record(attempt, table, &record, name);
    return size > 0 ? record.at + size : begin;
}

/* The next entry that may be given, within an attempt. */
static enum nss_found step(const struct nss_attempt *attempt, const struct table *table,
    struct nss_walk *walk, const struct nss_target *target)
{
    struct kc_snapshot_range range;
    struct nss_record record;
    char name[KC_NAME_MAX + 1];
    uint64_t seed, size;
    uint32_t on = 0;
    if (!nss_snapshot_state(attempt->snapshot, attempt->mapped, NSS_STATE(enumerate),
            memory_order_relaxed, &on) ||
        on == 0 || !nss_attempt_fetch(attempt, table->range, &range, sizeof range) ||
        !nss_attempt_fetch(attempt, offsetof(struct kc_arena_head, seed), &seed, sizeof seed))
        return NSS_MISSED;
    record.at = next_place(attempt, table, &range, seed, walk);
    for (; record.at < (uint64_t)range.end * KC_SNAPSHOT_UNIT; record.at += size) {
        size = read_record(attempt, table, &record, name);
        if (size == 0)
            return NSS_MISSED;
        if (strcmp(name, walk->last) <= 0)
            continue;
        const enum nss_found found =
            target->group ? nss_copy_group(attempt, &record, NSS_WITHIN_GRACE, target)
                          : nss_copy_user(attempt, &record, NSS_WITHIN_GRACE, target);
        if (found == NSS_NO_ROOM)
            return found;
        if (found == NSS_FOUND) {
            walk->seed = seed;
            walk->place = (uint32_t)((record.at + size) / KC_SNAPSHOT_UNIT);
            memcpy(walk->last, name, sizeof name);
            return found;
        }
    }
    return NSS_MISSED;
}

static enum nss_found step_in(const struct nss_snapshot *snapshot, const struct table *table,
    struct nss_walk *walk, const struct nss_target *target)
{
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        struct nss_attempt attempt;
        struct nss_walk next = *walk;
        if (!nss_attempt_begin(snapshot, snapshot->map != NULL, nss_now(), &attempt))
            return NSS_MISSED;
        const enum nss_found found = step(&attempt, table, &next, target);
        const enum nss_hold hold = nss_attempt_hold(&attempt);
        if (hold == NSS_DAMAGED)
            return NSS_MISSED;
        if (hold == NSS_HOLDS) {
            *walk = next;
            return found;
        }
    }
    return NSS_OUTRUN;
}

enum nss_found nss_find_next(struct nss_walk *walk, const struct nss_target *target)
{
    struct nss_snapshot own;
    const struct nss_snapshot *snapshot = nss_snapshot_get(&own);
    uint32_t moved = 0;
    enum nss_found found;
    if (snapshot && snapshot->map &&
        nss_snapshot_state(snapshot, true, NSS_STATE(moved), memory_order_relaxed, &moved) &&
        moved != 0 && nss_snapshot_renew(snapshot))
        snapshot = nss_snapshot_get(&own);
    if (!snapshot)
        return NSS_MISSED;
    found = step_in(snapshot, target->group ? &groups : &users, walk, target);
    nss_snapshot_put(snapshot, &own);
    return found;
}
