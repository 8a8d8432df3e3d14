/*
 * Fuzz target: tokens. The first byte says how the rest is taken: 't' a whole token; 'p' a payload,
 * signed here; 'e' the same by ES256; 'h' a header, a newline and a payload, signed here.
 * What we did not sign never verifies, and a login never passes for another name.
 */
#include "common/base64.h"
#include "fuzz/target.h"
#include "jose/json.h"
#include "jose/jws.h"
#include "jose/jwt.h"
#include "jose/limits.h"
#include "jose/sign.h"

#include <openssl/err.h>
#include <string.h>

/* RFC 7520 section 3.3, and a key of this file's. */
static const char other_keys[] =
    "{\"kty\":\"RSA\",\"kid\":\"bilbo.baggins@hobbiton.example\",\"e\":\"AQAB\",\"n\":"
    "\"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJm"
    "SCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-Of"
    "VfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwu"
    "CLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw\"},"
    "{\"kty\":\"EC\",\"kid\":\"ec\",\"crv\":\"P-256\","
    "\"x\":\"wf0N9pFEnfjhwKmFef0zTeWOKMtn7BA6tfkAcJNjrZM\","
    "\"y\":\"epMWmULePtJgJ0aYX6PnbzbWaM2QmPZSlq3g0A1omsk\"}";

static const char ec_private[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIFbQMxF5rkoRxDrIolGzzAvrioug8bcv75KdnNULiQQloAoGCCqGSM49\n"
    "AwEHoUQDQgAEwf0N9pFEnfjhwKmFef0zTeWOKMtn7BA6tfkAcJNjrZN6kxaZQt4+\n"
    "0mAnRphfo+dvNtZozZCY9lKWreDQDWiayQ==\n"
    "-----END EC PRIVATE KEY-----\n";

static const struct jwt_expect ada = {.issuer = "https://i",
    .client_id = "c",
    .user = "ada",
    .audience = "api",
    .now = 1000,
    .skew = 5,
    .not_before_policy = 500};

static EVP_PKEY *our_key(void)
{
    static EVP_PKEY *key;
    static const uint8_t seed[32] = "a key that only this fuzzer has";
    if (!key)
        key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
    FUZZ_MUST(key);
    return key;
}

static const struct jose_jwks *our_keys(void)
{
    static struct jose_jwks *keys;
    if (keys)
        return keys;
    struct json_object *jwk = NULL;
    char document[2048];
    FUZZ_MUST(jose_jwk_export(our_key(), "k1", "EdDSA", &jwk) == KC_OK);
    int length = snprintf(document, sizeof document, "{\"keys\":[%s,%s]}",
        json_object_to_json_string(jwk), other_keys);
    json_object_put(jwk);
    FUZZ_MUST(jose_jwks_read(document, (size_t)length, &keys) == KC_OK);
    FUZZ_MUST(jose_jwks_count(keys) == 3);
    return keys;
}

static void verify(const void *token, size_t length, bool ours)
{
    struct jose_jwt *jwt = NULL;
    struct jose_jws *jws = NULL;
    enum kc_status status = jose_jwt_verify(our_keys(), token, length, &ada, &jwt);
    FUZZ_MUST((status == KC_OK) == (jwt != NULL));
    if (jwt) {
        const char *user = NULL;
        const struct json_object *claims = jose_jwt_claims(jwt);
        FUZZ_MUST(jose_json_string(claims, "preferred_username", 9, &user, NULL) == KC_OK);
        FUZZ_MUST(strcmp(user, "ada") == 0);
        FUZZ_MUST(jose_jwt_expires(jwt) > ada.now - ada.skew);
        FUZZ_MUST(jose_jwt_issued(jwt) >= ada.not_before_policy);
        FUZZ_MUST(jose_jwt_subject(jwt));
    }
    status = jose_jws_verify(our_keys(), token, length, &jws);
    FUZZ_MUST(jws || (!jwt && status != KC_OK));
    FUZZ_MUST(!ours || status == KC_OK); /* our header and our signature */
    FUZZ_MUST(ERR_peek_error() == 0);
    jose_jwt_free(jwt);
    jose_jws_free(jws);
}

/* header.payload and our signature over them, whatever they are. */
static void sign_and_verify(const void *header, size_t header_length, const uint8_t *payload,
    size_t payload_length, bool ours)
{
    char token[64 * 1024];
    uint8_t mark[64];
    size_t mark_length = sizeof mark, at;
    if (header_length + payload_length > sizeof token / 2)
        return;
    FUZZ_MUST(kc_base64url_encode(header, header_length, token, sizeof token) == KC_OK);
    at = kc_base64url_encoded_length(header_length);
    token[at++] = '.';
    FUZZ_MUST(kc_base64url_encode(payload, payload_length, token + at, sizeof token - at) == KC_OK);
    at += kc_base64url_encoded_length(payload_length);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    FUZZ_MUST(EVP_DigestSignInit(context, NULL, NULL, NULL, our_key()) == 1 &&
              EVP_DigestSign(context, mark, &mark_length, (const uint8_t *)token, at) == 1);
    EVP_MD_CTX_free(context);
    token[at++] = '.';
    FUZZ_MUST(kc_base64url_encode(mark, mark_length, token + at, sizeof token - at) == KC_OK);
    verify(token, at + kc_base64url_encoded_length(mark_length), ours);
}

static EVP_PKEY *our_ec_key(void)
{
    static EVP_PKEY *key;
    struct kc_secret pem = KC_SECRET_INIT;
    if (key)
        return key;
    FUZZ_MUST(kc_secret_set(&pem, ec_private, sizeof ec_private - 1) == KC_OK);
    FUZZ_MUST(jose_sign_key_read(&pem, &key) == KC_OK);
    kc_secret_wipe(&pem);
    return key;
}

static void sign_by_ec_and_verify(const void *payload, size_t length)
{
    struct kc_secret token = KC_SECRET_INIT;
    const struct jose_signer signer = {.key = our_ec_key(), .alg = "ES256", .kid = "ec"};
    if (length > JOSE_TOKEN_BYTES / 2)
        return;
    FUZZ_MUST(jose_sign(&signer, payload, length, &token) == KC_OK);
    verify(token.bytes, token.length, true);
    kc_secret_wipe(&token);
}

static const char our_header[] = "{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"typ\":\"JWT\"}";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (!length)
        return 0;
    const uint8_t *rest = bytes + 1;
    size_t left = length - 1;
    const uint8_t *line = left ? memchr(rest, '\n', left) : NULL;
    size_t head = line ? (size_t)(line - rest) : 0;
    if (*bytes == 't')
        verify(rest, left, false);
    else if (*bytes == 'p')
        sign_and_verify(our_header, sizeof our_header - 1, rest, left, true);
    else if (*bytes == 'e')
        sign_by_ec_and_verify(rest, left);
    else if (*bytes == 'h' && line)
        sign_and_verify(rest, head, line + 1, left - head - 1, false);
    return 0;
}
