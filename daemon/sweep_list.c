/*
 * One list of the sweep: where its pages are, and what they say.
 * Used by sweep.c.
 * Must never take a group for another one, nor the members of one page for all.
 */
#include "daemon/passwd_entry.h"
#include "daemon/sweep_internal.h"
#include "jose/json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 100u
#define ITEMS_MAX 2000000u /* in the pages of one list */

static const struct config *config_of(const struct sweep *sweep)
{
    return sweep->directory->daemon->config;
}

void list_free(struct list *list)
{
    if (list->request) {
        allocate_cancel(list->request);
        LIST_REMOVE(list, link);
        list->sweep->running_count--;
    }
    free(list);
}

enum kc_status list_new(
    struct sweep *sweep, enum list_kind kind, const char *id, struct list **ret_list)
{
    const size_t size = strlen(id) + 1;
    struct list *list = calloc(1, sizeof *list + size);
    if (!list)
        return KC_NO_MEMORY;
    list->sweep = sweep;
    list->kind = kind;
    list->page = PAGE;
    memcpy(list->id, id, size);
    *ret_list = list;
    return KC_OK;
}

enum kc_status list_wait(
    struct sweep *sweep, enum list_kind kind, const char *id, bool children, bool prefetch)
{
    struct list *list;
    const enum kc_status status = list_new(sweep, kind, id, &list);
    if (status != KC_OK)
        return status;
    list->children = children;
    list->prefetch = prefetch;
    STAILQ_INSERT_TAIL(&sweep->waiting, list, next);
    return KC_OK;
}

/* --- what the realm says --- */

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

/* A slash in a group's own name stands plain in its path, where it looks like another group's. */
static bool has_plain_name(const struct json_object *object, const char *path)
{
    const char *name;
    return jose_json_string(object, "name", SERVED_PATH_MAX, &name, NULL) == KC_OK &&
           !strchr(name, '/') && strcmp(strrchr(path, '/') + 1, name) == 0;
}

/* Takes a group that is served and has a gid; one that has not is left out. */
static enum kc_status take_group(
    struct sweep *sweep, const struct json_object *object, const char *path, const char *id)
{
    struct directory *directory = sweep->directory;
    char name[KC_LOOKUP_NAME_MAX];
    uint32_t gid;
    if (served_name(&config_of(sweep)->groups, path, name) != KC_OK ||
        !has_plain_name(object, path) || !read_gid(sweep, object, &gid) ||
        locals_have_name(directory->locals, name) || locals_have_gid(directory->locals, gid) ||
        owner_judge_group(directory, id, name, gid) != KC_OK)
        return KC_OK;
    const struct known_group *before = group_by_id(&directory->groups, id);
    return groups_add(&sweep->groups, name, id, gid,
        before && before->gid == gid && strcmp(before->name, name) == 0);
}

/* Whether a group may have others below it; a realm that does not say has them all asked for. */
static bool has_children(const struct json_object *object)
{
    int64_t count;
    return jose_json_int64(object, "subGroupCount", &count) != KC_OK || count != 0;
}

/* A group that an item of `serve` leads to, or that lies below one. */
static enum kc_status add_group(
    struct sweep *sweep, const struct list *list, const struct json_object *object)
{
    const bool parents = config_of(sweep)->groups.parents;
    const char *path, *id;
    if (jose_json_string(object, "path", SERVED_PATH_MAX, &path, NULL) != KC_OK || *path != '/' ||
        jose_json_string(object, "id", PERSON_ID_MAX, &id, NULL) != KC_OK)
        return KC_ANSWER_MALFORMED;
    if (list->kind == LIST_GROUP && list->prefetch)
        return groups_link(&sweep->groups, id, NULL, true);
    enum kc_status status = KC_OK;
    if (list->kind == LIST_CHILDREN && parents)
        status = groups_link(&sweep->groups, id, list->id, false);
    if (status == KC_OK)
        status = take_group(sweep, object, path, id);
    if (status == KC_OK && parents && has_children(object))
        status = list_wait(sweep, LIST_CHILDREN, id, false, false);
    return status;
}

