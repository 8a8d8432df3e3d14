/*
 * The strict JSON reader: RFC 8259 and nothing beside it, building json-c's tree in one pass.
 * Used through json.h by whoever takes JSON from outside.
 * Must never read past the text, recurse past the limit, or let a value change its type or length.
 */
#include "jose/json.h"

#include "common/secret.h"
#include "jose/limits.h"
#include "jose/unusable.h"

#include <locale.h>
#include <math.h>
#include <string.h>

const struct jose_json_limits jose_json_token_limits = {
    JOSE_TOKEN_BYTES, JOSE_JSON_DEPTH, JOSE_JSON_VALUES};
const struct jose_json_limits jose_json_jwks_limits = {
    JOSE_JWKS_BYTES, JOSE_JSON_DEPTH, JOSE_JSON_VALUES};
const struct jose_json_limits jose_json_answer_limits = {
    JOSE_ANSWER_BYTES, JOSE_JSON_DEPTH, JOSE_JSON_VALUES};

/*
 * The text still to be read, and the room for decoded strings. A string is never longer decoded
 * than spelled, and the NUL behind a name fits in the place of its quotes: so the room is as large
 * as the text, used as a stack (a name stays while its value is read).
 */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    unsigned depth_left;
    unsigned values_left;
    uint8_t *room;
    size_t room_used;
};

/* A decoded string in the reader's room; a NUL stands behind it. */
struct text {
    const char *bytes;
    size_t length;
};

static enum kc_status read_value(struct reader *reader, struct json_object **ret_value);

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' ||
                                           *reader->at == '\n' || *reader->at == '\r'))
        reader->at++;
}

/* Takes one character if it comes next. */
static bool take(struct reader *reader, char character)
{
    if (reader->at == reader->end || *reader->at != (uint8_t)character)
        return false;
    reader->at++;
    return true;
}

static bool take_word(struct reader *reader, const char *word, size_t length)
{
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
        return false;
    reader->at += length;
    return true;
}

/* --- strings ------------------------------------------------------------------------------ */

static int hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* The four digits of \uXXXX; false where one is missing. */
static bool take_hex(struct reader *reader, uint32_t *ret_unit)
{
    uint32_t unit = 0;
    if (reader->end - reader->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int value = hex_value(*reader->at++);
        if (value < 0)
            return false;
        unit = unit << 4 | (uint32_t)value;
    }
    *ret_unit = unit;
    return true;
}

/* The code point behind \u: a pair of surrogates is one, a lone surrogate is none. */
static bool take_unicode(struct reader *reader, uint32_t *ret_point)
{
    uint32_t high, low;
    if (!take_hex(reader, &high))
        return false;
    if (high < 0xd800 || high > 0xdfff) {
        *ret_point = high;
        return true;
    }
    if (high > 0xdbff || !take_word(reader, "\\u", 2) || !take_hex(reader, &low) || low < 0xdc00 ||
        low > 0xdfff)
        return false;
    *ret_point = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

static void put(struct reader *reader, uint32_t byte)
{
    reader->room[reader->room_used++] = (uint8_t)byte;
}

static void put_point(struct reader *reader, uint32_t point)
{
    if (point < 0x80) {
        put(reader, point);
        return;
    }
    if (point < 0x800) {
        put(reader, 0xc0 | point >> 6);
    } else {
        if (point < 0x10000) {
            put(reader, 0xe0 | point >> 12);
        } else {
            put(reader, 0xf0 | point >> 18);
            put(reader, 0x80 | (point >> 12 & 0x3f));
        }
        put(reader, 0x80 | (point >> 6 & 0x3f));
    }
    put(reader, 0x80 | (point & 0x3f));
}

/* What stands behind a backslash. */
static bool take_escape(struct reader *reader)
{
    static const char spelled[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (reader->at == reader->end)
        return false;
    uint8_t letter = *reader->at++;
    uint32_t point;
    if (letter == 'u') {
        if (!take_unicode(reader, &point))
            return false;
        put_point(reader, point);
        return true;
    }
    const char *found = letter ? strchr(spelled, letter) : NULL;
    if (!found)
        return false;
    put(reader, (uint8_t)meant[found - spelled]);
    return true;
}

/*
 * Bytes of the well-formed UTF-8 sequence at a byte over 0x7f (the table of RFC 3629 section 4: no
 * overlong form, no surrogate, nothing above U+10FFFF); 0 where there is none.
 */
static size_t sequence_length(const uint8_t *at, size_t left)
{
    uint8_t first = at[0], low = 0x80, high = 0xbf;
    size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first < 0xc2 || first > 0xf4 || left < length)
        return 0;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

/* One character of a string that is neither its end nor an escape. */
static bool take_character(struct reader *reader)
{
    uint8_t first = *reader->at;
    if (first < 0x20)
        return false;
    size_t length =
        first < 0x80 ? 1 : sequence_length(reader->at, (size_t)(reader->end - reader->at));
    if (!length)
        return false;
    memcpy(reader->room + reader->room_used, reader->at, length);
    reader->room_used += length;
    reader->at += length;
    return true;
}

/* A string, decoded into the room; whoever asked gives the room back. */
static enum kc_status read_string(struct reader *reader, struct text *ret_text)
{
    size_t start = reader->room_used;
    if (!take(reader, '"'))
        return KC_MALFORMED;
    while (!take(reader, '"')) {
        if (reader->at == reader->end)
            return KC_MALFORMED;
        if (!(take(reader, '\\') ? take_escape(reader) : take_character(reader)))
            return KC_MALFORMED;
    }
    *ret_text = (struct text){(const char *)reader->room + start, reader->room_used - start};
    put(reader, 0);
    return KC_OK;
}

static bool has_nul(const struct text *text)
{
    return memchr(text->bytes, 0, text->length) != NULL;
}

static enum kc_status read_string_value(struct reader *reader, struct json_object **ret_value)
{
    size_t mark = reader->room_used;
    struct text text;
    enum kc_status status = read_string(reader, &text);
    if (status != KC_OK)
        return status;
    reader->room_used = mark;
    struct json_object *value = has_nul(&text)
                                    ? jose_unusable_new(KC_MALFORMED)
                                    : json_object_new_string_len(text.bytes, (int)text.length);
    if (!value)
        return KC_NO_MEMORY;
    *ret_value = value;
    return KC_OK;
}

/* --- numbers ------------------------------------------------------------------------------ */

static size_t take_digits(struct reader *reader)
{
    const uint8_t *start = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
        reader->at++;
    return (size_t)(reader->at - start);
}

/* Walks over a number's grammar (RFC 8259 section 6); says whether it is spelled as an integer. */
static bool take_number(struct reader *reader, bool *ret_integer)
{
    bool integer = true;
    (void)take(reader, '-');
    if (!take(reader, '0') && !take_digits(reader))
        return false;
    if (take(reader, '.')) {
        integer = false;
        if (!take_digits(reader))
            return false;
    }
    if (take(reader, 'e') || take(reader, 'E')) {
        integer = false;
        if (!take(reader, '+'))
            (void)take(reader, '-');
        if (!take_digits(reader))
            return false;
    }
    *ret_integer = integer;
    return true;
}

/* The value of [-]digits, counted downwards since that way reaches farther; false: over 64 bits. */
static bool integer_value(const char *spelled, int64_t *ret_value)
{
    bool negative = *spelled == '-';
    int64_t value = 0;
    for (const char *digit = spelled + negative; *digit; digit++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, *digit - '0', &value))
            return false;
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value))
        return false;
    *ret_value = value;
    return true;
}

