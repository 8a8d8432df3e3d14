/*
 * Compact JWS: every algorithm, headers and forms, and the ways that others were fooled.
 * Run by make check.
 * Lesson 13 throughout; the signatures are made by forge.c and by OpenSSL, not by jose/.
 */
#include "jose/jws.h"
#include "jose/limits.h"
#include "tests/jose/forge.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *const algs[] = {
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"};
#define ALGS (sizeof algs / sizeof *algs)

/* The status alone; nothing may lie in OpenSSL's error queue afterwards. */
static enum kc_status verify(const struct jose_jwks *set, const char *token)
{
    struct jose_jws *jws = NULL;
    enum kc_status status = jose_jws_verify(set, token, strlen(token), &jws);
    assert_int_equal(ERR_peek_error(), 0);
    assert_true((status == KC_OK) == (jws != NULL));
    jose_jws_free(jws);
    return status;
}

static char *header_for(const char *alg)
{
    return forge_text("{\"alg\":\"%s\",\"kid\":\"k1\"}", alg);
}

/* A token by alg with key k1. */
static char *good_token(EVP_PKEY *key, const char *alg)
{
    char *header = header_for(alg);
    char *token = forge_token(header, "payload", key, alg);
    free(header);
    return token;
}

static void test_every_algorithm(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGS + 1; i++) {
        const char *alg = i < ALGS ? algs[i] : "EdDSA";
        EVP_PKEY *key = forge_key(i < ALGS ? forge_kind(alg) : "ED448");
        struct jose_jwks *set = forge_set_of(key, alg);
        struct jose_jws *jws = NULL;
        char *token = good_token(key, alg);
        size_t length = 0;
        assert_int_equal(jose_jws_verify(set, token, strlen(token), &jws), KC_OK);
        assert_string_equal(jose_jws_payload(jws, &length), "payload");
        assert_int_equal(length, 7);
        assert_null(jose_jws_typ(jws));
        jose_jws_free(jws);
        jose_jwks_unref(set);
        free(token);
    }
}

/* Each algorithm's token under each other algorithm's name. */
static void test_lesson_13_algorithms_confused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGS; i++) {
        EVP_PKEY *key = forge_key(forge_kind(algs[i]));
        struct jose_jwks *any = forge_set_of(key, NULL), *fixed = forge_set_of(key, algs[i]);
        for (size_t k = 0; k < ALGS; k++) {
            char *header = header_for(algs[k]);
            char *token = forge_token(header, "payload", key, algs[i]);
            enum kc_status with_any = verify(any, token), with_fixed = verify(fixed, token);
            bool same_kind = strcmp(forge_kind(algs[i]), forge_kind(algs[k])) == 0;
            assert_int_equal(with_fixed, i == k ? KC_OK : KC_TOKEN_KEY_UNFIT);
            assert_int_equal(with_any, i == k      ? KC_OK
                                       : same_kind ? KC_TOKEN_BAD_SIGNATURE
                                                   : KC_TOKEN_KEY_UNFIT);
            free(token);
            free(header);
        }
        jose_jwks_unref(any);
        jose_jwks_unref(fixed);
    }
}

static void test_lesson_12_another_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALGS; i++) {
        EVP_PKEY *other = forge_other_key(forge_kind(algs[i]));
        struct jose_jwks *set = forge_set_of(forge_key(forge_kind(algs[i])), algs[i]);
        char *token = good_token(other, algs[i]);
        assert_int_equal(verify(set, token), KC_TOKEN_BAD_SIGNATURE);
        free(token);
        jose_jwks_unref(set);
        EVP_PKEY_free(other);
    }
}

/* --- none and HMAC ------------------------------------------------------------------------- */