static enum kc_status read_group(
    struct sweep *sweep, const struct list *list, const struct json_object *answer)
{
    const char *id;
    if (!json_object_is_type(answer, json_type_object))
        return KC_ANSWER_MALFORMED;
    if (!list->children)
        return add_group(sweep, list, answer);
    if (jose_json_string(answer, "id", PERSON_ID_MAX, &id, NULL) != KC_OK)
        return KC_ANSWER_MALFORMED;
    return list_wait(sweep, LIST_CHILDREN, id, false, false);
}

static enum kc_status add_member(
    struct sweep *sweep, const struct list *list, const struct json_object *object)
{
    struct known_group *groups[GROUP_DEPTH_MAX];
    struct known_user *user;
    enum kc_status status = directory_take_person(sweep->directory, object, &user);
    if (kc_status_class(status) == KC_CLASS_UNKNOWN || status == KC_NOT_OURS)
        return KC_OK; /* no user of this host */
    if (status != KC_OK || list->kind == LIST_USERS || !config_of(sweep)->groups.members)
        return status;
    const size_t count = groups_of_member(&sweep->groups, list->id, groups);
    for (size_t i = 0; i < count && status == KC_OK; i++)
        status = group_add_member(groups[i], user->uid);
    return status;
}

/* A page; whether it is the last one. */
static enum kc_status read_page(
    struct sweep *sweep, struct list *list, const struct json_object *answer, bool *ret_last)
{
    if (!json_object_is_type(answer, json_type_array))
        return KC_ANSWER_MALFORMED;
    const size_t count = json_object_array_length(answer);
    enum kc_status status = KC_OK;
    for (size_t i = 0; i < count && status == KC_OK; i++) {
        const struct json_object *object = json_object_array_get_idx(answer, i);
        status = list->kind == LIST_CHILDREN ? add_group(sweep, list, object)
                                             : add_member(sweep, list, object);
    }
    *ret_last = count < list->page;
    list->first += list->page;
    return status == KC_OK && list->first > ITEMS_MAX ? KC_ANSWER_TOO_LARGE : status;
}

/* --- requests --- */

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

static enum kc_status append_page(
    const struct list *list, const char *what, char *path, size_t size)
{
    const size_t length = strlen(path);
    return snprintf(path + length, size - length, "%s?briefRepresentation=false&first=%u&max=%u",
               what, list->first, list->page) < (int)(size - length)
               ? KC_OK
               : KC_TOO_LARGE;
}

enum kc_status list_path(const struct list *list, char *path, size_t size)
{
    enum kc_status status;
    switch (list->kind) {
    case LIST_GROUP:
        snprintf(path, size, "/group-by-path");
        return append_parts(list->id, strlen(list->id) - (list->children ? 2 : 0), path, size);
    case LIST_USERS:
        return append_page(list, "/users", path, size);
    default:
        snprintf(path, size, "/groups/");
        status = admin_escape(list->id, path, size);
        return status != KC_OK
                   ? status
                   : append_page(
                         list, list->kind == LIST_CHILDREN ? "/children" : "/members", path, size);
    }
}

/* What a list's answer means for it; whether it has ended. */
enum kc_status list_take(
    struct list *list, enum kc_status status, const struct json_object *answer, bool *ret_last)
{
    struct sweep *sweep = list->sweep;
    *ret_last = true;
    if (status == KC_NOT_FOUND && list->kind != LIST_USERS) {
        sweep->missed = true;
        return KC_OK; /* a group that the realm has not, or not yet, or no more */
    }
    if (status == KC_ANSWER_TOO_LARGE && list->kind != LIST_GROUP && list->page > 1) {
        list->page /= 2; /* people with very large attributes */
        *ret_last = false;
        return KC_OK;
    }
    if (status == KC_HTTP_FORBIDDEN)
        return KC_DIRECTORY_FORBIDDEN;
    if (status != KC_OK)
        return status == KC_NOT_FOUND ? KC_ANSWER_MALFORMED : status;
    return list->kind == LIST_GROUP ? read_group(sweep, list, answer)
                                    : read_page(sweep, list, answer, ret_last);
}
