/*
 * The users that the directory knows: by name, by uid and by the realm's own id.
 * Used by directory.c and sweep.c.
 * Must never hold two users of one name, uid or realm id.
 */
#include "daemon/people.h"

#include <search.h>
#include <string.h>

/* Three trees of the same users (tsearch). */
struct people {
    void *by_name;
    void *by_uid;
    void *by_id;
    size_t count;
    uint64_t changes;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct known_user *)a)->name, ((const struct known_user *)b)->name);
}

static int compare_uids(const void *a, const void *b)
{
    const uint32_t x = ((const struct known_user *)a)->uid;
    const uint32_t y = ((const struct known_user *)b)->uid;
    return (x > y) - (x < y);
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const struct known_user *)a)->id, ((const struct known_user *)b)->id);
}

static void user_free(struct known_user *user)
{
    free(user->name);
    free(user->id);
    free(user->gids);
    free(user);
}

static struct known_user *find(
    void *const *root, const struct known_user *key, int (*compare)(const void *, const void *))
{
    struct known_user *const *node = tfind(key, root, compare);
    return node ? *node : NULL;
}

struct known_user *people_by_name(const struct people *people, const char *name)
{
    const struct known_user key = {.name = (char *)(uintptr_t)name};
    return find(&people->by_name, &key, compare_names);
}

struct known_user *people_by_uid(const struct people *people, uint32_t uid)
{
    const struct known_user key = {.uid = uid};
    return find(&people->by_uid, &key, compare_uids);
}

struct known_user *people_by_id(const struct people *people, const char *id)
{
    const struct known_user key = {.id = (char *)(uintptr_t)id};
    return find(&people->by_id, &key, compare_ids);
}

void people_remove(struct people *people, struct known_user *user)
{
    tdelete(user, &people->by_name, compare_names);
    tdelete(user, &people->by_uid, compare_uids);
    tdelete(user, &people->by_id, compare_ids);
    people->count--;
    user_free(user);
}

/* The texts in one piece; what was there before is given back. */
static enum kc_status set_texts(struct known_user *user, const struct passwd_entry *entry)
{
    const char *const from[] = {entry->name, entry->gecos, entry->home, entry->shell};
    char **const to[] = {&user->name, &user->gecos, &user->home, &user->shell};
    size_t size = 0;
    for (size_t i = 0; i < 4; i++)
        size += strlen(from[i]) + 1;
    char *at = malloc(size);
    if (!at)
        return KC_NO_MEMORY;
    free(user->name);
    for (size_t i = 0; i < 4; i++) {
        const size_t length = strlen(from[i]) + 1;
        *to[i] = memcpy(at, from[i], length);
        at += length;
    }
    user->uid = entry->uid;
    user->gid = entry->gid;
    return KC_OK;
}

static enum kc_status enter(struct people *people, struct known_user *user)
{
    if (tsearch(user, &people->by_name, compare_names) &&
        tsearch(user, &people->by_uid, compare_uids) &&
        tsearch(user, &people->by_id, compare_ids)) {
        people->count++;
        people->changes++;
        return KC_OK;
    }
    tdelete(user, &people->by_name, compare_names);
    tdelete(user, &people->by_uid, compare_uids);
    user_free(user);
    return KC_NO_MEMORY;
}

static enum kc_status add(struct people *people, const char *id, const struct passwd_entry *entry,
    bool enabled, struct known_user **ret_user)
{
    struct known_user *user = calloc(1, sizeof *user);
    if (!user)
        return KC_NO_MEMORY;
    user->id = strdup(id);
    user->enabled = enabled;
    user->fresh = PEOPLE_NO_WORDS;
    if (!user->id || set_texts(user, entry) != KC_OK) {
        user_free(user);
        return KC_NO_MEMORY;
    }
    const enum kc_status status = enter(people, user);
    if (status == KC_OK)
        *ret_user = user;
    return status;
}

static bool is_same(const struct known_user *user, const struct passwd_entry *entry)
{
    return user->gid == entry->gid && strcmp(user->gecos, entry->gecos) == 0 &&
           strcmp(user->home, entry->home) == 0 && strcmp(user->shell, entry->shell) == 0;
}

enum kc_status people_put(struct people *people, const char *id, const struct passwd_entry *entry,
    bool enabled, struct known_user **ret_user)
{
    struct known_user *known = people_by_id(people, id);
    const struct known_user *other = people_by_name(people, entry->name);
    if (other && other != known)
        return KC_ENTRY_NAME_TAKEN;
    other = people_by_uid(people, entry->uid);
    if (other && other != known)
        return KC_ENTRY_ID_TAKEN;
    if (known && (strcmp(known->name, entry->name) != 0 || known->uid != entry->uid))
        return KC_BUSY; /* it would stand elsewhere in the trees */
    if (!known) {
        if (people->count >= PEOPLE_MAX)
            return KC_BUSY;
        return add(people, id, entry, enabled, ret_user);
    }
    people->changes += !is_same(known, entry);
    /* the trees hold the user, and look at its name: equal before and after */
    const enum kc_status status = set_texts(known, entry);
    known->enabled = enabled;
    if (status == KC_OK)
        *ret_user = known;
    return status;
}

uint64_t people_changes(const struct people *people)
{
    return people->changes;
}

size_t people_count(const struct people *people)
{
    return people->count;
}

struct walk {
    people_each *each;
    void *userdata;
};

static void step(const void *node, VISIT visit, void *closure)
{
    const struct walk *walk = closure;
    if (visit == postorder || visit == leaf)
        walk->each(walk->userdata, *(struct known_user *const *)node);
}

void people_walk(const struct people *people, people_each *each, void *userdata)
{
    struct walk walk = {each, userdata};
    twalk_r(people->by_name, step, &walk);
}

enum kc_status people_new(struct people **ret_people)
{
    struct people *people = calloc(1, sizeof *people);
    if (!people)
        return KC_NO_MEMORY;
    *ret_people = people;
    return KC_OK;
}

static void forget(void *node)
{
    user_free(node);
}

static void keep(void *node)
{
    (void)node;
}

void people_free(struct people *people)
{
    if (!people)
        return;
    tdestroy(people->by_uid, keep);
    tdestroy(people->by_id, keep);
    tdestroy(people->by_name, forget);
    free(people);
}
