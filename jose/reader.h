/*
 * What the parts of the strict JSON reader share: the text still to be read, and its cursor.
 * Used by json.c, json_string.c and json_number.c.
 * Nothing here is for whoever only wants JSON read: that is json.h.
 */
#ifndef JOSE_READER_H
#define JOSE_READER_H

#include "common/status.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/* Takes one character if it comes next. */
static inline bool reader_take(struct reader *reader, char character)
{
    if (reader->at == reader->end || *reader->at != (uint8_t)character)
        return false;
    reader->at++;
    return true;
}

static inline bool reader_take_word(struct reader *reader, const char *word, size_t length)
{
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
        return false;
    reader->at += length;
    return true;
}

/* A string, decoded into the room; whoever asked gives the room back. KC_MALFORMED. */
enum kc_status reader_string(struct reader *reader, struct text *ret_text);

static inline bool text_has_nul(const struct text *text)
{
    return memchr(text->bytes, 0, text->length) != NULL;
}

/* A string or a number as a value. KC_MALFORMED, KC_TOO_LARGE, KC_NO_MEMORY. */
enum kc_status reader_string_value(struct reader *reader, struct json_object **ret_value);
enum kc_status reader_number(struct reader *reader, struct json_object **ret_value);

#endif
