/*
 * Signatures: every algorithm, every way that somebody else was fooled, the JOSE cookbook.
 * Run by make check.
 * Lesson 13 throughout; the signatures are made by forge.c and by OpenSSL, not by jose/.
 */
#include "jose/jws.h"
#include "jose/json.h"
#include "jose/limits.h"
#include "common/base64.h"
#include "tests/jose/forge.h"
#include "tests/vectors.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
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

/* --- signatures that are none -------------------------------------------------------------- */

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

/* --- the JOSE cookbook (RFC 7520 section 4, RFC 8037 appendix A) ---------------------------- */

/* A member by a path of names; NULL where it is not there. */
static struct json_object *dig(struct json_object *object, const char *a, const char *b)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(object, a, &value))
        return NULL;
    return json_object_object_get(value, b);
}

static struct json_object *cookbook(const char *name)
{
    char *relative = forge_text("jose-cookbook/%s", name);
    char *path = vectors_path(relative);
    size_t length = 0;
    char *text = vectors_read(path, &length);
    struct json_object *object = NULL;
    assert_non_null(text);
    assert_int_equal(
        jose_json_parse_object(text, length, &jose_json_answer_limits, &object), KC_OK);
    free(text);
    free(path);
    free(relative);
    return object;
}

static void check_example(const char *name, enum kc_status expected)
{
    struct json_object *example = cookbook(name);
    char *document =
        forge_text("{\"keys\":[%s]}", json_object_to_json_string(dig(example, "input", "key")));
    struct jose_jwks *set = forge_set(document);
    const char *token = json_object_get_string(dig(example, "output", "compact"));
    struct jose_jws *jws = NULL;
    size_t length = 0;
    enum kc_status status = jose_jws_verify(set, token, strlen(token), &jws);
    if (status != expected)
        fail_msg("%s: %s", name, kc_status_word(status));
    if (status == KC_OK)
        assert_string_equal(jose_jws_payload(jws, &length),
            json_object_get_string(dig(example, "input", "payload")));
    jose_jws_free(jws);
    jose_jwks_unref(set);
    free(document);
    json_object_put(example);
}

static void test_cookbook_compact(void **state)
{
    (void)state;
    check_example("jws/4_1.rsa_v15_signature.json", KC_OK);
    check_example("jws/4_2.rsa-pss_signature.json", KC_OK);
    check_example("jws/4_3.ecdsa_signature.json", KC_OK);
    check_example("curve25519/jws.json", KC_OK);
    check_example("jws/4_4.hmac-sha2_integrity_protection.json", KC_TOKEN_SYMMETRIC);
}

/* The examples without a compact form: detached content, unprotected header, several signatures. */
static void test_cookbook_other_forms(void **state)
{
    (void)state;
    static const char *const names[] = {"jws/4_5.signature_with_detached_content.json",
        "jws/4_6.protecting_specific_header_fields.json", "jws/4_7.protecting_content_only.json",
        "jws/4_8.multiple_signatures.json"};
    struct jose_jwks *set = forge_set("{\"keys\":[]}");
    for (size_t i = 0; i < 4; i++) {
        struct json_object *example = cookbook(names[i]);
        struct json_object *compact = dig(example, "output", "compact");
        if (compact)
            assert_int_equal(verify(set, json_object_get_string(compact)), KC_TOKEN_SYMMETRIC);
        assert_int_equal(verify(set, json_object_to_json_string(dig(example, "output", "json"))),
            KC_TOKEN_MALFORMED);
        json_object_put(example);
    }
    jose_jwks_unref(set);
}

/* The first of section 4.8's three signatures is compact once its parts are put together. */
static void test_cookbook_one_of_several(void **state)
{
    (void)state;
    struct json_object *example = cookbook("jws/4_8.multiple_signatures.json");
    struct json_object *keys = dig(example, "input", "key");
    struct json_object *output = dig(example, "output", "json");
    struct json_object *first =
        json_object_array_get_idx(json_object_object_get(output, "signatures"), 0);
    char *document = forge_text("{\"keys\":%s}", json_object_to_json_string(keys));
    char *token =
        forge_text("%s.%s.%s", json_object_get_string(json_object_object_get(first, "protected")),
            json_object_get_string(json_object_object_get(output, "payload")),
            json_object_get_string(json_object_object_get(first, "signature")));
    struct jose_jwks *set = forge_set(document);
    assert_int_equal(jose_jwks_count(set), 2);
    assert_int_equal(jose_jwks_skipped(set), 1);
    assert_int_equal(verify(set, token), KC_OK);
    jose_jwks_unref(set);
    free(document);
    free(token);
    json_object_put(example);
}

static void test_cookbook_keys(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t count;
    } rows[] = {{"jwk/3_1.ec_public_key.json", 1}, {"jwk/3_2.ec_private_key.json", 1},
        {"jwk/3_3.rsa_public_key.json", 1}, {"jwk/3_4.rsa_private_key.json", 1},
        {"jwk/3_5.symmetric_key_mac_computation.json", 0},
        {"jwk/3_6.symmetric_key_encryption.json", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json_object *key = cookbook(rows[i].name);
        char *document = forge_text("{\"keys\":[%s]}", json_object_to_json_string(key));
        struct jose_jwks *set = forge_set(document);
        assert_int_equal(jose_jwks_count(set), rows[i].count);
        jose_jwks_unref(set);
        free(document);
        json_object_put(key);
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
        cmocka_unit_test(test_lesson_13_r_and_s_out_of_range),
        cmocka_unit_test(test_lesson_13_der_for_halves),
        cmocka_unit_test(test_signature_lengths),
        cmocka_unit_test(test_pss_salt),
        cmocka_unit_test(test_every_byte_counts),
        cmocka_unit_test(test_cookbook_compact),
        cmocka_unit_test(test_cookbook_other_forms),
        cmocka_unit_test(test_cookbook_one_of_several),
        cmocka_unit_test(test_cookbook_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
