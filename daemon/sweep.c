/*
 * The sweep: all served groups and their members, learned anew as a whole, page by page.
 * Used by directory.c, one at a time.
 * Must never put a group in force before all members are read, nor take an empty list from a client
 * that may see nobody for an empty realm. Users are taken in as they come.
 */
#include "daemon/clock.h"
#include "daemon/directory_internal.h"
#include "daemon/passwd_entry.h"
#include "jose/json.h"

#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 2048u
#define PAGE 200u
#define REQUEST_US (10 * CLOCK_SECOND_US)
#define GROUPS_MAX 100000u
#define ITEMS_MAX 2000000u /* in the pages of one list */

enum stage {
    STAGE_SELF,     /* may this client see users at all? */
    STAGE_GROUP,    /* an item of `serve`, or of `name.NAME` */
    STAGE_CHILDREN, /* of an item with a star, page by page */
    STAGE_MEMBERS,  /* of each group, page by page */
};

struct sweep {
    struct directory *directory;
    enum stage stage;
    size_t item;  /* of `serve`, then of `name.NAME`; in STAGE_MEMBERS: the group */
    char *parent; /* STAGE_CHILDREN: the realm's id of the group */
    unsigned first;
    struct known_groups groups; /* so far */
    struct admin_request *request;
};

void sweep_groups_free(struct known_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++) {
        free(groups->items[i].path);
        free(groups->items[i].id);
        free(groups->items[i].members);
    }
    free(groups->items);
    *groups = (struct known_groups){0};
}

void sweep_free(struct sweep *sweep)
{
    if (!sweep)
        return;
    if (sweep->request)
        admin_cancel(sweep->request);
    sweep->directory->judged_by = &sweep->directory->groups;
    sweep_groups_free(&sweep->groups);
    free(sweep->parent);
    free(sweep);
}

static void finish(struct sweep *sweep, enum kc_status status, const char *detail)
{
    struct directory *directory = sweep->directory;
    directory->judged_by = &directory->groups;
    for (size_t i = 0; i < sweep->groups.count && status == KC_OK; i++) {
        struct known_group *group = &sweep->groups.items[i];
        const struct known_group *before = directory_group_by_path(directory, group->path);
        group->fresh = before ? before->fresh : publish_new_words(directory);
    }
    if (status == KC_OK) {
        sweep_groups_free(&directory->groups);
        directory->groups = sweep->groups;
        sweep->groups = (struct known_groups){0};
    }
    directory->sweep = NULL;
    sweep_free(sweep);
    sweep_done(directory, status, detail);
}

static void step(struct sweep *sweep);

static const struct config *config_of(const struct sweep *sweep)
{
    return sweep->directory->daemon->config;
}

/* The gid of a group: its attribute; false: it has none that this host may use. */
static bool read_gid(const struct sweep *sweep, const struct json_object *object, uint32_t *ret_gid)
{
    const char *name = config_of(sweep)->directory.gid_attribute;
    struct json_object *attributes, *values;
    const char *text;
    return jose_json_object(object, "attributes", &attributes) == KC_OK &&
           jose_json_array(attributes, name, &values) == KC_OK &&
           json_object_array_length(values) > 0 &&
           jose_json_text(json_object_array_get_idx(values, 0), 16, &text, NULL) == KC_OK &&
           passwd_entry_read_id(text, ret_gid) &&
           kc_bounds_id(sweep->directory->daemon->bounds, *ret_gid);
}

static bool is_taken(const struct sweep *sweep, const char *name, const char *path, uint32_t gid)
{
    for (size_t i = 0; i < sweep->groups.count; i++) {
        const struct known_group *other = &sweep->groups.items[i];
        if (strcmp(other->name, name) == 0 || strcmp(other->path, path) == 0 || other->gid == gid)
            return true;
    }
    return false;
}

/* Takes a group that is served and has a gid; one that has not is left out. */
static enum kc_status add_group(struct sweep *sweep, const struct json_object *object)
{
    struct directory *directory = sweep->directory;
    struct known_group group = {0};
    const char *path, *id;
    if (jose_json_string(object, "path", SERVED_PATH_MAX, &path, NULL) != KC_OK ||
        jose_json_string(object, "id", PERSON_ID_MAX, &id, NULL) != KC_OK)
        return KC_ANSWER_MALFORMED;
    if (served_name(&config_of(sweep)->groups, path, group.name) != KC_OK ||
        !read_gid(sweep, object, &group.gid) || is_taken(sweep, group.name, path, group.gid))
        return KC_OK;
    if (directory_name_is_local(directory, group.name) ||
        directory_gid_is_local(directory, group.gid))
        return KC_OK;
    if (sweep->groups.count >= GROUPS_MAX)
        return KC_ANSWER_TOO_LARGE;
    struct known_group *items =
        realloc(sweep->groups.items, (sweep->groups.count + 1) * sizeof *items);
    if (!items)
        return KC_NO_MEMORY;
    sweep->groups.items = items;
    group.path = strdup(path);
    group.id = strdup(id);
    if (!group.path || !group.id) {
        free(group.path);
        free(group.id);
        return KC_NO_MEMORY;
    }
    items[sweep->groups.count++] = group;
    return KC_OK;
}

