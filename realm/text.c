/*
 * Strings, JSON members and encodings as the demo realm needs them.
 * Used by every file of realm/ and by nothing else.
 * Never returns NULL for want of memory: a demo realm without memory ends.
 */
#include "realm/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static void *must(void *block)
{
    if (block == NULL) {
        fputs("kclogin-realm: out of memory\n", stderr);
        abort();
    }
    return block;
}

void *realm_text_room(size_t count, size_t size)
{
    return must(calloc(count ? count : 1, size ? size : 1));
}

void *realm_text_grow(void *block, size_t count, size_t size)
{
    return must(reallocarray(block, count ? count : 1, size));
}

char *realm_text_copy(const char *text)
{
    return must(strdup(text));
}

char *realm_text_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return must(length < 0 ? NULL : text);
}

char *realm_text_lower(const char *text)
{
    char *lower = realm_text_copy(text);
    for (unsigned char *c = (unsigned char *)lower; *c != '\0'; c++) {
        bool latin = c > (unsigned char *)lower && c[-1] == 0xc3;
        if ((*c >= 'A' && *c <= 'Z') || (latin && *c >= 0x80 && *c <= 0x9e && *c != 0x97))
            *c = (unsigned char)(*c + 0x20);
    }
    return lower;
}

bool realm_text_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static void random_bytes(void *bytes, size_t length)
{
    if (getrandom(bytes, length, 0) != (ssize_t)length) {
        fputs("kclogin-realm: no random bytes\n", stderr);
        abort();
    }
}

void realm_text_uuid(char ret_uuid[static 37])
{
    uint8_t b[16];
    random_bytes(b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(ret_uuid, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
        b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
        b[14], b[15]);
}

static char letter(unsigned value, const char *last_two)
{
    value &= 63;
    return value < 62 ? alphabet[value] : last_two[value - 62];
}

void realm_text_random(char *ret_text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t byte;
        random_bytes(&byte, 1);
        ret_text[i] = letter(byte, "-_");
    }
    ret_text[count] = '\0';
}

static char *encode(const uint8_t *bytes, size_t length, const char *last_two, bool padded)
{
    char *text = realm_text_room(length / 3 + 2, 4);
    size_t out = 0;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        unsigned group = (unsigned)bytes[i] << 16;
        if (left > 1)
            group |= (unsigned)bytes[i + 1] << 8;
        if (left > 2)
            group |= bytes[i + 2];
        text[out++] = letter(group >> 18, last_two);
        text[out++] = letter(group >> 12, last_two);
        if (left > 1 || padded)
            text[out++] = left > 1 ? letter(group >> 6, last_two) : '=';
        if (left > 2 || padded)
            text[out++] = left > 2 ? letter(group, last_two) : '=';
    }
    text[out] = '\0';
    return text;
}

char *realm_text_base64url(const void *bytes, size_t length)
{
    return encode(bytes, length, "-_", false);
}

char *realm_text_base64(const void *bytes, size_t length)
{
    return encode(bytes, length, "+/", true);
}

static int value_of(char c)
{
    if (c == '-' || c == '+')
        return 62;
    if (c == '_' || c == '/')
        return 63;
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

bool realm_text_decode(const char *text, size_t length, uint8_t **ret_bytes, size_t *ret_length)
{
    while (length > 0 && text[length - 1] == '=')
        length--;
    if (length % 4 == 1)
        return false;
    uint8_t *bytes = realm_text_room(length + 1, 1);
    size_t out = 0;
    unsigned group = 0, bits = 0;
    for (size_t i = 0; i < length; i++) {
        int value = value_of(text[i]);
        if (value < 0) {
            free(bytes);
            return false;
        }
        group = (group << 6 | (unsigned)value) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[out++] = (uint8_t)(group >> bits);
        }
    }
    *ret_bytes = bytes;
    *ret_length = out;
    return true;
}

struct json_object *realm_json_member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    if (json_object_is_type(object, json_type_object))
        json_object_object_get_ex(object, name, &value);
    return value;
}

const char *realm_json_text(struct json_object *object, const char *name, const char *otherwise)
{
    struct json_object *value = realm_json_member(object, name);
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : otherwise;
}

/* Keycloak writes the attributes of clients and the settings of mappers as "true" and "false". */
bool realm_json_flag(struct json_object *object, const char *name, bool otherwise)
{
    struct json_object *value = realm_json_member(object, name);
    if (json_object_is_type(value, json_type_string))
        return strcmp(json_object_get_string(value), "true") == 0;
    return json_object_is_type(value, json_type_boolean) ? json_object_get_boolean(value)
                                                         : otherwise;
}

int64_t realm_json_number(struct json_object *object, const char *name, int64_t otherwise)
{
    struct json_object *value = realm_json_member(object, name);
    if (json_object_is_type(value, json_type_int))
        return json_object_get_int64(value);
    if (json_object_is_type(value, json_type_string)) {
        char *end = NULL;
        const char *text = json_object_get_string(value);
        long long number = strtoll(text, &end, 10);
        return end != text && *end == '\0' ? number : otherwise;
    }
    return otherwise;
}

size_t realm_json_length(struct json_object *array)
{
    return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

void realm_json_put_text(struct json_object *object, const char *name, const char *value)
{
    json_object_object_add(object, name, must(json_object_new_string(value)));
}

void realm_json_put_number(struct json_object *object, const char *name, int64_t value)
{
    json_object_object_add(object, name, must(json_object_new_int64(value)));
}

void realm_json_put_flag(struct json_object *object, const char *name, bool value)
{
    json_object_object_add(object, name, must(json_object_new_boolean(value)));
}

void realm_json_cleanup(struct json_object **object)
{
    json_object_put(*object);
}
