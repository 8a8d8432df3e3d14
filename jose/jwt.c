/*
 * Verifying an access token: the signature, then every claim that a login rests on.
 * Used by daemon/ and cli/.
 * Must never pass a token with one claim wrong, nor compare a part of a name.
 */
#include "jose/jwt.h"

#include "jose/json.h"
#include "jose/jws.h"
#include "jose/limits.h"

#include <string.h>
#include <strings.h>

struct jose_jwt {
    struct jose_jws *jws; /* owns the payload */
    struct json_object *claims;
    int64_t expires;
    int64_t issued;
    const char *subject; /* in claims */
};

/* --- claims by type ------------------------------------------------------------------------ */

static enum kc_status as_claim_status(enum kc_status status)
{
    if (status == KC_NOT_FOUND)
        return KC_TOKEN_CLAIM_MISSING;
    return status == KC_MALFORMED || status == KC_TOO_LARGE ? KC_TOKEN_MALFORMED : status;
}

/* A claim that must be this text, its length included; `otherwise` where it is another. */
static enum kc_status check_text(const struct json_object *claims, const char *name,
    const char *expected, enum kc_status otherwise)
{
    const char *text;
    size_t length;
    enum kc_status status = jose_json_string(claims, name, JOSE_CLAIM_BYTES, &text, &length);
    if (status != KC_OK)
        return as_claim_status(status);
    return length == strlen(expected) && memcmp(text, expected, length) == 0 ? KC_OK : otherwise;
}

/* A time; `absent` where it is not there. */
static enum kc_status optional_time(
    const struct json_object *claims, const char *name, int64_t absent, int64_t *ret_time)
{
    enum kc_status status = jose_json_time(claims, name, ret_time);
    if (status == KC_NOT_FOUND) {
        *ret_time = absent;
        return KC_OK;
    }
    return as_claim_status(status);
}

/* --- one check each ------------------------------------------------------------------------ */

/* RFC 8725 section 3.11, RFC 9068 section 4: media type names have no case. */
static enum kc_status check_header_typ(const char *typ)
{
    static const char prefix[] = "application/";
    if (!typ)
        return KC_OK;
    if (strncasecmp(typ, prefix, sizeof prefix - 1) == 0)
        typ += sizeof prefix - 1;
    return strcasecmp(typ, "JWT") == 0 || strcasecmp(typ, "at+jwt") == 0 ? KC_OK
                                                                         : KC_TOKEN_WRONG_TYPE;
}

/* RFC 7519 section 4.1.3: a text, or an array of texts. */
static enum kc_status check_audience(const struct json_object *claims, const char *audience)
{
    struct json_object *value = NULL;
    enum kc_status status = jose_json_member(claims, "aud", &value);
    if (status != KC_OK)
        return as_claim_status(status);
    if (!json_object_is_type(value, json_type_array))
        return check_text(claims, "aud", audience, KC_TOKEN_WRONG_AUDIENCE);
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        const char *text;
        size_t length;
        struct json_object *element = json_object_array_get_idx(value, i);
        status = jose_json_text(element, JOSE_CLAIM_BYTES, &text, &length);
        if (status != KC_OK)
            return as_claim_status(status);
        if (length == strlen(audience) && memcmp(text, audience, length) == 0)
            return KC_OK;
    }
    return KC_TOKEN_WRONG_AUDIENCE;
}

static enum kc_status check_validity(struct jose_jwt *jwt, const struct jwt_expect *expect)
{
    int64_t not_before = 0;
    enum kc_status status = as_claim_status(jose_json_time(jwt->claims, "exp", &jwt->expires));
    if (status != KC_OK)
        return status;
    if (jwt->expires <= expect->now - expect->skew)
        return KC_TOKEN_EXPIRED;
    status = optional_time(jwt->claims, "nbf", 0, &not_before);
    if (status != KC_OK)
        return status;
    return not_before > expect->now + expect->skew ? KC_TOKEN_NOT_YET_VALID : KC_OK;
}

/* A token that came just now and is not valid now, or was made at quite another time, tells of two
 * clocks. */
static enum kc_status check_times(struct jose_jwt *jwt, const struct jwt_expect *expect)
{
    enum kc_status validity = check_validity(jwt, expect);
    if (validity != KC_OK && validity != KC_TOKEN_EXPIRED && validity != KC_TOKEN_NOT_YET_VALID)
        return validity;
    enum kc_status status = optional_time(jwt->claims, "iat", expect->now, &jwt->issued);
    if (status != KC_OK)
        return status;
    int64_t allowed = validity == KC_OK ? expect->apart : expect->skew;
    bool apart = jwt->issued > expect->now + allowed || jwt->issued < expect->now - allowed;
    return expect->apart && apart ? KC_TOKEN_CLOCK_SKEW : validity;
}

