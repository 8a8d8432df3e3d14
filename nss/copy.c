/*
 * Copies records of the snapshot into a caller's buffer.
 * Used by find.c within an attempt, which judges afterwards whether what was copied counts.
 * Must never follow an offset, a size or a count that it has not checked.
 */
#include "nss/copy.h"

#include <stdalign.h>
#include <stdlib.h>
#include <time.h>

/* Seconds of the host's running time, as the freshness words count them. */
static uint32_t now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint32_t)now.tv_sec;
}

/* Whether the word `fresh` of the table says that its part of an entry may still be used. */
static bool is_current(
    const struct nss_attempt *attempt, uint32_t fresh, enum nss_age age, size_t grace_member)
{
    const struct nss_snapshot *snapshot = attempt->snapshot;
    const uint64_t pair = (uint64_t)(fresh & ~1u);
    uint32_t words[2];
    uint32_t grace = 0;

    if (pair + 2 > snapshot->fresh_count ||
        !nss_snapshot_fetch(
            snapshot, snapshot->fresh_offset + pair * sizeof(uint32_t), words, sizeof words))
        return false;
    if (words[fresh & 1u] == 0)
        return false; /* never known, or taken back */
    if (age == NSS_WITHIN_GRACE &&
        !nss_snapshot_state(snapshot, grace_member, memory_order_relaxed, &grace))
        return false;
    return now_seconds() < (uint64_t)words[fresh & 1u] + grace;
}

static bool in_range(const struct nss_attempt *attempt, uint32_t id)
{
    return id >= attempt->snapshot->id_first && id <= attempt->snapshot->id_last && id != 0;
}

/* Fetches a record's strings to `room`, which holds them, and ends the last one. */
bool nss_copy_strings(const struct nss_attempt *attempt, uint64_t at, size_t size, char *room)
{
    if (!nss_attempt_fetch(attempt, at, room, size))
        return false;
    room[size - 1] = '\0';
    return true;
}

/* Whether the places in a user's head lie in its strings. */
static bool is_sound_user(const struct kc_record_user *user)
{
    return user->strings_size <= KC_SNAPSHOT_STRINGS_MAX && user->name_size > 0 &&
           user->name_size < user->strings_size && user->gecos < user->strings_size &&
           user->home < user->strings_size && user->shell < user->strings_size;
}

enum nss_found nss_copy_user(const struct nss_attempt *attempt, const struct nss_record *record,
    enum nss_age age, struct nss_room room, struct passwd *ret_user)
{
    const struct kc_record_user *user = &record->head.user;

    if (user->kind == KC_RECORD_LOCAL)
        return NSS_LOCAL;
    if (user->kind != KC_RECORD_USER || !is_sound_user(user) || !in_range(attempt, user->uid) ||
        !in_range(attempt, user->gid))
        return NSS_MISSED;
    if (!is_current(attempt, user->fresh, age, NSS_STATE(user_grace)))
        return NSS_EXPIRED;
    if (user->strings_size > room.size)
        return NSS_NO_ROOM;
    if (!nss_copy_strings(attempt, record->at + sizeof *user, user->strings_size, room.bytes))
        return NSS_MISSED;
    ret_user->pw_name = room.bytes;
    ret_user->pw_passwd = room.bytes + user->name_size;
    ret_user->pw_uid = user->uid;
    ret_user->pw_gid = user->gid;
    ret_user->pw_gecos = room.bytes + user->gecos;
    ret_user->pw_dir = room.bytes + user->home;
    ret_user->pw_shell = room.bytes + user->shell;
    return NSS_FOUND;
}

/* Where the array of a group's members begins in `room`, aligned as pointers are. */
static size_t members_begin(const struct nss_room *room, size_t strings_size)
{
    const uintptr_t end = (uintptr_t)room->bytes + strings_size;
    const uintptr_t aligned = (end + alignof(char *) - 1) & ~(uintptr_t)(alignof(char *) - 1);

    return (size_t)(aligned - (uintptr_t)room->bytes);
}

/* The name of the user whose record is at `place`, to `to`; 0: there is none that fits. */
static size_t fetch_member(const struct nss_attempt *attempt, uint32_t place, char *to, size_t room)
{
    const uint64_t at = (uint64_t)place * KC_SNAPSHOT_UNIT;
    unsigned char first[KC_SNAPSHOT_UNIT];
    size_t size;

    if (!nss_attempt_fetch(attempt, at, first, sizeof first))
        return 0;
    size = first[offsetof(struct kc_record_user, name_size)];
    if (first[0] != KC_RECORD_USER || size < 2 || size > room ||
        !nss_copy_strings(attempt, at + sizeof(struct kc_record_user), size, to))
        return 0;
    return size;
}

