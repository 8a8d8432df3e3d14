/*
 * Copies the lists of the snapshot's records: a group's members, a user's gids.
 * Used by find.c and walk.c within an attempt, which judges afterwards whether what was copied counts.
 * Must never follow an offset, a size or a count that it has not checked.
 */
#include "nss/record.h"

#include <stdalign.h>
#include <stdlib.h>

#define CHUNK 16u /* items that are fetched at once */

/* Where the array of a group's members begins in `room`, aligned as pointers are. */
static size_t members_begin(const struct nss_room *room, size_t strings_size)
{
    const uintptr_t end = (uintptr_t)room->bytes + strings_size;
    const uintptr_t aligned = (end + alignof(char *) - 1) & ~(uintptr_t)(alignof(char *) - 1);

    return (size_t)(aligned - (uintptr_t)room->bytes);
}

/* A member's name, with its NUL, to the beginning of `room`. False: there is none that fits. */
static bool copy_member(const struct nss_attempt *attempt, uint32_t member, struct nss_room room)
{
    const uint64_t at = (uint64_t)kc_member_place(member) * KC_SNAPSHOT_UNIT;
    const size_t length = kc_member_length(member);
    if (length >= room.size || !nss_attempt_fetch(attempt, at, room.bytes, length))
        return false;
    room.bytes[length] = '\0';
    return true;
}

/* Puts members into the array `names` and the room behind it, from number `done` on. */
static bool copy_members(const struct nss_attempt *attempt, const struct kc_record_group *group,
    char **names, uint32_t done, struct nss_room room)
{
    uint32_t members[CHUNK];
    while (done < group->member_count) {
        const uint32_t left = group->member_count - done;
        const uint32_t count = left < CHUNK ? left : CHUNK;
        if (!nss_attempt_fetch_items(attempt, group->members, done, members, count))
            return false;
        for (uint32_t i = 0; i < count; i++) {
            const size_t size = kc_member_length(members[i]) + 1;
            if (!copy_member(attempt, members[i], room))
                return false;
            names[done++] = room.bytes;
            room.bytes += size;
            room.size -= size;
        }
    }
    names[done] = NULL;
    return true;
}

/*
 * The same through a mapping, for as long as 32 bytes can be copied without looking how many there
 * are: the way of nearly all members. The rest is left to copy_members.
 */
static bool copy_mapped_members(const struct nss_attempt *attempt,
    const struct kc_record_group *group, char **names, struct nss_room room)
{
    const struct nss_attempt here = *attempt; /* what is written to the room changes none of it */
    const uint64_t list = (uint64_t)group->members * KC_SNAPSHOT_ITEM;
    const uint32_t count = group->member_count;
    char *const end = room.bytes + room.size;
    char *to = room.bytes;
    uint32_t done = 0;
    if (!nss_attempt_has(&here, list, (uint64_t)count * KC_SNAPSHOT_ITEM))
        return false;
    for (; done < count && end - to > KC_NAME_MAX; done++) {
        const uint32_t member = nss_load_item(&here, list + (uint64_t)done * KC_SNAPSHOT_ITEM);
        const uint64_t at = (uint64_t)kc_member_place(member) * KC_SNAPSHOT_UNIT;
        const size_t length = kc_member_length(member);
        if (!nss_attempt_has(&here, at, KC_NAME_MAX))
            break;
        nss_load(here.map + at, to, 16);
        if (length > 16)
            nss_load(here.map + at + 16, to + 16, 16);
        to[length] = '\0';
        names[done] = to;
        to += length + 1;
    }
    return copy_members(attempt, group, names, done, (struct nss_room){to, (size_t)(end - to)});
}

enum nss_found nss_copy_group(const struct nss_attempt *attempt, const struct nss_record *record,
    enum nss_age age, const struct nss_target *target)
{
    const struct kc_record_group *group = &record->head.group;
    const struct nss_room room = target->room;
    struct group *ret_group = target->group;
    const size_t begin = members_begin(&room, group->strings_size);
    const size_t array = ((size_t)group->member_count + 1) * sizeof(char *);

