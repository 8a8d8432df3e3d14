/*
 * The groups that are served: by name, by gid and by the realm's own id, with their members.
 * Used by the directory; the sweep fills one set after the other.
 * Must never hold two groups of one name, gid or realm id once it is settled.
 */
#include "daemon/groups.h"

#include "common/snapshot.h"

#include <stdlib.h>
#include <string.h>

static void group_free(struct known_group *group)
{
    free(group->id);
    free(group->members);
}

static void link_free(struct group_link *link)
{
    free(link->id);
    free(link->parent);
}

void groups_clear(struct known_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        group_free(&groups->items[i]);
    for (size_t i = 0; i < groups->link_count; i++)
        link_free(&groups->links[i]);
    free(groups->items);
    free(groups->by_gid);
    free(groups->by_id);
    free(groups->links);
    *groups = (struct known_groups){0};
}

/* Room for one more; it grows when the count is a power of two. */
static void *grown(void *items, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return items;
    return reallocarray(items, count ? count * 2 : 1, size);
}

enum kc_status groups_add(
    struct known_groups *groups, const char *name, const char *id, uint32_t gid, bool before)
{
    struct known_group group = {.gid = gid, .before = before};
    if (groups->count >= GROUPS_MAX)
        return KC_ANSWER_TOO_LARGE;
    struct known_group *items = grown(groups->items, groups->count, sizeof *items);
    if (!items)
        return KC_NO_MEMORY;
    groups->items = items;
    group.id = strdup(id);
    if (!group.id)
        return KC_NO_MEMORY;
    memcpy(group.name, name, strnlen(name, sizeof group.name - 1));
    items[groups->count++] = group;
    return KC_OK;
}

enum kc_status groups_link(
    struct known_groups *groups, const char *id, const char *parent, bool prefetch)
{
    struct group_link link = {.prefetch = prefetch};
    if (groups->link_count >= GROUPS_MAX)
        return KC_ANSWER_TOO_LARGE;
    struct group_link *links = grown(groups->links, groups->link_count, sizeof *links);
    if (!links)
        return KC_NO_MEMORY;
    groups->links = links;
    link.id = strdup(id);
    link.parent = parent ? strdup(parent) : NULL;
    if (!link.id || (parent && !link.parent)) {
        link_free(&link);
        return KC_NO_MEMORY;
    }
    links[groups->link_count++] = link;
    return KC_OK;
}

/* --- order --- */

typedef int compare_groups(const struct known_group *a, const struct known_group *b);

static int by_gid(const struct known_group *a, const struct known_group *b)
{
    return (a->gid > b->gid) - (a->gid < b->gid);
}

static int by_id(const struct known_group *a, const struct known_group *b)
{
    return strcmp(a->id, b->id);
}

static int by_name(const struct known_group *a, const struct known_group *b)
{
    return strcmp(a->name, b->name);
}

/* Places in an array of groups, while they are put in order. */
struct sorting {
    const struct known_group *items;
    compare_groups *by;
};

/* Of two that are equal the one that was there before stands first, else the lesser id: the answers
 * of a realm come in any order. */
static int compare_places(const void *a, const void *b, void *closure)
{
    const struct sorting *sorting = closure;
    const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const struct known_group *x = &sorting->items[i], *y = &sorting->items[j];
    int order = sorting->by(x, y);
    if (!order)
        order = (int)y->before - (int)x->before;
    if (!order)
        order = strcmp(x->id, y->id);
    return order ? order : (i > j) - (i < j);
}

static void sort_places(const struct known_groups *groups, uint32_t *places, compare_groups *by)
{
    if (groups->count == 0)
        return;
    struct sorting sorting = {groups->items, by};
    for (uint32_t i = 0; i < groups->count; i++)
        places[i] = i;
    qsort_r(places, groups->count, sizeof *places, compare_places, &sorting);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct known_group *)a)->name, ((const struct known_group *)b)->name);
}

static int compare_links(const void *a, const void *b)
{
    const struct group_link *x = a, *y = b;
    const int order = strcmp(x->id, y->id);
    return order ? order : (x->parent == NULL) - (y->parent == NULL);
}

/* Of groups that are one by that order all but the first. */
static void mark_doubles(
    const struct known_groups *groups, uint32_t *places, bool *dropped, compare_groups *by)
{
    const struct known_group *kept = NULL;
    sort_places(groups, places, by);
    for (size_t i = 0; i < groups->count; i++) {
        const struct known_group *group = &groups->items[places[i]];
        if (dropped[places[i]])
            continue;
        if (kept && by(kept, group) == 0)
            dropped[places[i]] = true;
        else
            kept = group;
    }
}

static void drop(struct known_groups *groups, const bool *dropped)
{
    size_t kept = 0;
    for (size_t i = 0; i < groups->count; i++) {
        if (dropped[i])
            group_free(&groups->items[i]);
        else
            groups->items[kept++] = groups->items[i];
    }
    groups->count = kept;
}

static void settle_links(struct known_groups *groups)
{
    size_t kept = 0;
    if (groups->link_count > 0)
        qsort(groups->links, groups->link_count, sizeof *groups->links, compare_links);
    for (size_t i = 0; i < groups->link_count; i++) {
        struct group_link *link = &groups->links[i];
        if (kept > 0 && strcmp(groups->links[kept - 1].id, link->id) == 0) {
            groups->links[kept - 1].prefetch |= link->prefetch;
            link_free(link);
        } else {
            groups->links[kept++] = *link;
        }
    }
    groups->link_count = kept;
}

