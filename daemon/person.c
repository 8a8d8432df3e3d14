/*
 * A user of the realm as the Admin API tells of it, read and bounded.
 * Used by the directory. What of it becomes a passwd entry, passwd_entry.c decides.
 * Must never hold what the answer did not say in the type that it must have.
 */
#include "daemon/person.h"

#include "daemon/config.h"
#include "jose/json.h"

#include <json-c/json.h>
#include <string.h>

void person_free(struct person *person)
{
    if (!person)
        return;
    free(person->id);
    free(person->username);
    free(person->first_name);
    free(person->last_name);
    free(person->uid);
    free(person->gid);
    free(person->home);
    free(person->shell);
    for (size_t i = 0; person->keys && person->keys[i]; i++)
        free(person->keys[i]);
    free(person->keys);
    free(person);
}

static enum kc_status answer_status(enum kc_status status)
{
    return status == KC_NO_MEMORY ? status : KC_ANSWER_MALFORMED;
}

/* What one user has in an odd shape is that user's trouble alone. */
static enum kc_status attribute_status(enum kc_status status)
{
    return status == KC_OK || status == KC_NO_MEMORY ? status : KC_ENTRY_MALFORMED;
}

static enum kc_status copy(const char *text, char **ret_copy)
{
    *ret_copy = strdup(text);
    return *ret_copy ? KC_OK : KC_NO_MEMORY;
}

static enum kc_status read_text(
    const struct json_object *object, const char *name, size_t max, char **ret_text)
{
    const char *text;
    const enum kc_status status = jose_json_string(object, name, max, &text, NULL);
    return status == KC_OK ? copy(text, ret_text) : answer_status(status);
}

/* Keycloak counts characters, and this counts bytes: a longer name is one user's, and no Linux
 * name. */
static enum kc_status read_username(const struct json_object *object, char **ret_text)
{
    const char *text;
    const enum kc_status status =
        jose_json_string(object, "username", PERSON_NAME_MAX, &text, NULL);
    if (status == KC_TOO_LARGE)
        return KC_ENTRY_MALFORMED;
    return status == KC_OK ? copy(text, ret_text) : answer_status(status);
}

/* A text that may be absent or null. */
static enum kc_status read_optional(
    const struct json_object *object, const char *name, size_t max, char **ret_text)
{
    struct json_object *value;
    const enum kc_status status = jose_json_member(object, name, &value);
    if (status == KC_NOT_FOUND || (status == KC_OK && !value))
        return KC_OK;
    return attribute_status(
        status == KC_OK ? read_text(object, name, max, ret_text) : KC_ANSWER_MALFORMED);
}

/* The values of an attribute; NULL where there is none. */
static enum kc_status find_values(
    const struct json_object *attributes, const char *name, struct json_object **ret_values)
{
    enum kc_status status =
        attributes ? jose_json_array(attributes, name, ret_values) : KC_NOT_FOUND;
    if (status == KC_NOT_FOUND) {
        *ret_values = NULL;
        return KC_OK;
    }
    return attribute_status(status);
}

static enum kc_status copy_value(struct json_object *values, size_t index, char **ret_text)
{
    const char *text;
    const enum kc_status status =
        jose_json_text(json_object_array_get_idx(values, index), PERSON_ATTRIBUTE_MAX, &text, NULL);
    return status == KC_OK ? copy(text, ret_text) : attribute_status(status);
}

static enum kc_status read_attribute(
    const struct json_object *attributes, const char *name, char **ret_text)
{
    struct json_object *values;
    const enum kc_status status = find_values(attributes, name, &values);
    if (status != KC_OK || !values || json_object_array_length(values) == 0)
        return status;
    return copy_value(values, 0, ret_text);
}

/* Users may edit their own keys, which must not take their entry away: the first ones that fit. */
static enum kc_status read_keys(
    const struct json_object *attributes, const char *name, char ***ret_keys)
{
    struct json_object *values;
    enum kc_status status = find_values(attributes, name, &values);
    if (status != KC_OK || !values)
        return status;
    const size_t count = json_object_array_length(values);
    size_t taken = 0;
    *ret_keys = calloc(PERSON_KEYS_MAX + 1, sizeof **ret_keys);
    if (!*ret_keys)
        return KC_NO_MEMORY;
    for (size_t i = 0; i < count && taken < PERSON_KEYS_MAX && status != KC_NO_MEMORY; i++) {
        status = copy_value(values, i, &(*ret_keys)[taken]);
        taken += status == KC_OK;
    }
    return status == KC_NO_MEMORY ? status : KC_OK;
}

static enum kc_status read_attributes(const struct json_object *object,
    const struct config_directory *directory, struct person *person)
{
    struct json_object *attributes = NULL;
    enum kc_status status = jose_json_member(object, "attributes", &attributes);
    if (status == KC_NOT_FOUND || (status == KC_OK && !attributes))
        return KC_OK;
    if (status != KC_OK || jose_json_object(object, "attributes", &attributes) != KC_OK)
        return KC_ENTRY_MALFORMED;
    status = read_attribute(attributes, directory->uid_attribute, &person->uid);
    if (status == KC_OK)
        status = read_attribute(attributes, directory->gid_attribute, &person->gid);
    if (status == KC_OK)
        status = read_attribute(attributes, directory->home_attribute, &person->home);
    if (status == KC_OK)
        status = read_attribute(attributes, directory->shell_attribute, &person->shell);
    if (status == KC_OK)
        status = read_keys(attributes, directory->key_attribute, &person->keys);
    return status;
}

enum kc_status person_read(const struct json_object *object,
    const struct config_directory *directory, struct person **ret_person)
{
    PERSON_AUTO struct person *person = calloc(1, sizeof *person);
    if (!person)
        return KC_NO_MEMORY;
    enum kc_status status = read_text(object, "id", PERSON_ID_MAX, &person->id);
    if (status == KC_OK)
        status = read_username(object, &person->username);
    if (status == KC_OK && jose_json_bool(object, "enabled", &person->enabled) != KC_OK)
        status = KC_ANSWER_MALFORMED;
    if (status == KC_OK)
        status = read_optional(object, "firstName", PERSON_NAME_MAX, &person->first_name);
    if (status == KC_OK)
        status = read_optional(object, "lastName", PERSON_NAME_MAX, &person->last_name);
    if (status == KC_OK)
        status = read_attributes(object, directory, person);
    if (status != KC_OK)
        return status;
    *ret_person = KC_TAKE(person);
    return KC_OK;
}
