/*
 * Verifying a JWS in compact form.
 * Used by jwt.c and cli/.
 * Must never give out a payload whose signature did not verify, nor take a key from the token.
 */
#include "jose/jws.h"

#include "common/base64.h"
#include "jose/json.h"
#include "jose/limits.h"
#include "jose/verify.h"

#include <string.h>

#define TYP_BYTES 64

struct jose_jws {
    bool has_typ;
    char typ[TYP_BYTES + 1];
    size_t length;
    char payload[]; /* length bytes and a NUL */
};

/* The three parts, as they came. */
struct parts {
    const char *header, *payload, *signature;
    size_t header_length, payload_length, signature_length;
};

/* What the header says, as far as anything is decided on it. */
struct header {
    const struct jose_alg *alg;
    const char *kid; /* NULL: none */
    const char *typ; /* NULL: none */
};

static enum kc_status split(const char *token, size_t length, struct parts *ret_parts)
{
    if (!length || length > JOSE_TOKEN_BYTES)
        return KC_TOKEN_MALFORMED;
    const char *end = token + length;
    const char *first = memchr(token, '.', length);
    const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
    if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
        return KC_TOKEN_MALFORMED;
    *ret_parts = (struct parts){
        .header = token,
        .header_length = (size_t)(first - token),
        .payload = first + 1,
        .payload_length = (size_t)(second - first - 1),
        .signature = second + 1,
        .signature_length = (size_t)(end - second - 1),
    };
    return KC_OK;
}

/* A bad input is a bad token; memory and a duplicate member keep their own status. */
static enum kc_status as_token_status(enum kc_status status)
{
    return status == KC_MALFORMED || status == KC_TOO_LARGE ? KC_TOKEN_MALFORMED : status;
}

static enum kc_status parse_header(const struct parts *parts, struct json_object **ret_object)
{
    uint8_t bytes[JOSE_HEADER_BYTES];
    size_t length = 0;
    enum kc_status status =
        kc_base64url_decode(parts->header, parts->header_length, bytes, sizeof bytes, &length);
    if (status == KC_OK)
        status = jose_json_parse_object(bytes, length, &jose_json_token_limits, ret_object);
    return as_token_status(status);
}

/* RFC 7515 section 4.1.1; RFC 8725 sections 3.1 and 3.2. */
static enum kc_status read_alg(const struct json_object *object, struct header *header)
{
    const char *name;
    size_t length;
    enum kc_status status = jose_json_string(object, "alg", JOSE_CLAIM_BYTES, &name, &length);
    if (status != KC_OK)
        return status == KC_NOT_FOUND ? KC_TOKEN_MALFORMED : as_token_status(status);
    header->alg = jose_alg_find(name, length);
    if (!header->alg)
        return KC_TOKEN_ALG_NOT_ALLOWED;
    return header->alg->family == JOSE_HMAC ? KC_TOKEN_SYMMETRIC : KC_OK;
}

/* RFC 7515 section 4.1.11: no extension is understood, so none may be critical. */
static enum kc_status check_critical(const struct json_object *object)
{
    struct json_object *critical = NULL;
    enum kc_status status = jose_json_member(object, "crit", &critical);
    if (status == KC_NOT_FOUND)
        return KC_OK;
    return status == KC_TOKEN_DUPLICATE_MEMBER ? status : KC_TOKEN_CRITICAL_HEADER;
}

/* An optional text member of the header; NULL where it is not there. */
static enum kc_status read_text(
    const struct json_object *object, const char *name, size_t max, const char **ret_text)
{
    enum kc_status status = jose_json_string(object, name, max, ret_text, NULL);
    if (status == KC_NOT_FOUND) {
        *ret_text = NULL;
        return KC_OK;
    }
    return as_token_status(status);
}

static enum kc_status read_header(const struct json_object *object, struct header *header)
{
    enum kc_status status = read_alg(object, header);
    if (status == KC_OK)
        status = check_critical(object);
    if (status == KC_OK)
        status = read_text(object, "kid", JOSE_KID_BYTES, &header->kid);
    if (status == KC_OK)
        status = read_text(object, "typ", TYP_BYTES, &header->typ);
    return status;
}

static enum kc_status check_signature(
    const struct parts *parts, const struct jose_jwk *jwk, const struct jose_alg *alg)
{
    uint8_t signature[JOSE_SIGNATURE_BYTES];
    size_t length = 0;
    enum kc_status status = kc_base64url_decode(
        parts->signature, parts->signature_length, signature, sizeof signature, &length);
    if (status != KC_OK)
        return KC_TOKEN_MALFORMED;
    size_t signed_length = parts->header_length + 1 + parts->payload_length;
    return jose_verify(jwk, alg, parts->header, signed_length, signature, length);
}

static enum kc_status decode_payload(const struct parts *parts, struct jose_jws **ret_jws)
{
    size_t room = kc_base64url_decoded_length(parts->payload_length);
    JOSE_AUTO_JWS struct jose_jws *jws = calloc(1, sizeof *jws + room + 1);
    if (!jws)
        return KC_NO_MEMORY;
    enum kc_status status = kc_base64url_decode(
        parts->payload, parts->payload_length, (uint8_t *)jws->payload, room, &jws->length);
    if (status != KC_OK)
        return KC_TOKEN_MALFORMED;
    jws->payload[jws->length] = 0;
    *ret_jws = KC_TAKE(jws);
    return KC_OK;
}

enum kc_status jose_jws_verify(
    const struct jose_jwks *keys, const void *token, size_t length, struct jose_jws **ret_jws)
{
    struct parts parts;
    struct header header = {NULL, NULL, NULL};
    const struct jose_jwk *jwk = NULL;
    JOSE_AUTO_JSON struct json_object *object = NULL;
    JOSE_AUTO_JWS struct jose_jws *jws = NULL;
    enum kc_status status = split(token, length, &parts);
    if (status == KC_OK)
        status = parse_header(&parts, &object);
    if (status == KC_OK)
        status = read_header(object, &header);
    if (status == KC_OK)
        status = decode_payload(&parts, &jws);
    if (status == KC_OK)
        status = jose_jwks_find(keys, header.kid, header.alg, &jwk);
    if (status == KC_OK)
        status = check_signature(&parts, jwk, header.alg);
    if (status != KC_OK)
        return status;
    jws->has_typ = header.typ != NULL;
    if (header.typ)
        memcpy(jws->typ, header.typ, strlen(header.typ) + 1);
    *ret_jws = KC_TAKE(jws);
    return KC_OK;
}

const void *jose_jws_payload(const struct jose_jws *jws, size_t *ret_length)
{
    *ret_length = jws->length;
    return jws->payload;
}

const char *jose_jws_typ(const struct jose_jws *jws)
{
    return jws->has_typ ? jws->typ : NULL;
}

void jose_jws_free(struct jose_jws *jws)
{
    free(jws);
}
