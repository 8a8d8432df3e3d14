/*
 * One user asked for at the realm: by name, then the groups.
 * Used by directory.c. However many wait for a user, the realm is asked once.
 * Must never take an answer that is not about exactly this name.
 */
#include "daemon/clock.h"
#include "daemon/directory_internal.h"
#include "jose/json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE 1024u
#define PAGE 100u
#define FETCHES_MAX 32u                 /* admin.c has fewer on the wire at once */
#define FETCH_US (10 * CLOCK_SECOND_US) /* it goes on when those who waited have gone */

static void fetch_free(struct fetch *fetch)
{
    LIST_REMOVE(fetch, link);
    fetch->directory->fetch_count--;
    if (fetch->request)
        allocate_cancel(fetch->request);
    sight_cancel(&fetch->sight);
    free(fetch->found);
    free(fetch->id);
    free(fetch);
}

/* The end: whoever waits is answered, and may begin another fetch at once. */
static void finish(struct fetch *fetch, enum kc_status status)
{
    struct directory *directory = fetch->directory;
    struct directory_waits waits;
    struct directory_wait *wait;
    char name[KC_LOOKUP_NAME_MAX];
    memcpy(name, fetch->name, sizeof name);
    directory_take_waits(&fetch->waits, &waits);
    fetch_free(fetch);
    while ((wait = LIST_FIRST(&waits))) {
        LIST_REMOVE(wait, link);
        const struct known_user *user =
            status == KC_OK ? people_by_name(directory->people, name) : NULL;
        if (user)
            directory_answer_user(wait, user);
        else
            directory_fail(wait, status == KC_OK ? KC_USER_UNKNOWN : status);
    }
}

/* The user of exactly this name in a list of users; NULL: none. KC_ANSWER_MALFORMED. */
static enum kc_status find_user(
    const struct json_object *list, const char *name, const struct json_object **ret_user)
{
    const struct json_object *found = NULL;
    if (!json_object_is_type(list, json_type_array))
        return KC_ANSWER_MALFORMED;
    const size_t count = json_object_array_length(list);
    for (size_t i = 0; i < count; i++) {
        const struct json_object *item = json_object_array_get_idx(list, i);
        const char *username;
        const enum kc_status status =
            jose_json_string(item, "username", (size_t)4 * PERSON_NAME_MAX, &username, NULL);
        if (status != KC_OK)
            return KC_ANSWER_MALFORMED;
        if (!found && strcmp(username, name) == 0)
            found = item;
    }
    *ret_user = found;
    return KC_OK;
}

static void forget(struct fetch *fetch)
{
    struct known_user *known = people_by_name(fetch->directory->people, fetch->name);
    if (known)
        directory_forget(fetch->directory, known);
}

static enum kc_status ask_user(struct fetch *fetch);

/* Nobody has that realm id any more, if this client may see people at all. Deleted or renamed, the
 * name may be somebody else's by now. */
static void on_gone(void *userdata, enum kc_status status, const char *detail)
{
    struct fetch *fetch = userdata;
    (void)detail;
    if (status == KC_OK) {
        forget(fetch);
        status = ask_user(fetch);
        if (status == KC_OK)
            return;
    } else if (status == KC_DIRECTORY_FORBIDDEN) {
        directory_forbidden(fetch->directory);
    }
    finish(fetch, status);
}

/* Goes on with `judged` as soon as it is known that this client sees who is there. */
static void prove(struct fetch *fetch, sight_done *judged)
{
    struct sight *sight = fetch->directory->sight;
    if (sight_is_fresh(sight)) {
        judged(fetch, KC_OK, "");
        return;
    }
    const enum kc_status status = sight_prove(sight, &fetch->sight, judged, fetch);
    if (status != KC_OK)
        finish(fetch, status);
}

/* Somebody who is known is asked for by id: there a client that may see nobody gets 403 and no
 * empty answer. */