static enum kc_status add_member(struct sweep *sweep, const struct json_object *object)
{
    struct known_group *group = &sweep->groups.items[sweep->item];
    struct known_user *user;
    const enum kc_status status = directory_take_person(sweep->directory, object, &user);
    if (kc_status_class(status) == KC_CLASS_UNKNOWN || status == KC_NOT_OURS)
        return KC_OK; /* no user of this host */
    if (status != KC_OK)
        return status;
    if (group->member_count >= KC_SNAPSHOT_MEMBERS_MAX)
        return KC_ANSWER_TOO_LARGE;
    /* room for a power of two */
    if ((group->member_count & (group->member_count - 1)) == 0) {
        const size_t room = group->member_count ? (size_t)group->member_count * 2 : 1;
        uint32_t *members = realloc(group->members, room * sizeof *members);
        if (!members)
            return KC_NO_MEMORY;
        group->members = members;
    }
    group->members[group->member_count++] = user->uid;
    return KC_OK;
}

typedef enum kc_status add_one(struct sweep *sweep, const struct json_object *object);

/* A page; whether it is the last one. */
static enum kc_status add_page(
    struct sweep *sweep, const struct json_object *answer, add_one *add, bool *ret_last)
{
    if (!json_object_is_type(answer, json_type_array))
        return KC_ANSWER_MALFORMED;
    const size_t count = json_object_array_length(answer);
    enum kc_status status = KC_OK;
    for (size_t i = 0; i < count && status == KC_OK; i++)
        status = add(sweep, json_object_array_get_idx(answer, i));
    *ret_last = count < PAGE;
    sweep->first += PAGE;
    return status == KC_OK && sweep->first > ITEMS_MAX ? KC_ANSWER_TOO_LARGE : status;
}

static int compare_groups(const void *a, const void *b)
{
    return strcmp(((const struct known_group *)a)->name, ((const struct known_group *)b)->name);
}

/* The item of `serve` or `name.NAME` that is asked for; NULL: there is no more. */
static const char *current_item(const struct sweep *sweep)
{
    const struct config_groups *groups = &config_of(sweep)->groups;
    if (sweep->item < groups->serve.count)
        return groups->serve.items[sweep->item];
    const size_t named = sweep->item - groups->serve.count;
    return named < groups->names.count ? groups->names.items[named].value : NULL;
}

/* All groups are there: from now on users are judged by them. */
static void begin_members(struct sweep *sweep)
{
    if (sweep->groups.count > 0)
        qsort(
            sweep->groups.items, sweep->groups.count, sizeof *sweep->groups.items, compare_groups);
    sweep->directory->judged_by = &sweep->groups;
    sweep->stage = STAGE_MEMBERS;
    sweep->item = 0;
    sweep->first = 0;
}

static void next_item(struct sweep *sweep)
{
    sweep->stage = STAGE_GROUP;
    sweep->item++;
    sweep->first = 0;
    if (!current_item(sweep))
        begin_members(sweep);
}

/* 200 with an empty list is what a client with query-users alone gets for everything. */
static enum kc_status judge_self(struct sweep *sweep, const struct json_object *answer)
{
    if (!json_object_is_type(answer, json_type_array))
        return KC_ANSWER_MALFORMED;
    if (json_object_array_length(answer) == 0)
        return KC_DIRECTORY_FORBIDDEN;
    sweep->stage = STAGE_GROUP;
    return KC_OK;
}

static enum kc_status judge_group(struct sweep *sweep, const struct json_object *answer)
{
    const char *id;
    if (!json_object_is_type(answer, json_type_object))
        return KC_ANSWER_MALFORMED;
    if (!served_is_children(current_item(sweep))) {
        const enum kc_status status = add_group(sweep, answer);
        next_item(sweep);
        return status;
    }
    if (jose_json_string(answer, "id", PERSON_ID_MAX, &id, NULL) != KC_OK)
        return KC_ANSWER_MALFORMED;
    free(sweep->parent);
    sweep->parent = strdup(id);
    sweep->stage = STAGE_CHILDREN;
    sweep->first = 0;
    return sweep->parent ? KC_OK : KC_NO_MEMORY;
}

