/*
 * Signatures that are none: numbers out of range, DER, wrong lengths, another salt.
 * Run by make check.
 * Lesson 13; the signatures are made by OpenSSL, not by jose/.
 */
#include "common/base64.h"
#include "jose/jws.h"
#include "tests/jose/forge.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
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

/* A token of that algorithm whose signature is these bytes. */
static enum kc_status with_signature(
    const struct jose_jwks *set, const char *alg, const uint8_t *signature, size_t length)
{
    char *header = header_for(alg);
    char *token = forge_assemble(header, "payload", 7, signature, length);
    enum kc_status status = verify(set, token);
    free(header);
    free(token);
    return status;
}

static const struct curve {
    const char *alg;
    size_t half;
    int group;
} curves[] = {
    {"ES256", 32, NID_X9_62_prime256v1},
    {"ES384", 48, NID_secp384r1},
    {"ES512", 66, NID_secp521r1},
};

static void test_lesson_13_r_and_s_out_of_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const struct curve *curve = &curves[i];
        struct jose_jwks *set = forge_set_of(forge_key(forge_kind(curve->alg)), curve->alg);
        uint8_t numbers[5][66];
        EC_GROUP *group = EC_GROUP_new_by_curve_name(curve->group);
        BIGNUM *order = BN_dup(EC_GROUP_get0_order(group));
        memset(numbers, 0, sizeof numbers);
        numbers[1][curve->half - 1] = 1;
        assert_true(BN_bn2binpad(order, numbers[2], (int)curve->half) > 0);
        assert_true(BN_add_word(order, 1));
        assert_true(BN_bn2binpad(order, numbers[3], (int)curve->half) > 0);
        memset(numbers[4], 0xff, sizeof numbers[4]);
        BN_free(order);
        EC_GROUP_free(group);
        for (size_t r = 0; r < 5; r++)
            for (size_t s = 0; s < 5; s++) {
                uint8_t signature[132];
                memcpy(signature, numbers[r], curve->half);
                memcpy(signature + curve->half, numbers[s], curve->half);
                assert_int_equal(with_signature(set, curve->alg, signature, 2 * curve->half),
                    KC_TOKEN_BAD_SIGNATURE);
            }
        jose_jwks_unref(set);
    }
}

/* A good signature + n in r or s, and n - s: the first two are other spellings, the third is valid.
 */
static void test_lesson_13_der_for_halves(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const struct curve *curve = &curves[i];
        EVP_PKEY *key = forge_key(forge_kind(curve->alg));
        struct jose_jwks *set = forge_set_of(key, curve->alg);
        char *token = good_token(key, curve->alg);
        uint8_t halves[256] = {0}, *der = NULL;
        size_t length = 0;
        const char *encoded = strrchr(token, '.') + 1;
        assert_int_equal(
            kc_base64url_decode(encoded, strlen(encoded), halves, sizeof halves, &length), KC_OK);
        assert_int_equal(length, 2 * curve->half);
        ECDSA_SIG *pair = ECDSA_SIG_new();
        assert_true(ECDSA_SIG_set0(pair, BN_bin2bn(halves, (int)curve->half, NULL),
            BN_bin2bn(halves + curve->half, (int)curve->half, NULL)));
        int der_length = i2d_ECDSA_SIG(pair, &der);
        assert_int_equal(
            with_signature(set, curve->alg, der, (size_t)der_length), KC_TOKEN_BAD_SIGNATURE);
        assert_int_equal(with_signature(set, curve->alg, halves, length), KC_OK);
        assert_int_equal(
            with_signature(set, curve->alg, halves, length - 1), KC_TOKEN_BAD_SIGNATURE);
        assert_int_equal(
            with_signature(set, curve->alg, halves, length + 1), KC_TOKEN_BAD_SIGNATURE);
        memmove(halves + 1, halves, length);
        halves[0] = 0;
        assert_int_equal(
            with_signature(set, curve->alg, halves, length + 1), KC_TOKEN_BAD_SIGNATURE);
        OPENSSL_free(der);
        ECDSA_SIG_free(pair);
        free(token);
        jose_jwks_unref(set);
    }
}

static void test_signature_lengths(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 63, 64, 65, 96, 114, 132, 255, 256, 257, 384, 2048};
    static const uint8_t zeros[2049];
    for (size_t i = 0; i < ALGS; i++) {
        struct jose_jwks *set = forge_set_of(forge_key(forge_kind(algs[i])), algs[i]);
        for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++)
            assert_int_equal(
                with_signature(set, algs[i], zeros, lengths[k]), KC_TOKEN_BAD_SIGNATURE);
        assert_int_equal(with_signature(set, algs[i], zeros, 2049), KC_TOKEN_MALFORMED);
        jose_jwks_unref(set);
    }
}

/* PSS with another salt length, and PKCS 1 under the name of PSS. */
static void test_pss_salt(void **state)
{
    (void)state;
    EVP_PKEY *key = forge_key("RSA-2048");
    struct jose_jwks *set = forge_set_of(key, "PS256");
    char *input = forge_assemble("{\"alg\":\"PS256\",\"kid\":\"k1\"}", "payload", 7, NULL, 0);
    static const int salts[] = {0, 20, 31, 32, 33, RSA_PSS_SALTLEN_MAX};
    for (size_t i = 0; i < sizeof salts / sizeof *salts; i++) {
        uint8_t signature[256];
        size_t length = sizeof signature;
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        EVP_PKEY_CTX *options = NULL;
        assert_true(EVP_DigestSignInit_ex(context, &options, "SHA256", NULL, NULL, key, NULL));
        assert_true(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salts[i]) > 0);
        assert_true(
            EVP_DigestSign(context, signature, &length, (const uint8_t *)input, strlen(input) - 1));
        EVP_MD_CTX_free(context);
        assert_int_equal(with_signature(set, "PS256", signature, length),
            salts[i] == 32 ? KC_OK : KC_TOKEN_BAD_SIGNATURE);
    }
    free(input);
    jose_jwks_unref(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lesson_13_r_and_s_out_of_range),
        cmocka_unit_test(test_lesson_13_der_for_halves),
        cmocka_unit_test(test_signature_lengths),
        cmocka_unit_test(test_pss_salt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
