/*
 * Which users and groups of a realm have no number, and which they are to get.
 * Used by assign.c. Pure: no I/O.
 * Must never choose a number that anybody in the realm or on this host has, or has had.
 */
#include "daemon/assign_plan.h"

#include "common/name.h"
#include "daemon/config.h"
#include "daemon/locals.h"
#include "daemon/passwd_entry.h"
#include "daemon/served.h"
#include "jose/json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define ID_TEXT_SIZE 16u
#define DEPTH_MAX 16u
#define TRIES_MAX 100000u /* of the host's own numbers, in a row */

void assign_plan_clear(struct assign_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        free(plan->items[i].id);
        free(plan->items[i].label);
    }
    free(plan->items);
    *plan = (struct assign_plan){0};
}

static void note(const struct assign_rules *rules, uint32_t id, uint32_t *high)
{
    if (kc_bounds_id(rules->bounds, id) && id > *high)
        *high = id;
}

void assign_plan_note(
    struct assign_plan *plan, const struct assign_rules *rules, uint32_t uid, uint32_t gid)
{
    note(rules, uid, &plan->high_uid);
    note(rules, gid, &plan->high_gid);
}

/* The values of an attribute; NULL: there is none. */
static struct json_object *values_of(const struct json_object *object, const char *attribute)
{
    struct json_object *attributes, *values;
    if (jose_json_object(object, "attributes", &attributes) != KC_OK ||
        jose_json_array(attributes, attribute, &values) != KC_OK ||
        json_object_array_length(values) == 0)
        return NULL;
    return values;
}

/* Notes each number among an attribute's values; whether there is any value, be it a number or not. */
static bool has_number(const struct assign_rules *rules, const struct json_object *object,
    const char *attribute, uint32_t *high)
{
    struct json_object *values = values_of(object, attribute);
    const size_t count = values ? json_object_array_length(values) : 0;
    for (size_t i = 0; i < count; i++) {
        const char *text;
        uint32_t id;
        if (jose_json_text(json_object_array_get_idx(values, i), ID_TEXT_SIZE, &text, NULL) ==
                KC_OK &&
            passwd_entry_read_id(text, &id))
            note(rules, id, high);
    }
    return count > 0;
}

static enum kc_status add(
    struct assign_plan *plan, bool is_group, const char *id, const char *label)
{
    if (plan->count >= ASSIGN_ITEMS_MAX)
        return KC_ANSWER_TOO_LARGE;
    /* room for a power of two */
    if ((plan->count & (plan->count - 1)) == 0) {
        const size_t room = plan->count ? plan->count * 2 : 1;
        struct assign_item *items = realloc(plan->items, room * sizeof *items);
        if (!items)
            return KC_NO_MEMORY;
        plan->items = items;
    }
    struct assign_item item = {is_group, strdup(id), strdup(label), 0};
    if (!item.id || !item.label) {
        free(item.id);
        free(item.label);
        return KC_NO_MEMORY;
    }
    plan->items[plan->count++] = item;
    return KC_OK;
}

enum kc_status assign_plan_user(
    struct assign_plan *plan, const struct assign_rules *rules, const struct json_object *user)
{
    const struct config_directory *directory = &rules->config->directory;
    const char *id, *name;
    size_t length;
    if (jose_json_string(user, "id", PERSON_ID_MAX, &id, NULL) != KC_OK ||
        jose_json_string(user, "username", (size_t)PERSON_NAME_MAX * 4, &name, &length) != KC_OK)
        return KC_ANSWER_MALFORMED;
    plan->users++;
    const bool numbered = has_number(rules, user, directory->uid_attribute, &plan->high_uid);
    const bool grouped = has_number(rules, user, directory->gid_attribute, &plan->high_gid);
    if (!kc_name_valid_user(name, length)) {
        plan->no_name++;
        return KC_OK;
    }
    if (locals_have_name(rules->locals, name)) {
        plan->local++;
        return KC_OK;
    }
    plan->no_gid += !grouped;
    return numbered ? KC_OK : add(plan, false, id, name);
}

enum kc_status assign_plan_group(
    struct assign_plan *plan, const struct assign_rules *rules, const struct json_object *group)
{
    const char *id, *path;
    char name[KC_LOOKUP_NAME_MAX];
    if (jose_json_string(group, "id", PERSON_ID_MAX, &id, NULL) != KC_OK ||
        jose_json_string(group, "path", (size_t)SERVED_PATH_MAX * 4, &path, NULL) != KC_OK)
        return KC_ANSWER_MALFORMED;
    plan->groups++;
    const bool numbered =
        has_number(rules, group, rules->config->directory.gid_attribute, &plan->high_gid);
    if (numbered || served_name(&rules->config->groups, path, name) != KC_OK ||
        locals_have_name(rules->locals, name))
        return KC_OK;
    return add(plan, true, id, path);
}

/* The next number that may be given; 0: there is none. */
static uint32_t next(const struct assign_rules *rules, bool is_group, uint32_t *high)
{
    const struct kc_ids *ids = &rules->bounds->ids;
    uint64_t id = *high ? (uint64_t)*high + 1 : ids->first;
    for (unsigned tries = 0; id <= ids->last && tries < TRIES_MAX; id++, tries++) {
        const bool local = is_group ? locals_have_gid(rules->locals, (uint32_t)id)
                                    : locals_have_uid(rules->locals, (uint32_t)id);
        if (!local && kc_bounds_id(rules->bounds, (uint32_t)id)) {
            *high = (uint32_t)id;
            return (uint32_t)id;
        }
    }
    return 0;
}