static void test_lesson_13_alg_none(void **state)
{
    (void)state;
    struct jose_jwks *set = forge_set_of(forge_key("RSA-2048"), NULL);
    static const char *const names[] = {"none", "None", "NONE", "nOnE", "", "RS256 ", " RS256",
        "rs256", "RS1", "ES256K", "EdDSA2", "Ed25519", "dir", "A256GCM", "RSA-OAEP", "hs256"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *header = header_for(names[i]);
        char *bare = forge_assemble(header, "payload", 7, (const uint8_t *)"", 0);
        char *token = forge_token(header, "payload", forge_key("RSA-2048"), "RS256");
        assert_int_equal(verify(set, bare), KC_TOKEN_ALG_NOT_ALLOWED);
        assert_int_equal(verify(set, token), KC_TOKEN_ALG_NOT_ALLOWED);
        free(header);
        free(bare);
        free(token);
    }
    jose_jwks_unref(set);
}

/* A token by HMAC with that key. */
static char *hmac_token(const char *alg, const char *digest, const void *key, size_t length)
{
    uint8_t tag[64];
    size_t tag_length = 0;
    char *header = header_for(alg);
    char *input = forge_assemble(header, "payload", 7, tag, 0);
    assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, key, length, (const uint8_t *)input,
        strlen(input) - 1, tag, sizeof tag, &tag_length));
    char *token = forge_assemble(header, "payload", 7, tag, tag_length);
    free(header);
    free(input);
    return token;
}

static void test_lesson_13_public_key_as_hmac_key(void **state)
{
    (void)state;
    EVP_PKEY *key = forge_key("RSA-2048");
    struct jose_jwks *any = forge_set_of(key, NULL), *fixed = forge_set_of(key, "RS256");
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    size_t pem_length = (size_t)BIO_get_mem_data(bio, &pem);
    uint8_t *der = NULL;
    int der_length = i2d_PUBKEY(key, &der);
    static const char *const names[][2] = {
        {"HS256", "SHA256"}, {"HS384", "SHA384"}, {"HS512", "SHA512"}};
    for (size_t i = 0; i < 3; i++) {
        char *tokens[] = {hmac_token(names[i][0], names[i][1], pem, pem_length),
            hmac_token(names[i][0], names[i][1], der, (size_t)der_length),
            hmac_token(names[i][0], names[i][1], "", 0)};
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(verify(any, tokens[k]), KC_TOKEN_SYMMETRIC);
            assert_int_equal(verify(fixed, tokens[k]), KC_TOKEN_SYMMETRIC);
            free(tokens[k]);
        }
        /* The same tag under the name that the key is for. */
        char *token = hmac_token("RS256", names[i][1], pem, pem_length);
        assert_int_equal(verify(any, token), KC_TOKEN_BAD_SIGNATURE);
        free(token);
    }
    OPENSSL_free(der);
    BIO_free(bio);
    jose_jwks_unref(any);
    jose_jwks_unref(fixed);
}

/* --- keys that the token brings along ------------------------------------------------------ */

static void test_lesson_13_embedded_keys(void **state)
{
    (void)state;
    EVP_PKEY *realm = forge_key("RSA-2048"), *attacker = forge_other_key("RSA-2048");
    struct jose_jwks *set = forge_set_of(realm, "RS256");
    char *jwk = forge_jwk(attacker, "\"kid\":\"k1\",\"alg\":\"RS256\"");
    char *members[] = {forge_text("\"jwk\":%s", jwk),
        forge_text("\"jku\":\"https://attacker.example/keys\""),
        forge_text("\"x5u\":\"https://attacker.example/cert\""),
        forge_text("\"x5c\":[\"MIIB\"],\"x5t\":\"AAAA\",\"x5t#S256\":\"AAAA\"")};
    for (size_t i = 0; i < 4; i++) {
        char *known = forge_text("{\"alg\":\"RS256\",\"kid\":\"k1\",%s}", members[i]);
        char *unknown = forge_text("{\"alg\":\"RS256\",\"kid\":\"k2\",%s}", members[i]);
        char *bare = forge_text("{\"alg\":\"RS256\",%s}", members[i]);
        char *tokens[] = {forge_token(known, "payload", attacker, "RS256"),
            forge_token(unknown, "payload", attacker, "RS256"),
            forge_token(bare, "payload", attacker, "RS256"),
            forge_token(known, "payload", realm, "RS256")};
        assert_int_equal(verify(set, tokens[0]), KC_TOKEN_BAD_SIGNATURE);
        assert_int_equal(verify(set, tokens[1]), KC_TOKEN_KEY_UNKNOWN);
        assert_int_equal(verify(set, tokens[2]), KC_TOKEN_BAD_SIGNATURE);
        assert_int_equal(verify(set, tokens[3]), KC_OK);
        for (size_t k = 0; k < 4; k++)
            free(tokens[k]);
        free(known);
        free(unknown);
        free(bare);
        free(members[i]);
    }
    free(jwk);
    jose_jwks_unref(set);
    EVP_PKEY_free(attacker);
}

