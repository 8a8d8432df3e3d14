/*
 * Base64url as JOSE uses it (RFC 4648 section 5 without padding) and padded base64 for HTTP Basic.
 * Used by jose/ for tokens and keys, by daemon/ for client authentication and handles, by ssh_key.c.
 * The decoder takes one spelling of each byte string and no other.
 */
#ifndef KC_BASE64_H
#define KC_BASE64_H

#include "common/status.h"

#include <stddef.h>
#include <stdint.h>

/* Characters that `length` bytes become: base64url without padding, base64 with it. No NUL counted.
 */
static inline size_t kc_base64url_encoded_length(size_t length)
{
    return length / 3 * 4 + (length % 3 ? length % 3 + 1 : 0);
}

static inline size_t kc_base64_encoded_length(size_t length)
{
    return (length + 2) / 3 * 4;
}

/* Bytes that `length` characters of base64url become; an upper bound where the text is malformed.
 */
static inline size_t kc_base64url_decoded_length(size_t length)
{
    return length / 4 * 3 + (length % 4 ? length % 4 - 1 : 0);
}

/*
 * Encodes `length` bytes as base64url without padding and ends them with a NUL, which `capacity`
 * counts too. KC_TOO_LARGE where they do not fit; nothing is written then.
 */
enum kc_status kc_base64url_encode(
    const void *bytes, size_t length, char *ret_text, size_t capacity);

/* The same with the standard alphabet and padding (RFC 4648 section 4). */
enum kc_status kc_base64_encode(const void *bytes, size_t length, char *ret_text, size_t capacity);

/*
 * Decodes base64url. Strict (RFC 4648 sections 3.3 and 3.5, RFC 7515 section 2): no padding, no
 * white space, no foreign character, no length of 4n + 1, unused trailing bits are zero.
 * KC_MALFORMED, or KC_TOO_LARGE where `capacity` bytes do not hold the result. On failure the
 * bytes behind ret_bytes are unspecified and *ret_length is untouched.
 */
enum kc_status kc_base64url_decode(
    const char *text, size_t length, uint8_t *ret_bytes, size_t capacity, size_t *ret_length);

/* The same with the standard alphabet and its padding, which must be there. */
enum kc_status kc_base64_decode(
    const char *text, size_t length, uint8_t *ret_bytes, size_t capacity, size_t *ret_length);

#endif
