/*
 * Strings of JSON (RFC 8259 section 7): escapes, surrogate pairs, UTF-8.
 * Used by json.c.
 * Must never take a sequence that is not UTF-8, nor give out a text that a NUL would cut short.
 */
#include "jose/reader.h"
#include "jose/unusable.h"

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
    if (high > 0xdbff || !reader_take_word(reader, "\\u", 2) || !take_hex(reader, &low) ||
        low < 0xdc00 || low > 0xdfff)
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

enum kc_status reader_string(struct reader *reader, struct text *ret_text)
{
    size_t start = reader->room_used;
    if (!reader_take(reader, '"'))
        return KC_MALFORMED;
    while (!reader_take(reader, '"')) {
        if (reader->at == reader->end)
            return KC_MALFORMED;
        if (!(reader_take(reader, '\\') ? take_escape(reader) : take_character(reader)))
            return KC_MALFORMED;
    }
    *ret_text = (struct text){(const char *)reader->room + start, reader->room_used - start};
    put(reader, 0);
    return KC_OK;
}

enum kc_status reader_string_value(struct reader *reader, struct json_object **ret_value)
{
    size_t mark = reader->room_used;
    struct text text;
    enum kc_status status = reader_string(reader, &text);
    if (status != KC_OK)
        return status;
    reader->room_used = mark;
    struct json_object *value = text_has_nul(&text)
                                    ? jose_unusable_new(KC_MALFORMED)
                                    : json_object_new_string_len(text.bytes, (int)text.length);
    if (!value)
        return KC_NO_MEMORY;
    *ret_value = value;
    return KC_OK;
}