static void test_lesson_12_kid(void **state)
{
    (void)state;
    EVP_PKEY *key = forge_key("P-256");
    struct jose_jwks *set = forge_set_of(key, "ES256");
    static const struct {
        const char *header;
        enum kc_status status;
    } rows[] = {{"{\"alg\":\"ES256\",\"kid\":\"k1\"}", KC_OK},
        {"{\"alg\":\"ES256\",\"kid\":\"k2\"}", KC_TOKEN_KEY_UNKNOWN},
        {"{\"alg\":\"ES256\",\"kid\":\"k\"}", KC_TOKEN_KEY_UNKNOWN},
        {"{\"alg\":\"ES256\",\"kid\":\"k11\"}", KC_TOKEN_KEY_UNKNOWN},
        {"{\"alg\":\"ES256\",\"kid\":\"K1\"}", KC_TOKEN_KEY_UNKNOWN},
        {"{\"alg\":\"ES256\",\"kid\":\"\"}", KC_TOKEN_KEY_UNKNOWN},
        {"{\"alg\":\"ES256\",\"kid\":\"k1\\u0000\"}", KC_TOKEN_MALFORMED},
        {"{\"alg\":\"ES256\",\"kid\":1}", KC_TOKEN_MALFORMED},
        {"{\"alg\":\"ES256\",\"kid\":null}", KC_TOKEN_MALFORMED},
        {"{\"alg\":\"ES256\",\"kid\":[\"k1\"]}", KC_TOKEN_MALFORMED},
        {"{\"alg\":\"ES256\"}", KC_OK}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *token = forge_token(rows[i].header, "payload", key, "ES256");
        assert_int_equal(verify(set, token), rows[i].status);
        free(token);
    }
    jose_jwks_unref(set);
}

/* --- the header ---------------------------------------------------------------------------- */

