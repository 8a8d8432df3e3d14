/*
 * Claims made of the directory's answers, in the form that an access token has them.
 * Used by standing.c. Pure: no I/O.
 * Must never take a list of another form for an empty one.
 */
#include "daemon/standing_claims.h"

#include "jose/json.h"

#include <string.h>

#define GROUPS_MAX 2000u
#define ROLES_MAX 5000u
#define TEXT_MAX 4096u /* a path, a role's name */

/* Adds a member; the value goes with it, or is given back. */
static enum kc_status put(struct json_object *parent, const char *name, struct json_object *value)
{
    if (value && parent && json_object_object_add(parent, name, value) == 0)
        return KC_OK;
    json_object_put(value);
    return KC_NO_MEMORY;
}

/* The object at `name`, made where it is not there. NULL: no memory. */
static struct json_object *object_at(struct json_object *parent, const char *name)
{
    if (!json_object_object_get(parent, name) &&
        put(parent, name, json_object_new_object()) != KC_OK)
        return NULL;
    return json_object_object_get(parent, name);
}

static enum kc_status append(struct json_object *array, const char *text)
{
    struct json_object *value = json_object_new_string(text);
    if (value && json_object_array_add(array, value) == 0)
        return KC_OK;
    json_object_put(value);
    return KC_NO_MEMORY;
}

/* Takes the text `member` of each object of `list` into `array`. */
static enum kc_status collect(
    struct json_object *array, const struct json_object *list, const char *member, size_t max)
{
    if (!json_object_is_type(list, json_type_array))
        return KC_ANSWER_MALFORMED;
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        const char *text;
        if (json_object_array_length(array) >= max)
            return KC_ANSWER_TOO_LARGE;
        if (jose_json_string(json_object_array_get_idx(list, i), member, TEXT_MAX, &text, NULL) !=
            KC_OK)
            return KC_ANSWER_MALFORMED;
        const enum kc_status status = append(array, text);
        if (status != KC_OK)
            return status;
    }
    return KC_OK;
}

/* {"roles": [...]} at `name`. */
static enum kc_status put_roles(
    struct json_object *parent, const char *name, const struct json_object *list)
{
    JOSE_AUTO_JSON struct json_object *roles = json_object_new_array();
    if (!roles)
        return KC_NO_MEMORY;
    const enum kc_status status = collect(roles, list, "name", ROLES_MAX);
    return status == KC_OK ? put(object_at(parent, name), "roles", KC_TAKE(roles)) : status;
}

enum kc_status standing_claims_new(struct json_object **ret_claims)
{
    JOSE_AUTO_JSON struct json_object *claims = json_object_new_object();
    if (!claims)
        return KC_NO_MEMORY;
    const enum kc_status status = put(claims, "groups", json_object_new_array());
    if (status == KC_OK)
        *ret_claims = KC_TAKE(claims);
    return status;
}

enum kc_status standing_claims_add_groups(struct json_object *claims, const struct json_object *list)
{
    return collect(json_object_object_get(claims, "groups"), list, "path", GROUPS_MAX);
}

enum kc_status standing_claims_put_realm_roles(struct json_object *claims, const struct json_object *list)
{
    return put_roles(claims, "realm_access", list);
}

enum kc_status standing_claims_put_client_roles(
    struct json_object *claims, const char *client, const struct json_object *list)
{
    struct json_object *access = object_at(claims, "resource_access");
    return access ? put_roles(access, client, list) : KC_NO_MEMORY;
}
