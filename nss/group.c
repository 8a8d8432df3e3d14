/*
 * group: getgrnam, getgrgid and getgrent.
 * Used by glibc.
 * Must never answer for a name or an id that is not the realm's.
 */
#include "nss/ask.h"
#include "nss/entry.h"
#include "nss/lookup.h"

#include <stdalign.h>

/* A group that comes from the daemon in pages: what has been put where. */
struct pages {
    struct group *group;
    struct nss_room room; /* what is left of the caller's buffer */
    uint32_t done;        /* members so far */
    uint32_t total;
};

/* Takes `size` bytes of the room. NULL: there are not so many. */
static void *take(struct nss_room *room, size_t size, size_t alignment)
{
    const size_t skip = (alignment - (uintptr_t)room->bytes % alignment) % alignment;
    char *taken = room->bytes + skip;
    if (skip > room->size || size > room->size - skip)
        return NULL;
    room->bytes += skip + size;
    room->size -= skip + size;
    return taken;
}

/* The group itself, from the first page. */
static bool begin(struct pages *pages, const struct kc_wire_entry *entry)
{
    const size_t name_size = strlen(entry->name) + 1;
    if (entry->total > KC_SNAPSHOT_MEMBERS_MAX)
        return false;
    char *name = take(&pages->room, name_size + sizeof "x", 1);
    char **members =
        take(&pages->room, ((size_t)entry->total + 1) * sizeof *members, alignof(char *));
    if (!name || !members)
        return false;
    memcpy(name, entry->name, name_size);
    memcpy(name + name_size, "x", sizeof "x");
    pages->group->gr_name = name;
    pages->group->gr_passwd = name + name_size;
    pages->group->gr_gid = entry->gid;
    pages->group->gr_mem = members;
    pages->total = entry->total;
    return true;
}

/* One page's members. Their NULs have been counted where the message was read. */
static bool add(struct pages *pages, const struct kc_wire_entry *entry)
{
    char *names = take(&pages->room, entry->list.length, 1);
    if (!names)
        return false;
    memcpy(names, entry->list.bytes, entry->list.length);
    for (uint32_t i = 0; i < entry->count && pages->done < pages->total; i++) {
        pages->group->gr_mem[pages->done++] = names;
        names += strlen(names) + 1;
    }
    pages->group->gr_mem[pages->done] = NULL;
    return true;
}

/* All pages, from the daemon. */
static enum kc_status ask_group(const struct nss_key *key, const struct nss_target *target)
{
    NSS_AUTO_ANSWER struct nss_answer answer = NSS_ANSWER_INIT;
    struct pages pages = {.group = target->group, .room = target->room};
    enum kc_status status = nss_ask(KC_LOOKUP_GROUP, key, 0, &answer);
    if (status == KC_OK && !begin(&pages, &answer.entry))
        return KC_TOO_LARGE;
    while (status == KC_OK) {
        if (!add(&pages, &answer.entry))
            return KC_TOO_LARGE;
        if (pages.done == pages.total || answer.entry.count == 0)
            break;
        status = nss_ask(KC_LOOKUP_GROUP, key, pages.done, &answer);
    }
    return status;
}

enum nss_status _nss_keycloak_getgrnam_r(
    const char *name, struct group *group, char *buffer, size_t size, int *errnop)
{
    const struct nss_target target = {.room = {buffer, size}, .group = group};
    return nss_look_up_name(name, &target, ask_group, errnop);
}

enum nss_status _nss_keycloak_getgrgid_r(
    gid_t gid, struct group *group, char *buffer, size_t size, int *errnop)
{
    const struct nss_target target = {.room = {buffer, size}, .group = group};
    return nss_look_up(&(struct nss_key){.id = gid}, &target, ask_group, errnop);
}

/* Where getgrent has come to. glibc holds a lock of its own around these three. */
static struct nss_walk walk;

enum nss_status _nss_keycloak_setgrent(int stay_open)
{
    (void)stay_open;
    walk = (struct nss_walk){0};
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_keycloak_endgrent(void)
{
    return _nss_keycloak_setgrent(0);
}

enum nss_status _nss_keycloak_getgrent_r(
    struct group *group, char *buffer, size_t size, int *errnop)
{
    const struct nss_target target = {.room = {buffer, size}, .group = group};
    return nss_walk_on(&walk, &target, errnop);
}
