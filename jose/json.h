/*
 * The strict JSON reader (RFC 8259) that stands in front of json-c, and typed access to members.
 * Used by jose/ for tokens and keys, by daemon/ for every answer of the realm, by cli/.
 * json-c's own parser never sees a byte from outside, and no value changes its type on the way.
 *
 * What the reader refuses: anything RFC 8259 does not allow, a byte order mark, UTF-8 that is not
 * valid, a lone surrogate, a number that no double holds (1e400), trailing bytes, and whatever
 * passes a limit.
 * What it takes, but lets nobody use: a member that its object names twice, a string with an
 * escaped NUL. In the tree a foreign value stands in their place (an empty object, whatever the
 * type was), which the functions below tell apart: so read members through them. A member whose
 * NAME holds a NUL is not in the tree, since nobody can ask for it.
 */
#ifndef JOSE_JSON_H
#define JOSE_JSON_H

#include "common/cleanup.h"
#include "common/status.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jose_json_limits {
    size_t bytes;
    unsigned depth;  /* of arrays and objects; a scalar has depth 0; at most JOSE_JSON_DEPTH */
    unsigned values; /* scalars, arrays and objects, all counted */
};

extern const struct jose_json_limits jose_json_token_limits;  /* a JOSE header, a claims set */
extern const struct jose_json_limits jose_json_jwks_limits;   /* a JWKS document */
extern const struct jose_json_limits jose_json_answer_limits; /* any other answer of the realm */

/*
 * Reads one JSON text, any value. *ret_value is the caller's (json_object_put, or jose_json_wipe
 * where the text held a secret); the text `null` gives KC_OK and NULL, as json-c has it.
 * KC_MALFORMED, KC_TOO_LARGE (a limit), KC_NO_MEMORY.
 */
enum kc_status jose_json_parse(const void *bytes, size_t length,
    const struct jose_json_limits *limits, struct json_object **ret_value);

/* The same for a text that must be an object; another value is KC_MALFORMED. */
enum kc_status jose_json_parse_object(const void *bytes, size_t length,
    const struct jose_json_limits *limits, struct json_object **ret_object);

/*
 * A member of an object, borrowed; JSON's null gives KC_OK and NULL.
 * KC_NOT_FOUND: no such member. KC_TOKEN_DUPLICATE_MEMBER: the object names it twice.
 * KC_MALFORMED: `object` is not an object, or the member is a string with a NUL in it.
 */
enum kc_status jose_json_member(
    const struct json_object *object, const char *name, struct json_object **ret_value);

/*
 * Typed members, borrowed. As jose_json_member, and KC_MALFORMED where the type is another one
 * (null included): "123" is not a number, 1 is not true.
 */

/* Text without a NUL, of at most `max` bytes (KC_TOO_LARGE); NUL-terminated, ret_length may be
 * NULL. */
enum kc_status jose_json_string(const struct json_object *object, const char *name, size_t max,
    const char **ret_text, size_t *ret_length);

/* A whole number between -2^53 and 2^53 (RFC 8259 section 6), also when spelled 1e3 or 5.0. */
enum kc_status jose_json_int64(
    const struct json_object *object, const char *name, int64_t *ret_number);

/* A NumericDate (RFC 7519 section 2): seconds from 0 to 2^53, a fraction is cut off. */
enum kc_status jose_json_time(
    const struct json_object *object, const char *name, int64_t *ret_seconds);

enum kc_status jose_json_bool(const struct json_object *object, const char *name, bool *ret_flag);

enum kc_status jose_json_array(
    const struct json_object *object, const char *name, struct json_object **ret_array);

enum kc_status jose_json_object(
    const struct json_object *object, const char *name, struct json_object **ret_object);

/* Adds a member, in the place of one of that name. `text` is copied. KC_NO_MEMORY. */
enum kc_status jose_json_add_text(struct json_object *object, const char *name, const char *text);

/*
 * A value at hand (an array's element, a member) as text: KC_MALFORMED where it is no string, or
 * one with a NUL; KC_TOO_LARGE where it is longer than `max` bytes. ret_length may be NULL.
 */
enum kc_status jose_json_text(
    struct json_object *value, size_t max, const char **ret_text, size_t *ret_length);

/* Gives a tree back and wipes the text of its strings first (no other reference may exist). */
void jose_json_wipe(struct json_object *value);

static inline void jose_json_cleanup(struct json_object **value)
{
    json_object_put(*value);
}

static inline void jose_json_cleanup_wipe(struct json_object **value)
{
    jose_json_wipe(*value);
}

#define JOSE_AUTO_JSON KC_CLEANUP(jose_json_cleanup)
#define JOSE_AUTO_JSON_WIPE KC_CLEANUP(jose_json_cleanup_wipe)

#endif
