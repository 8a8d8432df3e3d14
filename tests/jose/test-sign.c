/*
 * Signing: every algorithm with every kind of key, there and back; what is refused.
 * Run by make check.
 * HMAC, which jose/ verifies nowhere, is held against OpenSSL's own.
 */
#include "jose/sign.h"
#include "jose/json.h"
#include "jose/jws.h"
#include "jose/limits.h"
#include "common/base64.h"
#include "tests/jose/forge.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *const algs[] = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
    "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512"};
#define ALGS (sizeof algs / sizeof *algs)

static struct json_object *claims(void)
{
    static const char text[] = "{\"iss\":\"c\",\"sub\":\"c\",\"aud\":\"https://id.example.test/x\","
                               "\"exp\":1700000060,\"jti\":\"1\"}";
    struct json_object *object = NULL;
    assert_int_equal(
        jose_json_parse_object(text, strlen(text), &jose_json_token_limits, &object), KC_OK);
    return object;
}

static void test_round_trips(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        "RSA-2048", "RSA-3072", "P-256", "P-384", "P-521", "ED25519", "ED448"};
    unsigned made = 0;
    for (size_t i = 0; i < ALGS; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            EVP_PKEY *key = forge_key(kinds[k]);
            KC_AUTO_SECRET struct kc_secret token = KC_SECRET_INIT;
            struct json_object *object = claims();
            enum kc_status status = jose_jws_sign(key, algs[i], "k1", object, &token);
            bool same = strcmp(forge_kind(algs[i]), kinds[k]) == 0 ||
                        (strcmp(kinds[k], "RSA-3072") == 0 && i < 6) ||
                        (strcmp(kinds[k], "ED448") == 0 && i == 9);
            assert_int_equal(status, same && i < 10 ? KC_OK : KC_TOKEN_KEY_UNFIT);
            assert_int_equal(ERR_peek_error(), 0);
            if (status == KC_OK) {
                struct jose_jwks *set = forge_set_of(key, algs[i]);
                struct jose_jws *jws = NULL;
                size_t length;
                assert_int_equal(jose_jws_verify(set, token.bytes, token.length, &jws), KC_OK);
                assert_string_equal(jose_jws_payload(jws, &length),
                    json_object_to_json_string_ext(
                        object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
                assert_string_equal(jose_jws_typ(jws), "JWT");
                jose_jws_free(jws);
                jose_jwks_unref(set);
                made++;
            } else {
                assert_int_equal(token.length, 0);
            }
            json_object_put(object);
        }
    assert_int_equal(made, 6 * 2 + 3 + 2);
}

/* ECDSA signatures are r and s at full length, however many zeros they begin with. */
static void test_ecdsa_many_times(void **state)
{
    (void)state;
    EVP_PKEY *key = forge_key("P-256");
    struct jose_jwks *set = forge_set_of(key, "ES256");
    const struct jose_signer signer = {.key = key, .alg = "ES256", .kid = "k1"};
    for (unsigned i = 0; i < 600; i++) {
        KC_AUTO_SECRET struct kc_secret token = KC_SECRET_INIT;
        struct jose_jws *jws = NULL;
        assert_int_equal(jose_sign(&signer, &i, sizeof i, &token), KC_OK);
        assert_int_equal(jose_jws_verify(set, token.bytes, token.length, &jws), KC_OK);
        jose_jws_free(jws);
    }
    jose_jwks_unref(set);
}

/* The tag, recomputed over what was signed. */
static void test_hmac(void **state)
{
    (void)state;
    static const char *const digests[] = {"SHA256", "SHA384", "SHA512"};
    KC_AUTO_SECRET struct kc_secret secret = KC_SECRET_INIT;
    assert_int_equal(kc_secret_set(&secret, "a secret of a client", 20), KC_OK);
    for (size_t i = 0; i < 3; i++) {
        KC_AUTO_SECRET struct kc_secret token = KC_SECRET_INIT;
        struct json_object *object = claims();
        assert_int_equal(jose_jws_sign_secret(&secret, algs[10 + i], object, &token), KC_OK);
        const char *text = kc_secret_text(&token), *dot = strrchr(text, '.');
        uint8_t tag[64];
        size_t length = 0;
        assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, digests[i], NULL, secret.bytes, secret.length,
            (const uint8_t *)text, (size_t)(dot - text), tag, sizeof tag, &length));
        char *expected = forge_encode(tag, length);
        assert_string_equal(dot + 1, expected);
        free(expected);
        json_object_put(object);
    }
}

static void test_header(void **state)
{
    (void)state;
    KC_AUTO_SECRET struct kc_secret token = KC_SECRET_INIT;
    struct jose_signer signer = {.key = forge_key("ED25519"), .alg = "EdDSA", .kid = "a\"b"};
    static const char *const headers[] = {"{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"a\\\"b\"}",
        "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"}"};
    for (size_t i = 0; i < 2; i++) {
        uint8_t header[128] = {0};
        size_t length = 0;
        assert_int_equal(jose_sign(&signer, "x", 1, &token), KC_OK);
        const char *text = kc_secret_text(&token);
        assert_int_equal(kc_base64url_decode(text, (size_t)(strchr(text, '.') - text), header,
                             sizeof header - 1, &length),
            KC_OK);
        assert_string_equal((const char *)header, headers[i]);
        signer.kid = NULL;
        signer.typ = "at+jwt";
    }
}