/* Keycloak's "not before" of realm, client or user: what was issued earlier is revoked. */
static enum kc_status check_issued(struct jose_jwt *jwt, const struct jwt_expect *expect)
{
    enum kc_status status = optional_time(jwt->claims, "iat", 0, &jwt->issued);
    if (status != KC_OK || expect->not_before_policy <= 0)
        return status;
    if (!json_object_object_get_ex(jwt->claims, "iat", NULL))
        return KC_TOKEN_CLAIM_MISSING;
    return jwt->issued < expect->not_before_policy ? KC_TOKEN_REVOKED : KC_OK;
}

static enum kc_status check_subject(struct jose_jwt *jwt)
{
    jwt->subject = "";
    enum kc_status status =
        jose_json_string(jwt->claims, "sub", JOSE_CLAIM_BYTES, &jwt->subject, NULL);
    return status == KC_NOT_FOUND ? KC_OK : as_claim_status(status);
}

/* A lightweight token has neither the name nor the roles; a full one without the name lacks a
 * mapper. */
static enum kc_status check_user(const struct json_object *claims, const struct jwt_expect *expect)
{
    const char *claim = expect->username_claim ? expect->username_claim : "preferred_username";
    enum kc_status status = check_text(claims, claim, expect->user, KC_TOKEN_WRONG_USER);
    if (status == KC_TOKEN_CLAIM_MISSING &&
        !json_object_object_get_ex(claims, "preferred_username", NULL) &&
        !json_object_object_get_ex(claims, "realm_access", NULL))
        return KC_TOKEN_LIGHTWEIGHT;
    return status;
}

/* --- all of them --------------------------------------------------------------------------- */

/* Where the token comes from and what it is for. */
static enum kc_status check_origin(
    const struct json_object *claims, const struct jwt_expect *expect)
{
    enum kc_status status = KC_OK;
    if (expect->issuer)
        status = check_text(claims, "iss", expect->issuer, KC_TOKEN_WRONG_ISSUER);
    if (status == KC_OK)
        status = check_text(claims, "typ", "Bearer", KC_TOKEN_WRONG_TYPE);
    if (status == KC_OK && expect->client_id)
        status = check_text(claims, "azp", expect->client_id, KC_TOKEN_WRONG_CLIENT);
    if (status == KC_OK && expect->audience)
        status = check_audience(claims, expect->audience);
    return status;
}

static enum kc_status check_claims(struct jose_jwt *jwt, const struct jwt_expect *expect)
{
    enum kc_status status = check_origin(jwt->claims, expect);
    if (status == KC_OK)
        status = check_times(jwt, expect);
    if (status == KC_OK)
        status = check_issued(jwt, expect);
    if (status == KC_OK)
        status = check_subject(jwt);
    if (status == KC_OK && expect->user)
        status = check_user(jwt->claims, expect);
    return status;
}

enum kc_status jose_jwt_examine(const struct jose_jwks *keys, const void *token, size_t length,
    const struct jwt_expect *expect, struct jose_jwt **ret_jwt)
{
    JOSE_AUTO_JWT struct jose_jwt *jwt = calloc(1, sizeof *jwt);
    if (!jwt)
        return KC_NO_MEMORY;
    enum kc_status status = jose_jws_verify(keys, token, length, &jwt->jws);
    if (status == KC_OK)
        status = check_header_typ(jose_jws_typ(jwt->jws));
    if (status != KC_OK)
        return status;
    size_t payload_length;
    const void *payload = jose_jws_payload(jwt->jws, &payload_length);
    status = as_claim_status(
        jose_json_parse_object(payload, payload_length, &jose_json_token_limits, &jwt->claims));
    if (status == KC_OK)
        status = check_claims(jwt, expect);
    if (status == KC_OK)
        *ret_jwt = KC_TAKE(jwt);
    return status;
}

static bool configured(const char *text)
{
    return text && *text;
}

enum kc_status jose_jwt_verify(const struct jose_jwks *keys, const void *token, size_t length,
    const struct jwt_expect *expect, struct jose_jwt **ret_jwt)
{
    if (!configured(expect->issuer) || !configured(expect->client_id) || !configured(expect->user))
        return KC_CONFIG_INVALID;
    return jose_jwt_examine(keys, token, length, expect, ret_jwt);
}

/* --- what it holds ------------------------------------------------------------------------- */

const struct json_object *jose_jwt_claims(const struct jose_jwt *jwt)
{
    return jwt->claims;
}

const char *jose_jwt_payload(const struct jose_jwt *jwt, size_t *ret_length)
{
    return jose_jws_payload(jwt->jws, ret_length);
}

int64_t jose_jwt_expires(const struct jose_jwt *jwt)
{
    return jwt->expires;
}

int64_t jose_jwt_issued(const struct jose_jwt *jwt)
{
    return jwt->issued;
}

const char *jose_jwt_subject(const struct jose_jwt *jwt)
{
    return jwt->subject;
}

void jose_jwt_free(struct jose_jwt *jwt)
{
    if (!jwt)
        return;
    json_object_put(jwt->claims);
    jose_jws_free(jwt->jws);
    free(jwt);
}
