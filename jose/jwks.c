/*
 * A set of signature keys from a JWKS document.
 * Used by daemon/, cli/ and jws.c.
 * Must never hold a key that the document does not offer for signatures.
 */
#include "jose/jwks.h"

#include "jose/json.h"
#include "jose/limits.h"

#include <string.h>

struct jose_jwks {
    unsigned holders;
    size_t count;
    size_t skipped;
    struct jose_jwk keys[JOSE_JWKS_KEYS];
};

/* Only memory ends the reading of a set: a bad key is one key less. */
static enum kc_status read_keys(struct jose_jwks *jwks, const struct json_object *keys)
{
    size_t offered = json_object_array_length(keys);
    if (offered > JOSE_JWKS_KEYS)
        return KC_TOO_LARGE;
    for (size_t i = 0; i < offered; i++) {
        const struct json_object *key = json_object_array_get_idx(keys, i);
        if (!json_object_is_type(key, json_type_object))
            return KC_MALFORMED;
        enum kc_status status = jose_jwk_read(key, &jwks->keys[jwks->count]);
        if (status == KC_NO_MEMORY)
            return status;
        if (status == KC_OK)
            jwks->count++;
        else
            jwks->skipped++;
    }
    return KC_OK;
}

enum kc_status jose_jwks_read(const void *bytes, size_t length, struct jose_jwks **ret_jwks)
{
    JOSE_AUTO_JSON struct json_object *document = NULL;
    struct json_object *keys = NULL;
    enum kc_status status =
        jose_json_parse_object(bytes, length, &jose_json_jwks_limits, &document);
    if (status == KC_OK)
        status = jose_json_array(document, "keys", &keys);
    if (status != KC_OK)
        return status == KC_NOT_FOUND ? KC_MALFORMED : status;
    JOSE_AUTO_JWKS struct jose_jwks *jwks = calloc(1, sizeof *jwks);
    if (!jwks)
        return KC_NO_MEMORY;
    jwks->holders = 1;
    status = read_keys(jwks, keys);
    if (status == KC_OK)
        *ret_jwks = KC_TAKE(jwks);
    return status;
}

struct jose_jwks *jose_jwks_ref(struct jose_jwks *jwks)
{
    if (jwks)
        jwks->holders++;
    return jwks;
}

void jose_jwks_unref(struct jose_jwks *jwks)
{
    if (!jwks || --jwks->holders)
        return;
    for (size_t i = 0; i < jwks->count; i++)
        jose_jwk_clear(&jwks->keys[i]);
    free(jwks);
}

size_t jose_jwks_count(const struct jose_jwks *jwks)
{
    return jwks->count;
}

size_t jose_jwks_skipped(const struct jose_jwks *jwks)
{
    return jwks->skipped;
}

/* The only key that fits, for a token that names none (RFC 7515 section 4.1.4: kid is optional). */
static enum kc_status find_only(
    const struct jose_jwks *jwks, const struct jose_alg *alg, const struct jose_jwk **ret_jwk)
{
    const struct jose_jwk *only = NULL;
    for (size_t i = 0; i < jwks->count; i++) {
        if (!jose_jwk_fits(&jwks->keys[i], alg))
            continue;
        if (only)
            return KC_TOKEN_KEY_UNKNOWN;
        only = &jwks->keys[i];
    }
    if (!only)
        return KC_TOKEN_KEY_UNKNOWN;
    *ret_jwk = only;
    return KC_OK;
}

enum kc_status jose_jwks_find(const struct jose_jwks *jwks, const char *kid,
    const struct jose_alg *alg, const struct jose_jwk **ret_jwk)
{
    if (!jwks)
        return KC_TOKEN_KEY_UNKNOWN;
    if (!kid)
        return find_only(jwks, alg, ret_jwk);
    enum kc_status status = KC_TOKEN_KEY_UNKNOWN;
    for (size_t i = 0; i < jwks->count; i++) {
        if (!*kid || strcmp(jwks->keys[i].kid, kid) != 0)
            continue;
        if (jose_jwk_fits(&jwks->keys[i], alg)) {
            *ret_jwk = &jwks->keys[i];
            return KC_OK;
        }
        status = KC_TOKEN_KEY_UNFIT;
    }
    return status;
}
