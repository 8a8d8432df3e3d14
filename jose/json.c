/*
 * The strict JSON reader: RFC 8259 and nothing beside it, building json-c's tree in one pass.
 * Used through json.h by whoever takes JSON from outside.
 * Must never read past the text, recurse past the limit, or let a value change its type or length.
 */
#include "jose/json.h"

#include "common/secret.h"
#include "jose/limits.h"
#include "jose/reader.h"
#include "jose/unusable.h"

const struct jose_json_limits jose_json_token_limits = {
    JOSE_TOKEN_BYTES, JOSE_JSON_DEPTH, JOSE_JSON_VALUES};
const struct jose_json_limits jose_json_jwks_limits = {
    JOSE_JWKS_BYTES, JOSE_JSON_DEPTH, JOSE_JSON_VALUES};
const struct jose_json_limits jose_json_answer_limits = {
    JOSE_ANSWER_BYTES, JOSE_JSON_DEPTH, JOSE_JSON_VALUES};

static enum kc_status read_value(struct reader *reader, struct json_object **ret_value);

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' ||
                                           *reader->at == '\n' || *reader->at == '\r'))
        reader->at++;
}

/* --- arrays and objects ------------------------------------------------------------------- */

static enum kc_status read_element(struct reader *reader, struct json_object *array)
{
    JOSE_AUTO_JSON struct json_object *value = NULL;
    enum kc_status status = read_value(reader, &value);
    if (status != KC_OK)
        return status;
    if (json_object_array_add(array, value) != 0)
        return KC_NO_MEMORY;
    (void)KC_TAKE(value);
    return KC_OK;
}

static enum kc_status read_array(struct reader *reader, struct json_object *array)
{
    skip_space(reader);
    if (reader_take(reader, ']'))
        return KC_OK;
    for (;;) {
        enum kc_status status = read_element(reader, array);
        if (status != KC_OK)
            return status;
        skip_space(reader);
        if (reader_take(reader, ']'))
            return KC_OK;
        if (!reader_take(reader, ','))
            return KC_MALFORMED;
    }
}

/* Puts a value under a name; where the name is taken already, neither value can be used. */
static enum kc_status put_member(
    struct json_object *object, const struct text *name, struct json_object *owned_value)
{
    JOSE_AUTO_JSON struct json_object *value = owned_value;
    if (text_has_nul(name))
        return KC_OK;
    int before = json_object_object_length(object);
    if (json_object_object_add(object, name->bytes, value) != 0)
        return KC_NO_MEMORY;
    (void)KC_TAKE(value);
    if (json_object_object_length(object) != before)
        return KC_OK;
    value = jose_unusable_new(KC_TOKEN_DUPLICATE_MEMBER);
    if (!value || json_object_object_add(object, name->bytes, value) != 0)
        return KC_NO_MEMORY;
    (void)KC_TAKE(value);
    return KC_OK;
}

static enum kc_status read_member(struct reader *reader, struct json_object *object)
{
    size_t mark = reader->room_used;
    struct text name;
    skip_space(reader);
    enum kc_status status = reader_string(reader, &name);
    if (status != KC_OK)
        return status;
    skip_space(reader);
    if (!reader_take(reader, ':'))
        return KC_MALFORMED;
    struct json_object *value = NULL;
    status = read_value(reader, &value);
    if (status == KC_OK)
        status = put_member(object, &name, value);
    reader->room_used = mark;
    return status;
}

static enum kc_status read_object(struct reader *reader, struct json_object *object)
{
    skip_space(reader);
    if (reader_take(reader, '}'))
        return KC_OK;
    for (;;) {
        enum kc_status status = read_member(reader, object);
        if (status != KC_OK)
            return status;
        skip_space(reader);
        if (reader_take(reader, '}'))
            return KC_OK;
        if (!reader_take(reader, ','))
            return KC_MALFORMED;
    }
}

/* An array or an object, behind its opening bracket. */
static enum kc_status read_nested(
    struct reader *reader, bool is_array, struct json_object **ret_value)
{
    if (!reader->depth_left)
        return KC_TOO_LARGE;
    JOSE_AUTO_JSON struct json_object *value =
        is_array ? json_object_new_array_ext(4) : json_object_new_object();
    if (!value)
        return KC_NO_MEMORY;
    reader->depth_left--;
    enum kc_status status = is_array ? read_array(reader, value) : read_object(reader, value);
    reader->depth_left++;
    if (status == KC_OK)
        *ret_value = KC_TAKE(value);
    return status;
}

/* --- values ------------------------------------------------------------------------------- */

static enum kc_status read_boolean(
    struct reader *reader, json_bool flag, struct json_object **ret_value)
{
    if (!(flag ? reader_take_word(reader, "true", 4) : reader_take_word(reader, "false", 5)))
        return KC_MALFORMED;
    struct json_object *value = json_object_new_boolean(flag);
    if (!value)
        return KC_NO_MEMORY;
    *ret_value = value;
    return KC_OK;
}

static enum kc_status read_value(struct reader *reader, struct json_object **ret_value)
{
    if (!reader->values_left)
        return KC_TOO_LARGE;
    reader->values_left--;
    skip_space(reader);
    if (reader->at == reader->end)
        return KC_MALFORMED;
    switch (*reader->at) {
    case '"':
        return reader_string_value(reader, ret_value);
    case '[':
    case '{':
        return read_nested(reader, *reader->at++ == '[', ret_value);
    case 't':
    case 'f':
        return read_boolean(reader, *reader->at == 't', ret_value);
    case 'n':
        *ret_value = NULL;
        return reader_take_word(reader, "null", 4) ? KC_OK : KC_MALFORMED;
    default:
        return reader_number(reader, ret_value);
    }
}

enum kc_status jose_json_parse(const void *bytes, size_t length,
    const struct jose_json_limits *limits, struct json_object **ret_value)
{
    if (length > limits->bytes || limits->bytes > INT32_MAX || limits->depth > JOSE_JSON_DEPTH)
        return KC_TOO_LARGE;
    if (!length)
        return KC_MALFORMED;
    struct reader reader = {
        .at = bytes,
        .end = (const uint8_t *)bytes + length,
        .depth_left = limits->depth,
        .values_left = limits->values,
        .room = malloc(length),
    };
    if (!reader.room)
        return KC_NO_MEMORY;
    JOSE_AUTO_JSON struct json_object *value = NULL;
    enum kc_status status = read_value(&reader, &value);
    skip_space(&reader);
    if (status == KC_OK && reader.at != reader.end)
        status = KC_MALFORMED;
    kc_wipe(reader.room, length);
    free(reader.room);
    if (status == KC_OK)
        *ret_value = KC_TAKE(value);
    return status;
}

enum kc_status jose_json_parse_object(const void *bytes, size_t length,
    const struct jose_json_limits *limits, struct json_object **ret_object)
{
    JOSE_AUTO_JSON struct json_object *value = NULL;
    enum kc_status status = jose_json_parse(bytes, length, limits, &value);
    if (status != KC_OK)
        return status;
    if (!json_object_is_type(value, json_type_object))
        return KC_MALFORMED;
    *ret_object = KC_TAKE(value);
    return KC_OK;
}
