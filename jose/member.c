/*
 * Typed access to members of a JSON object, and giving a tree back.
 * Used through json.h by whoever decides something on JSON.
 * Must never convert a type, cut a text short, or use a member that stands there twice.
 */
#include "jose/json.h"

#include "common/secret.h"
#include "jose/unusable.h"

#include <json-c/json_object_iterator.h>
#include <string.h>

#define WHOLE_MAX (INT64_C(1) << 53) /* beyond it a double skips integers */

enum kc_status jose_json_member(
    const struct json_object *object, const char *name, struct json_object **ret_value)
{
    struct json_object *value = NULL;
    if (!json_object_is_type(object, json_type_object))
        return KC_MALFORMED;
    if (!json_object_object_get_ex(object, name, &value))
        return KC_NOT_FOUND;
    enum kc_status status = jose_unusable_why(value);
    if (status == KC_OK)
        *ret_value = value;
    return status;
}

/* A member that must have one of two types. */
static enum kc_status typed_member(const struct json_object *object, const char *name,
    enum json_type type, enum json_type or_type, struct json_object **ret_value)
{
    struct json_object *value = NULL;
    enum kc_status status = jose_json_member(object, name, &value);
    if (status != KC_OK)
        return status;
    if (!value || !(json_object_is_type(value, type) || json_object_is_type(value, or_type)))
        return KC_MALFORMED;
    *ret_value = value;
    return KC_OK;
}

enum kc_status jose_json_text(
    struct json_object *value, size_t max, const char **ret_text, size_t *ret_length)
{
    if (!value || !json_object_is_type(value, json_type_string))
        return KC_MALFORMED;
    size_t length = (size_t)json_object_get_string_len(value);
    const char *text = json_object_get_string(value);
    if (memchr(text, 0, length))
        return KC_MALFORMED;
    if (length > max)
        return KC_TOO_LARGE;
    *ret_text = text;
    if (ret_length)
        *ret_length = length;
    return KC_OK;
}

enum kc_status jose_json_string(const struct json_object *object, const char *name, size_t max,
    const char **ret_text, size_t *ret_length)
{
    struct json_object *value = NULL;
    enum kc_status status = jose_json_member(object, name, &value);
    return status == KC_OK ? jose_json_text(value, max, ret_text, ret_length) : status;
}

/* A number, cut to a whole one; whether anything was cut. */
static enum kc_status number_member(
    const struct json_object *object, const char *name, int64_t *ret_number, bool *ret_cut)
{
    struct json_object *value = NULL;
    enum kc_status status = typed_member(object, name, json_type_int, json_type_double, &value);
    if (status != KC_OK)
        return status;
    if (json_object_is_type(value, json_type_int)) {
        int64_t number = json_object_get_int64(value);
        if (number < -WHOLE_MAX || number > WHOLE_MAX)
            return KC_MALFORMED;
        *ret_number = number;
        *ret_cut = false;
        return KC_OK;
    }
    double real = json_object_get_double(value);
    if (!(real >= (double)-WHOLE_MAX && real <= (double)WHOLE_MAX))
        return KC_MALFORMED;
    *ret_number = (int64_t)real;
    *ret_cut = (double)*ret_number != real;
    return KC_OK;
}

enum kc_status jose_json_int64(
    const struct json_object *object, const char *name, int64_t *ret_number)
{
    int64_t number;
    bool cut;
    enum kc_status status = number_member(object, name, &number, &cut);
    if (status != KC_OK)
        return status;
    if (cut)
        return KC_MALFORMED;
    *ret_number = number;
    return KC_OK;
}

enum kc_status jose_json_time(
    const struct json_object *object, const char *name, int64_t *ret_seconds)
{
    int64_t seconds;
    bool cut;
    enum kc_status status = number_member(object, name, &seconds, &cut);
    if (status != KC_OK)
        return status;
    if (seconds < 0)
        return KC_MALFORMED;
    *ret_seconds = seconds;
    return KC_OK;
}

enum kc_status jose_json_bool(const struct json_object *object, const char *name, bool *ret_flag)
{
    struct json_object *value = NULL;
    enum kc_status status =
        typed_member(object, name, json_type_boolean, json_type_boolean, &value);
    if (status == KC_OK)
        *ret_flag = json_object_get_boolean(value);
    return status;
}

enum kc_status jose_json_array(
    const struct json_object *object, const char *name, struct json_object **ret_array)
{
    return typed_member(object, name, json_type_array, json_type_array, ret_array);
}

enum kc_status jose_json_object(
    const struct json_object *object, const char *name, struct json_object **ret_object)
{
    return typed_member(object, name, json_type_object, json_type_object, ret_object);
}

enum kc_status jose_json_add_text(struct json_object *object, const char *name, const char *text)
{
    JOSE_AUTO_JSON struct json_object *value = json_object_new_string(text);
    if (!value || json_object_object_add(object, name, value) != 0)
        return KC_NO_MEMORY;
    (void)KC_TAKE(value);
    return KC_OK;
}

/* Overwrites the text of every string of a tree; a tree's depth is the reader's limit. */
static void wipe_strings(struct json_object *value)
{
    if (json_object_is_type(value, json_type_string)) {
        kc_wipe((void *)(uintptr_t)json_object_get_string(value),
            (size_t)json_object_get_string_len(value));
    } else if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++)
            wipe_strings(json_object_array_get_idx(value, i));
    } else if (json_object_is_type(value, json_type_object)) {
        struct json_object_iterator at = json_object_iter_begin(value);
        struct json_object_iterator end = json_object_iter_end(value);
        for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
            wipe_strings(json_object_iter_peek_value(&at));
    }
}

void jose_json_wipe(struct json_object *value)
{
    wipe_strings(value);
    json_object_put(value);
}