static void test_headers(void **state)
{
    (void)state;
    EVP_PKEY *key = forge_key("ED25519");
    struct jose_jwks *set = forge_set_of(key, "EdDSA");
    static const struct {
        const char *header;
        enum kc_status status;
    } rows[] = {{"{\"alg\":\"EdDSA\",\"crit\":[\"exp\"],\"exp\":1}", KC_TOKEN_CRITICAL_HEADER},
        {"{\"alg\":\"EdDSA\",\"crit\":[]}", KC_TOKEN_CRITICAL_HEADER},
        {"{\"alg\":\"EdDSA\",\"crit\":null}", KC_TOKEN_CRITICAL_HEADER},
        {"{\"alg\":\"EdDSA\",\"crit\":\"a\\u0000\"}", KC_TOKEN_CRITICAL_HEADER},
        {"{\"alg\":\"EdDSA\",\"b64\":false,\"crit\":[\"b64\"]}", KC_TOKEN_CRITICAL_HEADER},
        {"{\"alg\":\"EdDSA\",\"crit\":[],\"crit\":[]}", KC_TOKEN_DUPLICATE_MEMBER},
        {"{\"alg\":\"EdDSA\",\"alg\":\"none\"}", KC_TOKEN_DUPLICATE_MEMBER},
        {"{\"alg\":\"none\",\"alg\":\"EdDSA\"}", KC_TOKEN_DUPLICATE_MEMBER},
        {"{\"alg\":\"EdDSA\",\"\\u0061lg\":\"EdDSA\"}", KC_TOKEN_DUPLICATE_MEMBER},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k1\",\"kid\":\"k1\"}", KC_TOKEN_DUPLICATE_MEMBER},
        {"{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"typ\":\"JWT\"}", KC_TOKEN_DUPLICATE_MEMBER},
        {"{\"alg\":\"EdDSA\",\"other\":1,\"other\":2}", KC_OK},
        {"{\"alg\":\"EdDSA\",\"typ\":1}", KC_TOKEN_MALFORMED}, {"{}", KC_TOKEN_MALFORMED},
        {"{\"kid\":\"k1\"}", KC_TOKEN_MALFORMED}, {"{\"alg\":null}", KC_TOKEN_MALFORMED},
        {"{\"alg\":[\"EdDSA\"]}", KC_TOKEN_MALFORMED}, {"{\"alg\":1}", KC_TOKEN_MALFORMED},
        {"{\"Alg\":\"EdDSA\"}", KC_TOKEN_MALFORMED},
        {"{\"alg\":\"EdDSA\\u0000\"}", KC_TOKEN_MALFORMED},
        {"{\"alg\\u0000\":\"EdDSA\"}", KC_TOKEN_MALFORMED}, {"[]", KC_TOKEN_MALFORMED},
        {"\"EdDSA\"", KC_TOKEN_MALFORMED}, {"null", KC_TOKEN_MALFORMED}, {"", KC_TOKEN_MALFORMED},
        {"{\"alg\":\"EdDSA\"", KC_TOKEN_MALFORMED}, {"{\"alg\":\"EdDSA\"}x", KC_TOKEN_MALFORMED},
        {"{\"alg\":\"EdDSA\",}", KC_TOKEN_MALFORMED}, {" {\"alg\" : \"EdDSA\" } ", KC_OK}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *token = forge_token(rows[i].header, "payload", key, "EdDSA");
        enum kc_status status = verify(set, token);
        if (status != rows[i].status)
            fail_msg("%s: %s", rows[i].header, kc_status_word(status));
        free(token);
    }
    jose_jwks_unref(set);
}

/* --- the compact form ---------------------------------------------------------------------- */

static void test_compact_form(void **state)
{
    (void)state;
    EVP_PKEY *key = forge_key("ED25519");
    struct jose_jwks *set = forge_set_of(key, "EdDSA");
    char *good = good_token(key, "EdDSA");
    assert_int_equal(verify(set, good), KC_OK);
    const char *payload = strchr(good, '.') + 1, *signature = strrchr(good, '.') + 1;
    char *wrong[] = {forge_text("%s=", good), forge_text("%s==", good), forge_text("%s ", good),
        forge_text(" %s", good), forge_text("%s\n", good), forge_text("%s.", good),
        forge_text("%s.AAAA.AAAA", good), forge_text(".%s", good),
        forge_text("%.*s", (int)(signature - good - 1), good), forge_text("%s", payload),
        forge_text("%s", signature), strdup(""), strdup("."), strdup(".."), strdup("..."),
        strdup("a.b"), strdup("eyJ9"),
        forge_text("%.*s=.%s", (int)(payload - good - 1), good, payload),
        forge_text("%.*s.=%s", (int)(payload - good - 1), good, payload)};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(verify(set, wrong[i]), KC_TOKEN_MALFORMED);
        free(wrong[i]);
    }
    /* A NUL is a byte like any other, and not one of base64url. */
    struct jose_jws *jws = NULL;
    assert_int_equal(jose_jws_verify(set, good, strlen(good) + 1, &jws), KC_TOKEN_MALFORMED);
    assert_int_equal(jose_jws_verify(set, NULL, 0, &jws), KC_TOKEN_MALFORMED);
    char *bare = forge_text("%.*s", (int)(signature - good), good);
    assert_int_equal(verify(set, bare), KC_TOKEN_BAD_SIGNATURE);
    free(bare);
    free(good);
    jose_jwks_unref(set);
}

