/*
 * Finds users and groups in the snapshot and copies them into a caller's buffer.
 * Used by passwd.c, group.c and initgroups.c.
 * Must never answer from an attempt that did not hold, a hit no more than a miss.
 */
#include "nss/copy.h"

#define ATTEMPTS 3

/* Whether the strings at `at` begin with the key's name and a NUL. */
static inline bool is_name(
    const struct nss_attempt *attempt, const struct nss_key *key, uint64_t at)
{
    size_t left = key->length;
    uint64_t word;
    for (unsigned i = 0;; i++, left -= sizeof word, at += sizeof word) {
        if (!nss_attempt_fetch(attempt, at, &word, sizeof word))
            return false;
        if (left < sizeof word) /* the rest of the name, its NUL, and what else is in the word */
            return ((word ^ (left > 0 ? key->words[i] : 0)) << (56 - 8 * left)) == 0;
        if (word != key->words[i])
            return false;
    }
}

/* The record at `at`, if it is the one that `key` asks for. */
static inline bool is_record(const struct nss_attempt *attempt, enum kc_snapshot_index index,
    const struct nss_key *key, uint64_t at, struct nss_record *ret_record)
{
    ret_record->at = at;
    if (index == KC_INDEX_GROUP_NAME || index == KC_INDEX_GID) {
        struct kc_record_group *group = &ret_record->head.group;
        if (!nss_attempt_fetch(attempt, at, group, sizeof *group))
            return false;
        return key->name ? is_name(attempt, key, at + sizeof *group)
                         : group->kind == KC_RECORD_GROUP && group->gid == key->id;
    }
    struct kc_record_user *user = &ret_record->head.user;
    if (!nss_attempt_fetch(attempt, at, user, sizeof *user))
        return false;
    return key->name ? is_name(attempt, key, at + sizeof *user)
                     : user->kind == KC_RECORD_USER && user->uid == key->id;
}

/* Walks the index. False: not there. */
static bool search(const struct nss_attempt *attempt, enum kc_snapshot_index index,
    const struct nss_key *key, struct nss_record *ret_record)
{
    uint64_t seed[2];
    struct kc_snapshot_slots slots;
    uint64_t hash;
    uint64_t slot;
    uint32_t at;
    unsigned probe;

    if (!nss_attempt_fetch(attempt, offsetof(struct kc_arena_head, seed), seed, sizeof seed) ||
        !nss_attempt_fetch(attempt, offsetof(struct kc_arena_head, index) + index * sizeof slots,
            &slots, sizeof slots) ||
        slots.count == 0)
        return false;
    hash = key->name ? kc_snapshot_hash_name(seed, key->words) : kc_snapshot_hash_id(seed, key->id);
    at = kc_snapshot_first_slot(hash, slots.count);
    for (probe = 0; probe < KC_SNAPSHOT_PROBES; probe++) {
        if (!nss_attempt_fetch(attempt,
                (uint64_t)slots.place * KC_SNAPSHOT_UNIT + (uint64_t)at * sizeof slot, &slot,
                sizeof slot) ||
            (uint32_t)slot == 0)
            return false;
        if (slot >> 32 == kc_snapshot_tag(hash) &&
            is_record(attempt, index, key, (slot & UINT32_MAX) * KC_SNAPSHOT_UNIT, ret_record))
            return true;
        at = at + 1 < slots.count ? at + 1 : 0;
    }
    return false;
}

/* What is looked for, and where it goes. */
struct lookup {
    enum kc_snapshot_index index;
    const struct nss_key *key;
    enum nss_age age;
    struct nss_room room;
    struct passwd *user;
    struct group *group;
    struct nss_gids *gids;
};

static enum nss_found attempt_once(const struct nss_attempt *attempt, const struct lookup *lookup)
{
    struct nss_record record;

    if (!search(attempt, lookup->index, lookup->key, &record))
        return NSS_MISSED;
    if (lookup->user)
        return nss_copy_user(attempt, &record, lookup->age, lookup->room, lookup->user);
    if (lookup->group)
        return nss_copy_group(attempt, &record, lookup->age, lookup->room, lookup->group);
    return nss_copy_gids(attempt, &record, lookup->age, lookup->gids);
}

/* Looks through one file; tells whether it has been replaced. */
static enum nss_found look_through(
    const struct nss_snapshot *snapshot, const struct lookup *lookup, bool *ret_replaced)
{
    struct nss_attempt attempt;
    enum nss_found found = NSS_MISSED;
    enum nss_hold hold = NSS_OVERTAKEN;
    long count = lookup->gids ? *lookup->gids->count : 0;
    uint32_t moved = 0;
    unsigned i;

    for (i = 0; i < ATTEMPTS && hold == NSS_OVERTAKEN; i++) {
        if (lookup->gids)
            *lookup->gids->count = count;
        if (!nss_attempt_begin(snapshot, &attempt))
            break;
        found = attempt_once(&attempt, lookup);
        hold = nss_attempt_hold(&attempt);
    }
    if (hold != NSS_HOLDS)
        found = NSS_MISSED;
    if (lookup->gids && found != NSS_FOUND)
        *lookup->gids->count = count;
    *ret_replaced =
        found == NSS_MISSED || found == NSS_EXPIRED ||
        (snapshot->map &&
            nss_snapshot_state(snapshot, NSS_STATE(moved), memory_order_relaxed, &moved) &&
            moved != 0);
    return found;
}

static enum nss_found look_up(const struct lookup *lookup)
{
    struct nss_snapshot own;
    const struct nss_snapshot *snapshot = nss_snapshot_get(&own);
    enum nss_found found;
    bool replaced;

