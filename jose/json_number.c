/*
 * Numbers of JSON (RFC 8259 section 6).
 * Used by json.c.
 * Must never round an integer that 64 bits hold, nor let a number become infinite.
 */
#include "jose/limits.h"
#include "jose/reader.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

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
    (void)reader_take(reader, '-');
    if (!reader_take(reader, '0') && !take_digits(reader))
        return false;
    if (reader_take(reader, '.')) {
        integer = false;
        if (!take_digits(reader))
            return false;
    }
    if (reader_take(reader, 'e') || reader_take(reader, 'E')) {
        integer = false;
        if (!reader_take(reader, '+'))
            (void)reader_take(reader, '-');
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

enum kc_status reader_number(struct reader *reader, struct json_object **ret_value)
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