/* Fetches `count` members to the array `names` and the `size` bytes behind it. */
static bool copy_members(const struct nss_attempt *attempt, const struct kc_record_group *group,
    char **names, char *bytes)
{
    const uint64_t at = (uint64_t)group->members * KC_SNAPSHOT_UNIT;
    uint32_t places[16];
    size_t room = group->member_size;
    uint32_t done = 0;
    size_t size;

    for (; done < group->member_count; done++) {
        if (done % 16 == 0) {
            size = group->member_count - done < 16 ? group->member_count - done : 16;
            if (!nss_attempt_fetch(
                    attempt, at + done * sizeof places[0], places, size * sizeof places[0]))
                return false;
        }
        size = fetch_member(attempt, places[done % 16], bytes, room);
        if (size == 0)
            return false;
        names[done] = bytes;
        bytes += size;
        room -= size;
    }
    names[done] = NULL;
    return true;
}

enum nss_found nss_copy_group(const struct nss_attempt *attempt, const struct nss_record *record,
    enum nss_age age, struct nss_room room, struct group *ret_group)
{
    const struct kc_record_group *group = &record->head.group;
    const size_t begin = members_begin(&room, group->strings_size);
    const size_t array = ((size_t)group->member_count + 1) * sizeof(char *);

    if (group->kind == KC_RECORD_LOCAL)
        return NSS_LOCAL;
    if (group->kind != KC_RECORD_GROUP || group->strings_size > KC_SNAPSHOT_STRINGS_MAX ||
        group->name_size == 0 || group->name_size >= group->strings_size ||
        group->member_count > KC_SNAPSHOT_MEMBERS_MAX || !in_range(attempt, group->gid))
        return NSS_MISSED;
    if (!is_current(attempt, group->fresh, age, NSS_STATE(group_grace)) ||
        !is_current(attempt, group->fresh | 1u, age, NSS_STATE(group_grace)))
        return NSS_EXPIRED;
    if (begin + array + group->member_size > room.size)
        return NSS_NO_ROOM;
    ret_group->gr_name = room.bytes;
    ret_group->gr_passwd = room.bytes + group->name_size;
    ret_group->gr_gid = group->gid;
    ret_group->gr_mem = (char **)(void *)(room.bytes + begin);
    return nss_copy_strings(attempt, record->at + sizeof *group, group->strings_size, room.bytes) &&
                   copy_members(attempt, group, ret_group->gr_mem, room.bytes + begin + array)
               ? NSS_FOUND
               : NSS_MISSED;
}

/* Makes room for `more` entries. */
static bool grow(struct nss_gids *gids, long more)
{
    const long wanted = *gids->count + more;
    long size = *gids->size > 0 ? *gids->size : 16;
    gid_t *array;

    while (size < wanted)
        size *= 2;
    if (size <= *gids->size)
        return true;
    array = realloc(*gids->array, (size_t)size * sizeof *array);
    if (!array)
        return false;
    *gids->array = array;
    *gids->size = size;
    return true;
}

bool nss_gids_add(struct nss_gids *gids, gid_t gid)
{
    if (gid == gids->primary || (gids->limit > 0 && *gids->count >= gids->limit))
        return true;
    if (!grow(gids, 1))
        return false;
    (*gids->array)[(*gids->count)++] = gid;
    return true;
}

/* Copies a user's gids. The array's count is put back by who sees the attempt fail. */
enum nss_found nss_copy_gids(const struct nss_attempt *attempt, const struct nss_record *record,
    enum nss_age age, struct nss_gids *gids)
{
    const struct kc_record_user *user = &record->head.user;
    const uint64_t at = (uint64_t)user->groups * KC_SNAPSHOT_UNIT;
    uint32_t chunk[16];
    uint32_t done;
    size_t count;

    if (user->kind == KC_RECORD_LOCAL || !in_range(attempt, gids->primary))
        return NSS_LOCAL;
    if (user->kind != KC_RECORD_USER || user->group_count > KC_SNAPSHOT_GROUPS_MAX)
        return NSS_MISSED;
    if (!is_current(attempt, user->fresh | 1u, age, NSS_STATE(group_grace)))
        return NSS_EXPIRED;
    for (done = 0; done < user->group_count; done++) {
        if (done % 16 == 0) {
            count = user->group_count - done < 16u ? user->group_count - done : 16u;
            if (!nss_attempt_fetch(
                    attempt, at + done * sizeof chunk[0], chunk, count * sizeof chunk[0]))
                return NSS_MISSED;
        }
        /* fetched at each sixteenth */
        /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
        if (!in_range(attempt, chunk[done % 16]))
            return NSS_MISSED;
        if (!nss_gids_add(gids, chunk[done % 16]))
            return NSS_NO_ROOM;
    }
    return NSS_FOUND;
}