    if (!snapshot)
        return NSS_MISSED;
    found = look_through(snapshot, lookup, &replaced);
    if (replaced && nss_snapshot_renew(snapshot)) {
        snapshot = nss_snapshot_get(&own);
        found = snapshot ? look_through(snapshot, lookup, &replaced) : NSS_MISSED;
    }
    if (snapshot)
        nss_snapshot_put(snapshot, &own);
    return found;
}

enum nss_found nss_find_user(
    const struct nss_key *key, enum nss_age age, struct nss_room room, struct passwd *ret_user)
{
    const struct lookup lookup = {
        .index = key->name ? KC_INDEX_USER_NAME : KC_INDEX_UID,
        .key = key,
        .age = age,
        .room = room,
        .user = ret_user,
    };

    return look_up(&lookup);
}

enum nss_found nss_find_group(
    const struct nss_key *key, enum nss_age age, struct nss_room room, struct group *ret_group)
{
    const struct lookup lookup = {
        .index = key->name ? KC_INDEX_GROUP_NAME : KC_INDEX_GID,
        .key = key,
        .age = age,
        .room = room,
        .group = ret_group,
    };

    return look_up(&lookup);
}

enum nss_found nss_find_groups(const struct nss_key *key, enum nss_age age, struct nss_gids *gids)
{
    const struct lookup lookup = {
        .index = KC_INDEX_USER_NAME,
        .key = key,
        .age = age,
        .gids = gids,
    };

    return look_up(&lookup);
}

/* The record at `at`, of a kind that stands in `range`; its size, or 0: there is none. */
static uint64_t record_at(const struct nss_attempt *attempt, bool groups, uint64_t at,
    struct nss_record *ret_record, char ret_name[KC_NAME_MAX + 1])
{
    const size_t head_size =
        groups ? sizeof(struct kc_record_group) : sizeof(struct kc_record_user);
    const uint8_t kind = groups ? KC_RECORD_GROUP : KC_RECORD_USER;
    size_t name_size;
    ret_record->at = at;
    if (!nss_attempt_fetch(attempt, at, &ret_record->head, head_size))
        return 0;
    name_size = ret_record->head.user.name_size;
    if (ret_record->head.user.kind != kind || name_size < 2 || name_size > KC_NAME_MAX + 1 ||
        !nss_copy_strings(attempt, at + head_size, name_size, ret_name))
        return 0;
    return head_size + kc_snapshot_round(ret_record->head.user.strings_size);
}

/* One step of a walk, within an attempt. */
static enum nss_found step(
    const struct nss_attempt *attempt, const struct lookup *lookup, struct nss_walk *walk)
{
    const bool groups = lookup->group != NULL;
    const size_t member =
        groups ? offsetof(struct kc_arena_head, groups) : offsetof(struct kc_arena_head, users);
    struct kc_snapshot_range range;
    char name[KC_NAME_MAX + 1];
    struct nss_record record;
    uint32_t on = 0;
    if (!nss_snapshot_state(attempt->snapshot, NSS_STATE(enumerate), memory_order_relaxed, &on) ||
        on == 0 || !nss_attempt_fetch(attempt, member, &range, sizeof range))
        return NSS_MISSED;
    const bool known = walk->generation == attempt->generation && walk->place >= range.begin;
    uint64_t at = (uint64_t)(known ? walk->place : range.begin) * KC_SNAPSHOT_UNIT;
    while (at < (uint64_t)range.end * KC_SNAPSHOT_UNIT) {
        const uint64_t size = record_at(attempt, groups, at, &record, name);
        if (size == 0)
            return NSS_MISSED;
        if (strcmp(name, walk->last) > 0) {
            const enum nss_found found = groups ? nss_copy_group(attempt, &record, NSS_WITHIN_GRACE,
                                                      lookup->room, lookup->group)
                                                : nss_copy_user(attempt, &record, NSS_WITHIN_GRACE,
                                                      lookup->room, lookup->user);
            if (found == NSS_NO_ROOM)
                return found;
            if (found == NSS_FOUND) {
                walk->generation = attempt->generation;
                walk->place = (uint32_t)((at + size) / KC_SNAPSHOT_UNIT);
                memcpy(walk->last, name, sizeof name);
                return found;
            }
        }
        at += size;
    }
    return NSS_MISSED;
}

static enum nss_found walk_on(struct nss_walk *walk, const struct lookup *lookup)
{
    struct nss_snapshot own;
    const struct nss_snapshot *snapshot = nss_snapshot_get(&own);
    enum nss_found found = NSS_MISSED;
    if (!snapshot)
        return NSS_MISSED;
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        struct nss_attempt attempt;
        struct nss_walk next = *walk;
        found = NSS_MISSED;
        if (!nss_attempt_begin(snapshot, &attempt))
            break;
        found = step(&attempt, lookup, &next);
        if (nss_attempt_hold(&attempt) == NSS_HOLDS) {
            *walk = next;
            break;
        }
        found = NSS_MISSED;
    }
    nss_snapshot_put(snapshot, &own);
    return found;
}

enum nss_found nss_find_next_user(
    struct nss_walk *walk, struct nss_room room, struct passwd *ret_user)
{
    return walk_on(walk, &(struct lookup){.room = room, .user = ret_user});
}

enum nss_found nss_find_next_group(
    struct nss_walk *walk, struct nss_room room, struct group *ret_group)
{
    return walk_on(walk, &(struct lookup){.room = room, .group = ret_group});
}
