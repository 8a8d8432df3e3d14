/*
 * Lesson 24: each call into OpenSSL fails once, one after the other, while a token is verified and
 * while one is signed (ld --wrap). Whatever fails, no token counts and none is made.
 * Run by make check.
 */
#include "jose/jwks.h"
#include "jose/jws.h"
#include "jose/sign.h"
#include "tests/jose/forge.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static unsigned calls, failing; /* the call that fails; 0: none */

static bool fails(void)
{
    return failing && ++calls == failing;
}

#define WRAP(result, name, parameters, arguments, failure)                                         \
    result __real_##name parameters;                                                               \
    result __wrap_##name parameters;                                                               \
    result __wrap_##name parameters                                                                \
    {                                                                                              \
        return fails() ? (failure) : __real_##name arguments;                                      \
    }

WRAP(void *, calloc, (size_t count, size_t size), (count, size), NULL)
WRAP(EVP_MD_CTX *, EVP_MD_CTX_new, (void), (), NULL)
WRAP(int, EVP_DigestVerifyInit_ex,
    (EVP_MD_CTX * context, EVP_PKEY_CTX **options, const char *digest, OSSL_LIB_CTX *library,
        const char *properties, EVP_PKEY *key, const OSSL_PARAM *parameters),
    (context, options, digest, library, properties, key, parameters), 0)
WRAP(int, EVP_DigestSignInit_ex,
    (EVP_MD_CTX * context, EVP_PKEY_CTX **options, const char *digest, OSSL_LIB_CTX *library,
        const char *properties, EVP_PKEY *key, const OSSL_PARAM *parameters),
    (context, options, digest, library, properties, key, parameters), 0)
WRAP(
    int, EVP_PKEY_CTX_set_rsa_padding, (EVP_PKEY_CTX * options, int padding), (options, padding), 0)
WRAP(int, EVP_PKEY_CTX_set_rsa_pss_saltlen, (EVP_PKEY_CTX * options, int length), (options, length),
    0)
WRAP(int, EVP_DigestVerify,
    (EVP_MD_CTX * context, const unsigned char *mark, size_t mark_length,
        const unsigned char *message, size_t length),
    (context, mark, mark_length, message, length), -1)
WRAP(int, EVP_DigestSign,
    (EVP_MD_CTX * context, unsigned char *mark, size_t *mark_length, const unsigned char *message,
        size_t length),
    (context, mark, mark_length, message, length), 0)
WRAP(int, EVP_PKEY_get_bn_param, (const EVP_PKEY *key, const char *name, BIGNUM **ret_number),
    (key, name, ret_number), 0)
WRAP(BIGNUM *, BN_bin2bn, (const unsigned char *bytes, int length, BIGNUM *to), (bytes, length, to),
    NULL)
WRAP(int, BN_bn2binpad, (const BIGNUM *number, unsigned char *to, int length), (number, to, length),
    -1)
WRAP(ECDSA_SIG *, ECDSA_SIG_new, (void), (), NULL)
WRAP(int, ECDSA_SIG_set0, (ECDSA_SIG * pair, BIGNUM *r, BIGNUM *s), (pair, r, s), 0)
WRAP(int, i2d_ECDSA_SIG, (const ECDSA_SIG *pair, unsigned char **to), (pair, to), -1)
WRAP(ECDSA_SIG *, d2i_ECDSA_SIG, (ECDSA_SIG * *pair, const unsigned char **from, long length),
    (pair, from, length), NULL)

static const char *const algs[] = {"RS256", "PS256", "PS384", "ES256", "ES512", "EdDSA"};

static void test_lesson_24_verify(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        EVP_PKEY *key = forge_key(forge_kind(algs[i]));
        struct jose_jwks *set = forge_set_of(key, algs[i]);
        char *header = forge_text("{\"alg\":\"%s\",\"kid\":\"k1\"}", algs[i]);
        char *token = forge_token(header, "{\"a\":1}", key, algs[i]);
        enum kc_status status = KC_SYSTEM;
        for (failing = 1; status != KC_OK; failing++) {
            struct jose_jws *jws = NULL;
            calls = 0;
            status = jose_jws_verify(set, token, strlen(token), &jws);
            if (calls < failing) {
                assert_int_equal(status, KC_OK);
                jose_jws_free(jws);
            } else {
                assert_null(jws);
                assert_int_not_equal(status, KC_OK);
            }
            assert_int_equal(ERR_peek_error(), 0);
        }
        assert_in_range(failing, 4, 40); /* calls were there to fail */
        failing = 0;
        jose_jwks_unref(set);
        free(header);
        free(token);
    }
}

static void test_lesson_24_sign(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        const struct jose_signer signer = {
            .key = forge_key(forge_kind(algs[i])), .alg = algs[i], .kid = "k1"};
        enum kc_status status = KC_SYSTEM;
        for (failing = 1; status != KC_OK; failing++) {
            struct kc_secret token = KC_SECRET_INIT;
            calls = 0;
            status = jose_sign(&signer, "{}", 2, &token);
            assert_int_equal(status == KC_OK, calls < failing);
            assert_int_equal(status == KC_OK, token.length > 0);
            assert_int_equal(ERR_peek_error(), 0);
            kc_secret_wipe(&token);
        }
        assert_in_range(failing, 4, 40);
        failing = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lesson_24_verify),
        cmocka_unit_test(test_lesson_24_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
