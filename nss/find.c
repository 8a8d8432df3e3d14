/*
 * Finds users and groups in the snapshot and copies them into a caller's buffer.
 * Used by lookup.c.
 * Must never answer from an attempt that did not hold, a hit no more than a miss.
 */
#include "nss/record.h"

#define ATTEMPTS 3

/* Whether the last word of a name, its NUL, and what else is in `word`, are the key's. */
NSS_INLINED bool is_end(uint64_t word, uint64_t key, size_t left)
{
    return (le64toh(word) ^ key) << (56 - 8 * left) == 0;
}

/* Whether the strings at `at` begin with the key's name and a NUL. */
NSS_INLINED bool is_name(const struct nss_attempt *attempt, const struct nss_key *key, uint64_t at)
{
    uint64_t words[KC_SNAPSHOT_NAME_WORDS + 1];
    const size_t whole = key->length / sizeof words[0];
    if (whole == 0)
        return nss_attempt_fetch(attempt, at, words, sizeof words[0]) &&
               is_end(words[0], key->words[0], key->length);
    if (!nss_attempt_fetch(attempt, at, words, (whole + 1) * sizeof words[0]))
        return false;
    for (size_t i = 0; i < whole; i++) /* all of them were fetched */
        if (le64toh(words[i]) != key->words[i]) /* NOLINT(clang-analyzer-core.CallAndMessage) */
            return false;
    return is_end(words[whole], whole < KC_SNAPSHOT_NAME_WORDS ? key->words[whole] : 0,
        key->length % sizeof words[0]);
}

/* The record at `at`, if it is the one that `key` asks for. */
NSS_INLINED bool is_record(const struct nss_attempt *attempt, enum kc_snapshot_index index,
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

NSS_INLINED bool search(const struct nss_attempt *attempt, enum kc_snapshot_index index,
    const struct nss_key *key, struct nss_record *ret_record)
{
    uint64_t seed[2];
    struct kc_snapshot_slots slots;
    uint64_t hash;
    uint64_t slot;
    uint32_t at;
    unsigned probe;

    if (!nss_attempt_fetch_head(
            attempt, offsetof(struct kc_arena_head, seed), seed, sizeof seed) ||
        !nss_attempt_fetch_head(attempt,
            offsetof(struct kc_arena_head, index) + index * sizeof slots, &slots, sizeof slots) ||
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

bool nss_search(const struct nss_attempt *attempt, enum kc_snapshot_index index,
    const struct nss_key *key, struct nss_record *ret_record)
{
    return search(attempt, index, key, ret_record);
}

/* What is asked, and where the answer goes. */
struct lookup {
    const struct nss_key *key;
    enum nss_age age;
    const struct nss_target *target;
};

enum kind { USER, GROUP, GIDS }; /* a constant where a lookup is compiled */

NSS_INLINED enum nss_found look_once(
    const struct nss_attempt *attempt, const struct lookup *lookup, enum kind kind)
{
    const struct nss_key *key = lookup->key;
    struct nss_record record;

    if (kind == GROUP)
        return search(attempt, key->name ? KC_INDEX_GROUP_NAME : KC_INDEX_GID, key, &record)
                   ? nss_copy_group(attempt, &record, lookup->age, lookup->target)
                   : NSS_MISSED;
    if (!search(attempt, key->name ? KC_INDEX_USER_NAME : KC_INDEX_UID, key, &record))
        return NSS_MISSED;
    return kind == USER ? nss_copy_user(attempt, &record, lookup->age, lookup->target)
                        : nss_copy_gids(attempt, &record, lookup->age, lookup->target);
}

/* Looks through one file. */
NSS_INLINED enum nss_found look_through(const struct nss_snapshot *snapshot, bool mapped,
    const struct lookup *lookup, enum kind kind)
{
    const long count = kind == GIDS ? *lookup->target->gids->count : 0;
    const uint64_t now = nss_now();

    for (unsigned i = 0; i < ATTEMPTS; i++) {
        struct nss_attempt attempt;
        if (!nss_attempt_begin(snapshot, mapped, now, &attempt))
            return NSS_MISSED;
        const enum nss_found found = look_once(&attempt, lookup, kind);
        const enum nss_hold hold = nss_attempt_hold(&attempt);
        if (kind == GIDS && (hold != NSS_HOLDS || found != NSS_FOUND))
            *lookup->target->gids->count = count;
        if (hold != NSS_OVERTAKEN)
            return hold == NSS_HOLDS ? found : NSS_MISSED;
    }
    return NSS_MISSED;
}

/*
 * The first lookup of a process, one without a mapping, or one after which another file may have
 * taken the place of the mapped one.
 */
NSS_INLINED enum nss_found look_anew(const struct nss_snapshot *before, enum nss_found found,
    const struct lookup *lookup, enum kind kind)
{
    struct nss_snapshot own;
    const struct nss_snapshot *snapshot;

    if (before && !nss_snapshot_renew(before))
        return found;
    snapshot = nss_snapshot_get(&own);
    if (!snapshot)
        return NSS_MISSED;
    found = snapshot->map ? look_through(snapshot, true, lookup, kind)
                          : look_through(snapshot, false, lookup, kind);
    nss_snapshot_put(snapshot, &own);
    return found;
}

/* Whether another file may have taken the place of a mapped one. */
NSS_INLINED bool is_replaced(const struct nss_snapshot *snapshot, enum nss_found found)
{
    uint32_t moved = 0;

    return found == NSS_MISSED || found == NSS_EXPIRED ||
           !nss_snapshot_state(snapshot, true, NSS_STATE(moved), memory_order_relaxed, &moved) ||
           moved != 0;
}

#define OUT_OF_THE_WAY __attribute__((noinline)) static

OUT_OF_THE_WAY enum nss_found user_anew(
    const struct nss_snapshot *before, enum nss_found found, const struct lookup *lookup)
{
    return look_anew(before, found, lookup, USER);
}

OUT_OF_THE_WAY enum nss_found group_anew(
    const struct nss_snapshot *before, enum nss_found found, const struct lookup *lookup)
{
    return look_anew(before, found, lookup, GROUP);
}

OUT_OF_THE_WAY enum nss_found gids_anew(
    const struct nss_snapshot *before, enum nss_found found, const struct lookup *lookup)
{
    return look_anew(before, found, lookup, GIDS);
}

typedef enum nss_found anew(
    const struct nss_snapshot *before, enum nss_found found, const struct lookup *lookup);

/* What is mapped already, and only if that does not do, all over. */
NSS_INLINED enum nss_found look_up(
    const struct lookup *lookup, enum kind kind, anew *if_not)
{
    const struct nss_snapshot *snapshot = nss_snapshot_mapped();
    enum nss_found found = NSS_MISSED;

    if (snapshot) {
        found = look_through(snapshot, true, lookup, kind);
        if (!is_replaced(snapshot, found))
            return found;
    }
    return if_not(snapshot, found, lookup);
}

enum nss_found nss_find_user(
    const struct nss_key *key, enum nss_age age, const struct nss_target *target)
{
    return look_up(&(struct lookup){key, age, target}, USER, user_anew);
}

enum nss_found nss_find_group(
    const struct nss_key *key, enum nss_age age, const struct nss_target *target)
{
    return look_up(&(struct lookup){key, age, target}, GROUP, group_anew);
}

enum nss_found nss_find_gids(
    const struct nss_key *key, enum nss_age age, const struct nss_target *target)
{
    return look_up(&(struct lookup){key, age, target}, GIDS, gids_anew);
}