enum kc_status assign_plan_choose(struct assign_plan *plan, const struct assign_rules *rules)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct assign_item *item = &plan->items[i];
        item->number =
            next(rules, item->is_group, item->is_group ? &plan->high_gid : &plan->high_uid);
        if (item->number == 0)
            return KC_NO_ROOM;
    }
    return KC_OK;
}

/* Whether the reader has taken everything as it stood: no member twice, no string with a NUL. */
static bool is_whole(struct json_object *value, unsigned depth)
{
    if (depth > DEPTH_MAX)
        return false;
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            struct json_object *item = json_object_array_get_idx(value, i);
            if ((json_object_is_type(item, json_type_object) &&
                    json_object_object_length(item) == 0) ||
                !is_whole(item, depth + 1))
                return false;
        }
        return true;
    }
    if (!json_object_is_type(value, json_type_object))
        return true;
    json_object_object_foreach(value, name, member)
    {
        struct json_object *same;
        if (jose_json_member(value, name, &same) != KC_OK || !is_whole(member, depth + 1))
            return false;
    }
    return true;
}

static bool is_item(const struct json_object *object, const struct assign_item *item)
{
    const char *id, *label;
    return jose_json_string(object, "id", PERSON_ID_MAX, &id, NULL) == KC_OK &&
           strcmp(id, item->id) == 0 &&
           jose_json_string(object, item->is_group ? "path" : "username",
               (size_t)SERVED_PATH_MAX * 4, &label, NULL) == KC_OK &&
           strcmp(label, item->label) == 0;
}

static enum kc_status put_number(
    struct json_object *object, const char *attribute, uint32_t number)
{
    char text[ID_TEXT_SIZE];
    struct json_object *attributes = json_object_object_get(object, "attributes");
    snprintf(text, sizeof text, "%u", number);
    if (!attributes) {
        attributes = json_object_new_object();
        if (!attributes || json_object_object_add(object, "attributes", attributes) != 0) {
            json_object_put(attributes);
            return KC_NO_MEMORY;
        }
    }
    struct json_object *values = json_object_new_array();
    struct json_object *value = json_object_new_string(text);
    if (!values || !value || json_object_array_add(values, value) != 0) {
        json_object_put(value);
        json_object_put(values);
        return KC_NO_MEMORY;
    }
    if (json_object_object_add(attributes, attribute, values) != 0) {
        json_object_put(values);
        return KC_NO_MEMORY;
    }
    return KC_OK;
}

enum kc_status assign_change(const struct json_object *before, const struct assign_item *item,
    const char *attribute, struct json_object **ret_after)
{
    JOSE_AUTO_JSON struct json_object *after = NULL;
    if (!json_object_is_type(before, json_type_object))
        return KC_ANSWER_MALFORMED;
    if (!is_item(before, item) || values_of(before, attribute))
        return KC_BUSY;
    const struct json_object *attributes = json_object_object_get(before, "attributes");
    if ((attributes && !json_object_is_type(attributes, json_type_object)) ||
        !is_whole((struct json_object *)(uintptr_t)before, 0))
        return KC_ANSWER_MALFORMED;
    if (json_object_deep_copy((struct json_object *)(uintptr_t)before, &after, NULL) != 0)
        return KC_NO_MEMORY;
    const enum kc_status status = put_number(after, attribute, item->number);
    if (status == KC_OK)
        *ret_after = KC_TAKE(after);
    return status;
}

enum kc_status assign_body(const struct json_object *after, struct json_object **ret_body)
{
    static const char *const left_out[] = {"enabled", "emailVerified", "requiredActions", "totp",
        "notBefore", "access", "credentials", "disableableCredentialTypes", "createdTimestamp",
        "federatedIdentities", "realmRoles", "clientRoles", "applicationRoles", "groups",
        "clientConsents", "subGroups", "subGroupCount"};
    struct json_object *body = NULL;
    if (json_object_deep_copy((struct json_object *)(uintptr_t)after, &body, NULL) != 0)
        return KC_NO_MEMORY;
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
        json_object_object_del(body, left_out[i]);
    *ret_body = body;
    return KC_OK;
}

static bool has_exactly(
    const struct json_object *object, const char *attribute, const struct assign_item *item)
{
    char wanted[ID_TEXT_SIZE];
    const char *text;
    struct json_object *values = values_of(object, attribute);
    snprintf(wanted, sizeof wanted, "%u", item->number);
    return values && json_object_array_length(values) == 1 &&
           jose_json_text(json_object_array_get_idx(values, 0), ID_TEXT_SIZE, &text, NULL) ==
               KC_OK &&
           strcmp(text, wanted) == 0;
}

enum kc_status assign_compare(const struct json_object *wanted, const struct json_object *found,
    const struct assign_item *item, const char *attribute)
{
    if (!json_object_is_type(found, json_type_object) || !is_item(found, item))
        return KC_ANSWER_MALFORMED;
    if (!has_exactly(found, attribute, item))
        return KC_NOT_PERMITTED;
    return json_object_equal((struct json_object *)(uintptr_t)wanted,
               (struct json_object *)(uintptr_t)found)
               ? KC_OK
               : KC_ANSWER_MALFORMED;
}
