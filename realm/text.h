/*
 * Strings, JSON members and encodings as the demo realm needs them.
 * Used by every file of realm/ and by nothing else.
 * Never returns NULL for want of memory: a demo realm without memory ends.
 */
#ifndef REALM_TEXT_H
#define REALM_TEXT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed memory for `count` things of `size` bytes. */
void *realm_text_room(size_t count, size_t size) __attribute__((returns_nonnull));

/* The block grown to `count` things of `size` bytes. */
void *realm_text_grow(void *block, size_t count, size_t size) __attribute__((returns_nonnull));

char *realm_text_copy(const char *text);
char *realm_text_format(const char *format, ...)
    __attribute__((format(printf, 1, 2), returns_nonnull));

/* In lower case, as Keycloak keeps user names: letters of ASCII and Latin-1. The caller frees. */
char *realm_text_lower(const char *text);

/* Whether two texts are the same bytes; NULL is like nothing. */
bool realm_text_same(const char *a, const char *b);

/* A random UUID of version 4, as text. */
void realm_text_uuid(char ret_uuid[static 37]);

/* `count` random characters of the base64url alphabet and a NUL. */
void realm_text_random(char *ret_text, size_t count);

/* base64url without padding; the caller frees. */
char *realm_text_base64url(const void *bytes, size_t length);

/* base64 with padding, for x5c; the caller frees. */
char *realm_text_base64(const void *bytes, size_t length);

/*
 * Decodes base64url or base64, padded or not. The result has a NUL behind it that is not counted;
 * the caller frees. Returns false on any other character.
 */
bool realm_text_decode(const char *text, size_t length, uint8_t **ret_bytes, size_t *ret_length);

/* Members of JSON objects; `otherwise` where absent or of another type. */
const char *realm_json_text(struct json_object *object, const char *name, const char *otherwise);
bool realm_json_flag(struct json_object *object, const char *name, bool otherwise);
int64_t realm_json_number(struct json_object *object, const char *name, int64_t otherwise);
struct json_object *realm_json_member(struct json_object *object, const char *name);

/* An array's length; 0 for anything else. */
size_t realm_json_length(struct json_object *array);

void realm_json_put_text(struct json_object *object, const char *name, const char *value);
void realm_json_put_number(struct json_object *object, const char *name, int64_t value);
void realm_json_put_flag(struct json_object *object, const char *name, bool value);
void realm_json_cleanup(struct json_object **object);

#define REALM_AUTO_JSON __attribute__((cleanup(realm_json_cleanup)))

#endif
