/*
 * A record that a search or a walk has come to, and what must hold of it before it is believed.
 * Used by find.c, walk.c and copy.c within an attempt, which judges afterwards whether it counts.
 * Must never follow an offset, a size or a count that it has not checked.
 */
#ifndef NSS_RECORD_H
#define NSS_RECORD_H

#include "common/field.h"
#include "nss/find.h"

/* Its place in the arena, and its head. */
struct nss_record {
    uint64_t at;
    union {
        struct kc_record_user user;
        struct kc_record_group group;
    } head;
};

/* Walks the index. False: not there. */
bool nss_search(const struct nss_attempt *attempt, enum kc_snapshot_index index,
    const struct nss_key *key, struct nss_record *ret_record);

/* The parts of an entry that have a time of their own, as its freshness words stand. */
enum nss_part { NSS_PART_ENTRY = 1, NSS_PART_LIST = 2, NSS_PART_BOTH = 3 };

/*
 * Whether the words at `fresh` of the table say that `parts` may still be used. A word of 0 was never
 * known, or is taken back.
 */
NSS_INLINED bool nss_is_current(const struct nss_attempt *attempt, uint32_t fresh,
    enum nss_part parts, enum nss_age age, size_t grace_member)
{
    const struct nss_snapshot *snapshot = attempt->snapshot;
    const uint64_t first = fresh & ~1u;
    const uint64_t offset = snapshot->fresh_offset + first * sizeof(uint32_t);
    uint32_t words[2];
    uint32_t grace = 0;
    if (first + 2 > snapshot->fresh_count)
        return false;
    if (attempt->mapped)
        nss_load(snapshot->map + offset, words, sizeof words);
    else if (!nss_snapshot_pread(snapshot, offset, words, sizeof words))
        return false;
    if (age == NSS_WITHIN_GRACE &&
        !nss_snapshot_state(
            snapshot, attempt->mapped, grace_member, memory_order_relaxed, &grace))
        return false;
    const uint32_t entry = parts & NSS_PART_ENTRY ? words[0] : UINT32_MAX;
    const uint32_t list = parts & NSS_PART_LIST ? words[1] : UINT32_MAX;
    const uint32_t until = entry < list ? entry : list;
    return until != 0 && attempt->now < (uint64_t)until + grace;
}

/* What kc_bounds_id says. The range does not begin with 0; some programs take 65534 for nobody. */
NSS_INLINED bool nss_in_range(const struct nss_attempt *attempt, uint32_t id)
{
    const struct nss_snapshot *snapshot = attempt->snapshot;
    return id - snapshot->id_first <= snapshot->id_last - snapshot->id_first &&
           (id | 1) != 65535 && id != UINT32_MAX;
}

/*
 * Fetches a record's strings, and ends the last one. Where room and arena let, 32 bytes at a time:
 * what is copied beyond the strings says nothing, and takes less time than not to.
 */
NSS_INLINED bool nss_copy_strings(
    const struct nss_attempt *attempt, uint64_t at, size_t size, struct nss_room room)
{
    const size_t whole = (size + 31) & ~(size_t)31;
    if (!nss_attempt_fetch(attempt, at, room.bytes,
            whole <= room.size && nss_attempt_has(attempt, at, whole) ? whole : size))
        return false;
    room.bytes[size - 1] = '\0';
    return true;
}

/* Whether the places in a user's head lie in its strings. */
NSS_INLINED bool nss_is_sound_user(const struct kc_record_user *user)
{
    return user->strings_size <= KC_SNAPSHOT_STRINGS_MAX && user->name_size > 0 &&
           user->name_size < user->strings_size && user->gecos < user->strings_size &&
           user->home < user->strings_size && user->shell < user->strings_size;
}

/* Copies a user's record. Inlined: what a head says stays in registers. */
NSS_INLINED enum nss_found nss_copy_user(const struct nss_attempt *attempt,
    const struct nss_record *record, enum nss_age age, const struct nss_target *target)
{
    const struct kc_record_user *user = &record->head.user;
    const struct nss_room room = target->room;
    if (user->kind == KC_RECORD_LOCAL)
        return NSS_LOCAL;
    if (user->kind != KC_RECORD_USER || !nss_is_sound_user(user) ||
        !nss_in_range(attempt, user->uid) || !nss_in_range(attempt, user->gid))
        return NSS_MISSED;
    if (!nss_is_current(attempt, user->fresh, NSS_PART_ENTRY, age, NSS_STATE(user_grace)))
        return NSS_EXPIRED;
    if (user->strings_size > room.size)
        return NSS_NO_ROOM;
    if (!nss_copy_strings(attempt, record->at + sizeof *user, user->strings_size, room))
        return NSS_MISSED;
    /* all of the head has been fetched: lint: -Wanalyzer-use-of-uninitialized-value */
    if (!kc_field_home(room.bytes + user->home, attempt->snapshot->home_prefix,
            attempt->snapshot->home_prefix_length))
        return NSS_MISSED;
    *target->user = (struct passwd){
        .pw_name = room.bytes, /* lint: -Wanalyzer-use-of-uninitialized-value */
        .pw_passwd = room.bytes + user->name_size,
        .pw_uid = user->uid,
        .pw_gid = user->gid, /* lint: -Wanalyzer-use-of-uninitialized-value */
        .pw_gecos = room.bytes + user->gecos,
        .pw_dir = room.bytes + user->home, /* lint: -Wanalyzer-use-of-uninitialized-value */
        .pw_shell = room.bytes + user->shell,
    };
    return NSS_FOUND;
}

/* Copies a group with all its members. */
enum nss_found nss_copy_group(const struct nss_attempt *attempt, const struct nss_record *record,
    enum nss_age age, const struct nss_target *target);

/* Adds a user's gids. The array's count is put back by who sees the attempt fail. */
enum nss_found nss_copy_gids(const struct nss_attempt *attempt, const struct nss_record *record,
    enum nss_age age, const struct nss_target *target);

#endif