/* The last character of a signature has unused bits: each value of them is another spelling. */
static void test_lesson_13_trailing_bits(void **state)
{
    (void)state;
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct jose_jwks *set = forge_set_of(forge_key("RSA-2048"), "RS256");
    char *token = good_token(forge_key("RSA-2048"), "RS256");
    char *last = token + strlen(token) - 1;
    char right = *last;
    unsigned taken = 0;
    for (const char *other = alphabet; *other; other++) {
        *last = *other;
        enum kc_status status = verify(set, token);
        taken += status == KC_OK;
        assert_true((status == KC_OK) == (*other == right));
    }
    assert_int_equal(taken, 1);
    free(token);
    jose_jwks_unref(set);
}

static void test_sizes(void **state)
{
    (void)state;
    EVP_PKEY *key = forge_key("ED25519");
    struct jose_jwks *set = forge_set_of(key, "EdDSA");
    /* The largest payload that leaves room for the rest, and one that does not. */
    static const struct {
        int payload;
        enum kc_status status;
    } rows[] = {{JOSE_TOKEN_BYTES / 4 * 3 - 90, KC_OK},
        {JOSE_TOKEN_BYTES / 4 * 3 - 75, KC_TOKEN_MALFORMED}};
    for (size_t i = 0; i < 2; i++) {
        char *payload = forge_text("%0*d", rows[i].payload, 1);
        char *token = forge_token("{\"alg\":\"EdDSA\"}", payload, key, "EdDSA");
        assert_int_equal(verify(set, token), rows[i].status);
        free(token);
        free(payload);
    }
    char *header = forge_text("{\"alg\":\"EdDSA\",\"x\":\"%0*d\"}", JOSE_HEADER_BYTES, 1);
    char *token = forge_token(header, "payload", key, "EdDSA");
    assert_int_equal(verify(set, token), KC_TOKEN_MALFORMED);
    free(token);
    free(header);
    token = forge_token("{\"alg\":\"EdDSA\"}", "", key, "EdDSA");
    assert_int_equal(verify(set, token), KC_OK);
    free(token);
    jose_jwks_unref(set);
}

/* --- a token with one byte changed --------------------------------------------------------- */

static void test_every_byte_counts(void **state)
{
    (void)state;
    static const char *const some[] = {"RS256", "PS256", "ES256", "EdDSA"};
    for (size_t i = 0; i < 4; i++) {
        EVP_PKEY *key = forge_key(forge_kind(some[i]));
        struct jose_jwks *set = forge_set_of(key, some[i]);
        char *token = good_token(key, some[i]);
        size_t length = strlen(token);
        for (size_t at = 0; at < length; at++)
            for (unsigned bit = 0; bit < 8; bit++) {
                struct jose_jws *jws = NULL;
                token[at] = (char)(token[at] ^ (1 << bit));
                if (jose_jws_verify(set, token, length, &jws) == KC_OK)
                    fail_msg("%s: byte %zu, bit %u", some[i], at, bit);
                assert_null(jws);
                token[at] = (char)(token[at] ^ (1 << bit));
            }
        for (size_t cut = 0; cut < length; cut++) {
            struct jose_jws *jws = NULL;
            assert_int_not_equal(jose_jws_verify(set, token, cut, &jws), KC_OK);
        }
        assert_int_equal(verify(set, token), KC_OK);
        free(token);
        jose_jwks_unref(set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_algorithm),
        cmocka_unit_test(test_lesson_13_algorithms_confused),
        cmocka_unit_test(test_lesson_12_another_key),
        cmocka_unit_test(test_lesson_13_alg_none),
        cmocka_unit_test(test_lesson_13_public_key_as_hmac_key),
        cmocka_unit_test(test_lesson_13_embedded_keys),
        cmocka_unit_test(test_lesson_12_kid),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_compact_form),
        cmocka_unit_test(test_lesson_13_trailing_bits),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_every_byte_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