    if (group->kind == KC_RECORD_LOCAL)
        return NSS_LOCAL;
    if (group->kind != KC_RECORD_GROUP || group->strings_size > KC_SNAPSHOT_STRINGS_MAX ||
        group->name_size == 0 || group->name_size >= group->strings_size ||
        group->member_count > KC_SNAPSHOT_MEMBERS_MAX || !nss_in_range(attempt, group->gid))
        return NSS_MISSED;
    if (!nss_is_current(attempt, group->fresh, NSS_PART_BOTH, age, NSS_STATE(group_grace)))
        return NSS_EXPIRED;
    if (begin + array + group->member_size > room.size)
        return NSS_NO_ROOM;
    ret_group->gr_name = room.bytes;
    ret_group->gr_passwd = room.bytes + group->name_size;
    ret_group->gr_gid = group->gid;
    ret_group->gr_mem = (char **)(void *)(room.bytes + begin);
    if (!nss_copy_strings(attempt, record->at + sizeof *group, group->strings_size, room))
        return NSS_MISSED;
    const struct nss_room rest = {room.bytes + begin + array, room.size - begin - array};
    return (attempt->mapped ? copy_mapped_members(attempt, group, ret_group->gr_mem, rest)
                            : copy_members(attempt, group, ret_group->gr_mem, 0, rest))
               ? NSS_FOUND
               : NSS_MISSED;
}

/* Makes room for `more` entries. */
static bool grow(struct nss_gids *gids, long more)
{
    const long wanted = *gids->count + more;
    long size = *gids->size > 0 ? *gids->size : 16;
    gid_t *array;

    if (wanted <= *gids->size)
        return true;
    while (size < wanted)
        size *= 2;
    array = realloc(*gids->array, (size_t)size * sizeof *array);
    if (!array)
        return false;
    *gids->array = array;
    *gids->size = size;
    return true;
}

/* How many of `more` the limit lets in. */
static long within_limit(const struct nss_gids *gids, long more)
{
    const long left = gids->limit > *gids->count ? gids->limit - *gids->count : 0;

    return gids->limit > 0 && left < more ? left : more;
}

bool nss_gids_add(struct nss_gids *gids, gid_t gid)
{
    if (gid == gids->primary || within_limit(gids, 1) == 0)
        return true;
    if (!grow(gids, 1))
        return false;
    (*gids->array)[(*gids->count)++] = gid;
    return true;
}

enum nss_found nss_copy_gids(const struct nss_attempt *attempt, const struct nss_record *record,
    enum nss_age age, const struct nss_target *target)
{
    const struct kc_record_user *user = &record->head.user;
    struct nss_gids *gids = target->gids;
    uint32_t chunk[CHUNK];
    uint32_t done = 0;

    if (user->kind == KC_RECORD_LOCAL ||
        (!gids->stranger && !nss_in_range(attempt, gids->primary)))
        return NSS_LOCAL;
    if (user->kind != KC_RECORD_USER || user->group_count > KC_SNAPSHOT_GROUPS_MAX)
        return NSS_MISSED;
    if (!nss_is_current(attempt, user->fresh, NSS_PART_LIST, age, NSS_STATE(group_grace)))
        return NSS_EXPIRED;
    long room = within_limit(gids, user->group_count);
    if (!grow(gids, room)) /* the array is glibc's: lint: -Wanalyzer-malloc-leak */
        return NSS_NO_ROOM;
    long at = *gids->count;
    while (done < user->group_count) {
        const uint32_t left = user->group_count - done;
        const uint32_t count = left < CHUNK ? left : CHUNK;
        if (!nss_attempt_fetch_items(attempt, user->groups, done, chunk, count))
            return NSS_MISSED;
        for (uint32_t i = 0; i < count; i++) {
            if (!nss_in_range(attempt, chunk[i]))
                return NSS_MISSED;
            if (chunk[i] != gids->primary && room > 0) {
                (*gids->array)[at++] = chunk[i];
                room--;
            }
        }
        done += count;
    }
    *gids->count = at;
    return NSS_FOUND;
}