static void on_known_user(
    void *userdata, enum kc_status status, const char *detail, const struct json_object *answer)
{
    struct fetch *fetch = userdata;
    struct known_user *user;
    (void)detail;
    fetch->request = NULL;
    if (status == KC_NOT_FOUND) {
        prove(fetch, on_gone);
        return;
    }
    if (status == KC_HTTP_FORBIDDEN)
        status = KC_DIRECTORY_FORBIDDEN;
    if (status == KC_OK)
        status = json_object_is_type(answer, json_type_object)
                     ? directory_take_person(fetch->directory, answer, &user)
                     : KC_ANSWER_MALFORMED;
    if (status == KC_OK)
        publish_soon(fetch->directory);
    else if (kc_status_class(status) == KC_CLASS_UNKNOWN || status == KC_NOT_OURS)
        forget(fetch); /* it has no entry any more */
    if (status == KC_OK && !people_by_name(fetch->directory->people, fetch->name)) {
        status = ask_user(fetch); /* renamed: the old name may be somebody else's */
        if (status == KC_OK)
            return;
    }
    finish(fetch, status);
}

static void on_absent(void *userdata, enum kc_status status, const char *detail)
{
    struct fetch *fetch = userdata;
    struct directory *directory = fetch->directory;
    (void)detail;
    if (status == KC_OK) {
        absent_put(directory->absent, fetch->name,
            directory_now() + directory->daemon->config->directory.absent_ttl);
        status = KC_USER_UNKNOWN;
    } else if (status == KC_DIRECTORY_FORBIDDEN) {
        directory_forbidden(directory);
    }
    finish(fetch, status);
}

static void on_user(
    void *userdata, enum kc_status status, const char *detail, const struct json_object *answer)
{
    struct fetch *fetch = userdata;
    const struct json_object *object = NULL;
    struct known_user *user;
    (void)detail;
    fetch->request = NULL;
    if (status == KC_OK)
        status = find_user(answer, fetch->name, &object);
    if (status != KC_OK) {
        finish(fetch, status == KC_NOT_FOUND ? KC_ANSWER_MALFORMED : status);
        return;
    }
    if (!object) {
        prove(fetch, on_absent); /* the realm has nobody of that name, if we may see people */
        return;
    }
    status = directory_take_person(fetch->directory, object, &user);
    if (status == KC_OK) {
        user->asked = directory_now();
        publish_soon(fetch->directory);
    }
    finish(fetch, status);
}

static enum kc_status ask_groups(struct fetch *fetch);

static enum kc_status add_gid(struct fetch *fetch, uint32_t gid)
{
    for (uint32_t i = 0; i < fetch->found_count; i++)
        if (fetch->found[i] == gid)
            return KC_OK;
    if (fetch->found_count >= KC_SNAPSHOT_GROUPS_MAX)
        return KC_ANSWER_TOO_LARGE;
    uint32_t *found = realloc(fetch->found, (fetch->found_count + 1u) * sizeof *found);
    if (!found)
        return KC_NO_MEMORY;
    fetch->found = found;
    found[fetch->found_count++] = gid;
    return KC_OK;
}

/* A group is known by its id: paths can be alike. */
static enum kc_status add_group(struct fetch *fetch, const struct json_object *item)
{
    struct known_group *groups[GROUP_DEPTH_MAX];
    const char *id;
    enum kc_status status = KC_OK;
    if (jose_json_string(item, "id", PERSON_ID_MAX, &id, NULL) != KC_OK)
        return KC_ANSWER_MALFORMED;
    const size_t count = groups_of_member(fetch->directory->judged_by, id, groups);
    for (size_t i = 0; i < count && status == KC_OK; i++)
        status = add_gid(fetch, groups[i]->gid);
    return status;
}