static void test_refused(void **state)
{
    (void)state;
    KC_AUTO_SECRET struct kc_secret token = KC_SECRET_INIT;
    KC_AUTO_SECRET struct kc_secret secret = KC_SECRET_INIT;
    KC_AUTO_SECRET struct kc_secret empty = KC_SECRET_INIT;
    assert_int_equal(kc_secret_set(&secret, "s", 1), KC_OK);
    assert_int_equal(kc_secret_set(&token, "before", 6), KC_OK);
    struct jose_signer signer = {.secret = &secret};
    static const char *const names[] = {"none", "", "HS1", "hs256", "HS256 "};
    for (size_t i = 0; i < 5; i++) {
        signer.alg = names[i];
        assert_int_equal(jose_sign(&signer, "x", 1, &token), KC_TOKEN_ALG_NOT_ALLOWED);
    }
    signer.alg = "RS256";
    assert_int_equal(jose_sign(&signer, "x", 1, &token), KC_TOKEN_KEY_UNFIT);
    signer.alg = "HS256";
    signer.secret = &empty;
    assert_int_equal(jose_sign(&signer, "x", 1, &token), KC_TOKEN_KEY_UNFIT);
    signer.secret = NULL;
    signer.key = forge_key("RSA-2048");
    assert_int_equal(jose_sign(&signer, "x", 1, &token), KC_TOKEN_KEY_UNFIT);
    signer.alg = "RS256";
    signer.key = forge_key("RSA-1024");
    assert_int_equal(jose_sign(&signer, "x", 1, &token), KC_TOKEN_KEY_UNFIT);
    signer.alg = "ES256";
    signer.key = forge_key("secp256k1");
    assert_int_equal(jose_sign(&signer, "x", 1, &token), KC_TOKEN_KEY_UNFIT);
    assert_string_equal(kc_secret_text(&token), "before");
}

/* A public key cannot sign, and says so without leaving anything behind. */
static void test_public_key_cannot_sign(void **state)
{
    (void)state;
    KC_AUTO_SECRET struct kc_secret token = KC_SECRET_INIT;
    struct json_object *object = NULL;
    struct jose_jwk jwk = {0};
    assert_int_equal(jose_jwk_export(forge_key("P-256"), NULL, NULL, &object), KC_OK);
    assert_int_equal(jose_jwk_read(object, &jwk), KC_OK);
    const struct jose_signer signer = {.key = jwk.key, .alg = "ES256"};
    assert_int_equal(jose_sign(&signer, "x", 1, &token), KC_SYSTEM);
    assert_int_equal(ERR_peek_error(), 0);
    jose_jwk_clear(&jwk);
    json_object_put(object);
}

static void test_alg_for(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *alg;
    } rows[] = {{"RSA-2048", "RS256"}, {"RSA-3072", "RS256"}, {"P-256", "ES256"},
        {"P-384", "ES384"}, {"P-521", "ES512"}, {"ED25519", "EdDSA"}, {"ED448", "EdDSA"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(jose_sign_alg_for(forge_key(rows[i].kind)), rows[i].alg);
    assert_null(jose_sign_alg_for(forge_key("RSA-1024")));
    assert_null(jose_sign_alg_for(forge_key("secp256k1")));
    EVP_PKEY *agreement = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    assert_null(jose_sign_alg_for(agreement));
    EVP_PKEY_free(agreement);
}

static enum kc_status read_pem(const char *text, size_t length, EVP_PKEY **ret_key)
{
    KC_AUTO_SECRET struct kc_secret pem = KC_SECRET_INIT;
    assert_int_equal(kc_secret_set(&pem, text, length), KC_OK);
    return jose_sign_key_read(&pem, ret_key);
}

static void test_key_read(void **state)
{
    (void)state;
    EVP_PKEY *key = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    assert_int_equal(
        PEM_write_bio_PKCS8PrivateKey(bio, forge_key("P-256"), NULL, NULL, 0, NULL, NULL), 1);
    size_t length = (size_t)BIO_get_mem_data(bio, &text);
    assert_int_equal(read_pem(text, length, &key), KC_OK);
    assert_int_equal(EVP_PKEY_eq(key, forge_key("P-256")), 1);
    EVP_PKEY_free(key);
    key = NULL;
    assert_int_equal(read_pem(text, length / 2, &key), KC_MALFORMED);
    assert_int_equal(read_pem("x", 1, &key), KC_MALFORMED);
    assert_int_equal(read_pem("", 0, &key), KC_MALFORMED);
    (void)BIO_reset(bio);
    char passphrase[] = "passphrase";
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, forge_key("P-256"), EVP_aes_128_cbc(),
                         passphrase, (int)strlen(passphrase), NULL, NULL),
        1);
    length = (size_t)BIO_get_mem_data(bio, &text);
    assert_int_equal(read_pem(text, length, &key), KC_MALFORMED);
    (void)BIO_reset(bio);
    assert_int_equal(PEM_write_bio_PUBKEY(bio, forge_key("P-256")), 1);
    length = (size_t)BIO_get_mem_data(bio, &text);
    assert_int_equal(read_pem(text, length, &key), KC_MALFORMED);
    assert_null(key);
    assert_int_equal(ERR_peek_error(), 0);
    BIO_free(bio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_ecdsa_many_times),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_public_key_cannot_sign),
        cmocka_unit_test(test_alg_for),
        cmocka_unit_test(test_key_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