enum kc_status groups_settle(struct known_groups *groups)
{
    settle_links(groups);
    if (groups->count == 0)
        return KC_OK;
    bool *dropped = calloc(groups->count, sizeof *dropped);
    groups->by_gid = calloc(groups->count, sizeof *groups->by_gid);
    groups->by_id = calloc(groups->count, sizeof *groups->by_id);
    if (!dropped || !groups->by_gid || !groups->by_id) {
        free(dropped);
        return KC_NO_MEMORY;
    }
    mark_doubles(groups, groups->by_id, dropped, by_id);
    mark_doubles(groups, groups->by_id, dropped, by_name);
    mark_doubles(groups, groups->by_gid, dropped, by_gid);
    drop(groups, dropped);
    free(dropped);
    qsort(groups->items, groups->count, sizeof *groups->items, compare_names);
    sort_places(groups, groups->by_gid, by_gid);
    sort_places(groups, groups->by_id, by_id);
    return KC_OK;
}

/* --- questions --- */

struct known_group *group_by_name(const struct known_groups *groups, const char *name)
{
    struct known_group key = {0};
    const size_t length = strnlen(name, sizeof key.name);
    if (groups->count == 0 || length == sizeof key.name)
        return NULL;
    memcpy(key.name, name, length);
    return bsearch(&key, groups->items, groups->count, sizeof key, compare_names);
}

static int compare_gid_with(const void *key, const void *place, const struct known_group *items)
{
    const uint32_t gid = *(const uint32_t *)key, other = items[*(const uint32_t *)place].gid;
    return (gid > other) - (gid < other);
}

static int compare_id_with(const void *key, const void *place, const struct known_group *items)
{
    return strcmp(key, items[*(const uint32_t *)place].id);
}

typedef int compare_key(const void *key, const void *place, const struct known_group *items);

static struct known_group *find(const struct known_groups *groups, const uint32_t *places,
    const void *key, compare_key *compare)
{
    size_t low = 0, high = places ? groups->count : 0;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare(key, &places[middle], groups->items);
        if (order == 0)
            return &groups->items[places[middle]];
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

struct known_group *group_by_gid(const struct known_groups *groups, uint32_t gid)
{
    return find(groups, groups->by_gid, &gid, compare_gid_with);
}

struct known_group *group_by_id(const struct known_groups *groups, const char *id)
{
    return find(groups, groups->by_id, id, compare_id_with);
}

static int compare_link_with(const void *key, const void *link)
{
    return strcmp(key, ((const struct group_link *)link)->id);
}

static const struct group_link *find_link(const struct known_groups *groups, const char *id)
{
    return groups->link_count > 0 ? bsearch(id, groups->links, groups->link_count,
                                        sizeof *groups->links, compare_link_with)
                                  : NULL;
}

bool groups_has_link(const struct known_groups *groups, const char *id)
{
    return find_link(groups, id);
}

size_t groups_of_member(const struct known_groups *groups, const char *id,
    struct known_group *ret_groups[static GROUP_DEPTH_MAX])
{
    size_t count = 0;
    for (unsigned depth = 0; id && depth < GROUP_DEPTH_MAX; depth++) {
        struct known_group *group = group_by_id(groups, id);
        const struct group_link *link = find_link(groups, id);
        if (group)
            ret_groups[count++] = group;
        id = link ? link->parent : NULL;
    }
    return count;
}

/* --- members --- */

enum kc_status group_add_member(struct known_group *group, uint32_t uid)
{
    if (group->member_count >= KC_SNAPSHOT_MEMBERS_MAX)
        return KC_ANSWER_TOO_LARGE;
    uint32_t *members = grown(group->members, group->member_count, sizeof *members);
    if (!members)
        return KC_NO_MEMORY;
    group->members = members;
    members[group->member_count++] = uid;
    return KC_OK;
}

static int compare_numbers(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void group_settle_members(struct known_group *group)
{
    uint32_t kept = 0;
    if (group->member_count == 0)
        return;
    qsort(group->members, group->member_count, sizeof *group->members, compare_numbers);
    for (uint32_t i = 0; i < group->member_count; i++)
        if (kept == 0 || group->members[kept - 1] != group->members[i])
            group->members[kept++] = group->members[i];
    group->member_count = kept;
    uint32_t *fitting = reallocarray(group->members, kept, sizeof *fitting);
    if (fitting)
        group->members = fitting;
}

void groups_drop_members(struct known_groups *groups, member_is_gone *is_gone, void *userdata)
{
    for (size_t i = 0; i < groups->count; i++) {
        struct known_group *group = &groups->items[i];
        uint32_t kept = 0;
        for (uint32_t j = 0; j < group->member_count; j++)
            if (!is_gone(userdata, group->members[j]))
                group->members[kept++] = group->members[j];
        group->member_count = kept;
    }
}

void groups_drop(struct known_groups *groups, group_is_gone *is_gone, void *userdata)
{
    size_t kept = 0;
    for (size_t i = 0; i < groups->count; i++) {
        if (is_gone(userdata, &groups->items[i]))
            group_free(&groups->items[i]);
        else
            groups->items[kept++] = groups->items[i];
    }
    groups->count = kept;
    sort_places(groups, groups->by_gid, by_gid);
    sort_places(groups, groups->by_id, by_id);
}