/* The nearest double, whatever the process's locale; KC_MALFORMED where it would be infinite. */
static enum kc_status double_value(const char *spelled, double *ret_value)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain)
        return KC_NO_MEMORY;
    double value = strtod_l(spelled, NULL, plain);
    freelocale(plain);
    if (!isfinite(value))
        return KC_MALFORMED;
    *ret_value = value;
    return KC_OK;
}

static enum kc_status read_number(struct reader *reader, struct json_object **ret_value)
{
    const uint8_t *start = reader->at;
    bool is_integer = false;
    if (!take_number(reader, &is_integer))
        return KC_MALFORMED;
    char spelled[JOSE_JSON_NUMBER + 1];
    size_t length = (size_t)(reader->at - start);
    if (length > JOSE_JSON_NUMBER)
        return KC_TOO_LARGE;
    memcpy(spelled, start, length);
    spelled[length] = 0;
    int64_t integer = 0;
    double real = 0;
    struct json_object *value;
    if (is_integer && integer_value(spelled, &integer)) {
        value = json_object_new_int64(integer);
    } else {
        enum kc_status status = double_value(spelled, &real);
        if (status != KC_OK)
            return status;
        value = json_object_new_double(real);
    }
    if (!value)
        return KC_NO_MEMORY;
    *ret_value = value;
    return KC_OK;
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
    if (take(reader, ']'))
        return KC_OK;
    for (;;) {
        enum kc_status status = read_element(reader, array);
        if (status != KC_OK)
            return status;
        skip_space(reader);
        if (take(reader, ']'))
            return KC_OK;
        if (!take(reader, ','))
            return KC_MALFORMED;
    }
}

/* Puts a value under a name; where the name is taken already, neither value can be used. */
static enum kc_status put_member(
    struct json_object *object, const struct text *name, struct json_object *owned_value)
{
    JOSE_AUTO_JSON struct json_object *value = owned_value;
    if (has_nul(name))
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
    enum kc_status status = read_string(reader, &name);
    if (status != KC_OK)
        return status;
    skip_space(reader);
    if (!take(reader, ':'))
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
    if (take(reader, '}'))
        return KC_OK;
    for (;;) {
        enum kc_status status = read_member(reader, object);
        if (status != KC_OK)
            return status;
        skip_space(reader);
        if (take(reader, '}'))
            return KC_OK;
        if (!take(reader, ','))
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
    if (!(flag ? take_word(reader, "true", 4) : take_word(reader, "false", 5)))
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
        return read_string_value(reader, ret_value);
    case '[':
    case '{':
        return read_nested(reader, *reader->at++ == '[', ret_value);
    case 't':
    case 'f':
        return read_boolean(reader, *reader->at == 't', ret_value);
    case 'n':
        *ret_value = NULL;
        return take_word(reader, "null", 4) ? KC_OK : KC_MALFORMED;
    default:
        return read_number(reader, ret_value);
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