static void on_groups(
    void *userdata, enum kc_status status, const char *detail, const struct json_object *answer)
{
    struct fetch *fetch = userdata;
    (void)detail;
    fetch->request = NULL;
    if (status == KC_OK && !json_object_is_type(answer, json_type_array))
        status = KC_ANSWER_MALFORMED;
    const size_t count = status == KC_OK ? json_object_array_length(answer) : 0;
    for (size_t i = 0; i < count && status == KC_OK; i++)
        status = add_group(fetch, json_object_array_get_idx(answer, i));
    if (status == KC_OK && count >= PAGE) {
        fetch->first += PAGE;
        status = ask_groups(fetch);
        if (status == KC_OK)
            return;
    }
    struct known_user *user = people_by_name(fetch->directory->people, fetch->name);
    if (status == KC_OK && user && strcmp(user->id, fetch->id) == 0) {
        directory_set_gids(fetch->directory, user, KC_TAKE(fetch->found), fetch->found_count,
            directory_now() + fetch->directory->daemon->config->directory.found_ttl);
        publish_soon(fetch->directory);
    }
    finish(fetch, status == KC_NOT_FOUND ? KC_USER_UNKNOWN : status);
}

/* The next page of a user's groups; a page that is not full is the last. */
static enum kc_status ask_groups(struct fetch *fetch)
{
    const struct known_user *user = people_by_name(fetch->directory->people, fetch->name);
    char path[PATH_SIZE] = "/users/";
    if (!user || (fetch->id && strcmp(user->id, fetch->id) != 0))
        return KC_USER_UNKNOWN;
    /* fetch_free gives it back: lint: -Wanalyzer-malloc-leak */
    if (!fetch->id)
        fetch->id = strdup(user->id);
    if (!fetch->id)
        return KC_NO_MEMORY;
    enum kc_status status = admin_escape(fetch->id, path, sizeof path);
    if (status != KC_OK)
        return status;
    const size_t length = strlen(path);
    if (snprintf(path + length, sizeof path - length,
            "/groups?briefRepresentation=true&first=%u&max=%u", fetch->first,
            PAGE) >= (int)(sizeof path - length))
        return KC_TOO_LARGE;
    return allocate_get(
        fetch->directory, path, clock_us() + FETCH_US, on_groups, fetch, &fetch->request);
}

static enum kc_status ask_known_user(struct fetch *fetch, const struct known_user *user)
{
    char path[PATH_SIZE] = "/users/";
    enum kc_status status = admin_escape(user->id, path, sizeof path);
    if (status == KC_OK)
        status = allocate_get(
            fetch->directory, path, clock_us() + FETCH_US, on_known_user, fetch, &fetch->request);
    return status;
}

static enum kc_status ask_user(struct fetch *fetch)
{
    const struct known_user *user = people_by_name(fetch->directory->people, fetch->name);
    if (user)
        return ask_known_user(fetch, user);
    char path[PATH_SIZE] = "/users?exact=true&max=2&briefRepresentation=false&username=";
    enum kc_status status = admin_escape(fetch->name, path, sizeof path);
    if (status == KC_OK)
        status = allocate_get(
            fetch->directory, path, clock_us() + FETCH_US, on_user, fetch, &fetch->request);
    return status;
}

static struct fetch *find(const struct directory *directory, const char *name, bool gids)
{
    struct fetch *fetch;
    LIST_FOREACH(fetch, &directory->fetches, link)
    if (fetch->gids == gids && strcmp(fetch->name, name) == 0)
        return fetch;
    return NULL;
}

enum kc_status fetch_join(
    struct directory *directory, const char *name, bool gids, struct directory_wait *wait)
{
    struct fetch *fetch = find(directory, name, gids);
    if (!fetch) {
        if (directory->fetch_count >= FETCHES_MAX)
            return KC_BUSY;
        fetch = calloc(1, sizeof *fetch);
        if (!fetch)
            return KC_NO_MEMORY;
        directory->fetch_count++;
        fetch->directory = directory;
        fetch->gids = gids;
        snprintf(fetch->name, sizeof fetch->name, "%s", name);
        LIST_INSERT_HEAD(&directory->fetches, fetch, link);
        const enum kc_status status = gids ? ask_groups(fetch) : ask_user(fetch);
        if (status != KC_OK) {
            fetch_free(fetch);
            return status;
        }
    }
    LIST_INSERT_HEAD(&fetch->waits, wait, link);
    return KC_OK;
}

void fetch_abandon_all(struct directory *directory)
{
    struct fetch *fetch;
    while ((fetch = LIST_FIRST(&directory->fetches)))
        finish(fetch, KC_NOT_READY);
}