static enum kc_status judge(struct sweep *sweep, const struct json_object *answer)
{
    bool last = false;
    enum kc_status status;
    switch (sweep->stage) {
    case STAGE_SELF:
        return judge_self(sweep, answer);
    case STAGE_GROUP:
        return judge_group(sweep, answer);
    case STAGE_CHILDREN:
        status = add_page(sweep, answer, add_group, &last);
        if (last)
            next_item(sweep);
        return status;
    default:
        status = add_page(sweep, answer, add_member, &last);
        if (last) {
            sweep->item++;
            sweep->first = 0;
        }
        return status;
    }
}

static void on_answer(
    void *userdata, enum kc_status status, const char *detail, const struct json_object *answer)
{
    struct sweep *sweep = userdata;
    sweep->request = NULL;
    if (status == KC_NOT_FOUND && sweep->stage == STAGE_GROUP) {
        next_item(sweep); /* a group that the realm has not, or not yet */
        status = KC_OK;
    } else if (status == KC_OK) {
        status = judge(sweep, answer);
    }
    if (status == KC_HTTP_FORBIDDEN)
        status = KC_DIRECTORY_FORBIDDEN;
    if (status != KC_OK) {
        finish(sweep, status == KC_NOT_FOUND ? KC_ANSWER_MALFORMED : status, detail);
        return;
    }
    step(sweep);
}

/* Appends the parts of a group's path, each escaped. */
static enum kc_status append_parts(const char *group, size_t length, char *path, size_t size)
{
    char part[SERVED_PATH_MAX + 1];
    enum kc_status status = KC_OK;
    for (size_t at = 0; at < length && status == KC_OK;) {
        size_t end = ++at;
        while (end < length && group[end] != '/')
            end++;
        const size_t used = strlen(path);
        if (end - at >= sizeof part || used + 2 > size)
            return KC_TOO_LARGE;
        memcpy(part, group + at, end - at);
        part[end - at] = '\0';
        memcpy(path + used, "/", 2);
        status = admin_escape(part, path, size);
        at = end;
    }
    return status;
}

static enum kc_status self_path(const struct sweep *sweep, char *path, size_t size)
{
    const struct config *config = config_of(sweep);
    const char *client = config->directory.client.client_id ? config->directory.client.client_id
                                                            : config->realm.client.client_id;
    char name[300];
    if (snprintf(name, sizeof name, "service-account-%s", client) >= (int)sizeof name)
        return KC_TOO_LARGE;
    for (char *at = name; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    snprintf(path, size, "/users?exact=true&max=1&briefRepresentation=true&username=");
    return admin_escape(name, path, size);
}

static enum kc_status page_path(
    const char *id, const char *what, unsigned first, char *path, size_t size)
{
    snprintf(path, size, "/groups/");
    const enum kc_status status = admin_escape(id, path, size);
    const size_t length = strlen(path);
    if (status != KC_OK)
        return status;
    return snprintf(path + length, size - length, "/%s?briefRepresentation=false&first=%u&max=%u",
               what, first, PAGE) < (int)(size - length)
               ? KC_OK
               : KC_TOO_LARGE;
}

static enum kc_status make_path(const struct sweep *sweep, char *path, size_t size)
{
    const char *item;
    switch (sweep->stage) {
    case STAGE_SELF:
        return self_path(sweep, path, size);
    case STAGE_GROUP:
        item = current_item(sweep);
        if (!item)
            return KC_NOT_FOUND; /* step() looks before */
        snprintf(path, size, "/group-by-path");
        return append_parts(item, strlen(item) - (served_is_children(item) ? 2 : 0), path, size);
    case STAGE_CHILDREN:
        return page_path(sweep->parent, "children", sweep->first, path, size);
    default:
        return page_path(sweep->groups.items[sweep->item].id, "members", sweep->first, path, size);
    }
}

/* The next request, or the end. */
static void step(struct sweep *sweep)
{
    char path[PATH_SIZE] = "";
    if (sweep->stage == STAGE_GROUP && !current_item(sweep))
        begin_members(sweep);
    if (sweep->stage == STAGE_MEMBERS &&
        (!config_of(sweep)->groups.members || sweep->item >= sweep->groups.count)) {
        finish(sweep, KC_OK, "");
        return;
    }
    enum kc_status status = make_path(sweep, path, sizeof path);
    if (status == KC_OK)
        status = admin_get(sweep->directory->admin, path, clock_us() + REQUEST_US, on_answer, sweep,
            &sweep->request);
    if (status != KC_OK)
        finish(sweep, status, "");
}

enum kc_status sweep_begin(struct directory *directory)
{
    struct sweep *sweep = calloc(1, sizeof *sweep);
    if (!sweep)
        return KC_NO_MEMORY;
    sweep->directory = directory;
    directory->sweep = sweep;
    step(sweep);
    return KC_OK;
}
