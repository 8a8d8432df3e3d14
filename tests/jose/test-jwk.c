/*
 * Keys and key sets: which are taken, which never are, and which one a token gets.
 * Run by make check.
 * Lesson 13: an RSA key without alg as an HMAC key; keys for something else.
 */
#include "jose/jwks.h"
#include "jose/json.h"
#include "jose/limits.h"
#include "tests/jose/forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static enum kc_status read_jwk(const char *text, struct jose_jwk *ret_jwk)
{
    struct json_object *object = NULL;
    assert_int_equal(
        jose_json_parse_object(text, strlen(text), &jose_json_jwks_limits, &object), KC_OK);
    enum kc_status status = jose_jwk_read(object, ret_jwk);
    json_object_put(object);
    return status;
}

/* The status alone. */
static enum kc_status takes(const char *text)
{
    struct jose_jwk jwk = {0};
    enum kc_status status = read_jwk(text, &jwk);
    jose_jwk_clear(&jwk);
    return status;
}

static enum kc_status takes_with(EVP_PKEY *key, const char *members)
{
    char *text = forge_jwk(key, members);
    enum kc_status status = takes(text);
    free(text);
    return status;
}

static const char *const kinds[] = {
    "RSA-2048", "RSA-3072", "P-256", "P-384", "P-521", "ED25519", "ED448"};
#define KINDS (sizeof kinds / sizeof *kinds)

static void test_every_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct jose_jwk jwk = {0};
        char *text = forge_jwk(forge_key(kinds[i]), "\"kid\":\"k1\",\"use\":\"sig\"");
        assert_int_equal(read_jwk(text, &jwk), KC_OK);
        assert_string_equal(jwk.kid, "k1");
        assert_null(jwk.alg);
        assert_int_equal(EVP_PKEY_eq(jwk.key, forge_key(kinds[i])), 1);
        jose_jwk_clear(&jwk);
        free(text);
    }
}

static void test_alg_fits_kind(void **state)
{
    (void)state;
    static const struct {
        const char *alg;
        const char *kinds; /* those that it fits */
    } rows[] = {{"RS256", "RSA-2048 RSA-3072"}, {"RS384", "RSA-2048 RSA-3072"},
        {"RS512", "RSA-2048 RSA-3072"}, {"PS256", "RSA-2048 RSA-3072"},
        {"PS384", "RSA-2048 RSA-3072"}, {"PS512", "RSA-2048 RSA-3072"}, {"ES256", "P-256"},
        {"ES384", "P-384"}, {"ES512", "P-521"}, {"EdDSA", "ED25519 ED448"}, {"HS256", ""},
        {"HS384", ""}, {"HS512", ""}, {"RSA-OAEP", ""}, {"ECDH-ES", ""}, {"none", ""}, {"", ""},
        {"rs256", ""}, {"RS2560", ""}, {"RS25", ""}, {"ES256K", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *members = forge_text("\"alg\":\"%s\"", rows[i].alg);
        for (size_t k = 0; k < KINDS; k++)
            assert_int_equal(takes_with(forge_key(kinds[k]), members),
                strstr(rows[i].kinds, kinds[k]) ? KC_OK : KC_TOKEN_KEY_UNFIT);
        free(members);
    }
}

static void test_use_and_operations(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        enum kc_status status;
    } rows[] = {{"", KC_OK}, {"\"use\":\"sig\"", KC_OK}, {"\"use\":\"enc\"", KC_TOKEN_KEY_UNFIT},
        {"\"use\":\"SIG\"", KC_TOKEN_KEY_UNFIT}, {"\"use\":\"\"", KC_TOKEN_KEY_UNFIT},
        {"\"use\":[\"sig\"]", KC_MALFORMED}, {"\"use\":null", KC_MALFORMED},
        {"\"use\":\"sig\",\"use\":\"enc\"", KC_TOKEN_DUPLICATE_MEMBER},
        {"\"use\":\"sig\",\"use\":\"sig\"", KC_TOKEN_DUPLICATE_MEMBER},
        {"\"key_ops\":[\"verify\"]", KC_OK}, {"\"key_ops\":[\"sign\",\"verify\"]", KC_OK},
        {"\"key_ops\":[\"sign\"]", KC_TOKEN_KEY_UNFIT}, {"\"key_ops\":[]", KC_TOKEN_KEY_UNFIT},
        {"\"key_ops\":\"verify\"", KC_MALFORMED}, {"\"key_ops\":[1]", KC_MALFORMED},
        {"\"kid\":1", KC_MALFORMED}, {"\"kid\":\"a\\u0000b\"", KC_MALFORMED},
        {"\"alg\":1", KC_MALFORMED}, {"\"x5c\":[\"what\"],\"x5t\":1,\"other\":{}", KC_OK},
        {"\"d\":\"AAAA\"", KC_OK}, {"\"crv\":\"P-256\"", KC_OK}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(takes_with(forge_key("RSA-2048"), rows[i].members), rows[i].status);
    char *kid = forge_text("\"kid\":\"%0*d\"", JOSE_KID_BYTES, 1);
    assert_int_equal(takes_with(forge_key("P-256"), kid), KC_OK);
    free(kid);
    kid = forge_text("\"kid\":\"%0*d\"", JOSE_KID_BYTES + 1, 1);
    assert_int_equal(takes_with(forge_key("P-256"), kid), KC_TOO_LARGE);
    free(kid);
}

/* --- keys that are never taken ------------------------------------------------------------- */

static void test_lesson_13_symmetric_keys(void **state)
{
    (void)state;
    assert_int_equal(takes("{\"kty\":\"oct\",\"k\":\"AAAA\"}"), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(
        takes("{\"kty\":\"oct\",\"k\":\"AAAA\",\"alg\":\"HS256\"}"), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(
        takes("{\"kty\":\"oct\",\"k\":\"AAAA\",\"alg\":\"RS256\"}"), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes("{\"kty\":\"oct\",\"k\":\"\",\"alg\":\"none\"}"), KC_TOKEN_KEY_UNFIT);
}

/* A number of `bytes` bytes, all 0xff, in base64url. */
static char *big_number(size_t bytes)
{
    uint8_t *number = malloc(bytes);
    memset(number, 0xff, bytes);
    char *text = forge_encode(number, bytes);
    free(number);
    return text;
}

static enum kc_status takes_rsa(size_t bytes, const char *e)
{
    char *n = big_number(bytes);
    char *text = forge_text("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", n, e);
    enum kc_status status = takes(text);
    free(text);
    free(n);
    return status;
}

static void test_rsa_sizes(void **state)
{
    (void)state;
    assert_int_equal(takes_rsa(128, "AQAB"), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_rsa(255, "AQAB"), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_rsa(256, "AQAB"), KC_OK);
    assert_int_equal(takes_rsa(2048, "AQAB"), KC_OK);
    assert_int_equal(takes_rsa(2049, "AQAB"), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_rsa(20000, "AQAB"), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_rsa(256, "Aw"), KC_OK);
    assert_int_equal(takes_rsa(256, "AQ"), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_rsa(256, "AA"), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_rsa(256, ""), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_rsa(256, "AQAA"), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_rsa(256, "________________"), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_rsa(256, "__________8"), KC_OK);
    assert_int_equal(takes_rsa(256, "Af__________"), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_rsa(256, "AQAB=="), KC_MALFORMED);
    assert_int_equal(takes_rsa(256, "A QAB"), KC_MALFORMED);
}

static void test_members_missing(void **state)
{
    (void)state;
    static const char *const texts[] = {"{}", "{\"kty\":\"RSA\"}",
        "{\"kty\":\"RSA\",\"n\":\"AQAB\"}", "{\"kty\":1}",
        "{\"kty\":\"RSA\",\"n\":65537,\"e\":\"AQAB\"}", "{\"kty\":\"EC\",\"crv\":\"P-256\"}",
        "{\"kty\":\"EC\",\"crv\":1}", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(takes(texts[i]), KC_MALFORMED);
    assert_int_equal(takes("{\"kty\":\"EC\"}"), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes("{\"kty\":\"rsa\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes("{\"kty\":\"RSA\",\"kty\":\"RSA\"}"), KC_TOKEN_DUPLICATE_MEMBER);
}

static enum kc_status takes_point(const char *kty, const char *crv, size_t x, size_t y, int fill)
{
    uint8_t bytes[128];
    memset(bytes, fill, sizeof bytes);
    char *first = forge_encode(bytes, x), *second = forge_encode(bytes, y);
    char *text = forge_text(
        "{\"kty\":\"%s\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}", kty, crv, first, second);
    enum kc_status status = takes(text);
    free(text);
    free(first);
    free(second);
    return status;
}

static void test_points_that_are_none(void **state)
{
    (void)state;
    assert_int_equal(takes_point("EC", "P-256", 32, 32, 1), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_point("EC", "P-256", 32, 32, 0), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_point("EC", "P-256", 32, 32, 0xff), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_point("EC", "P-384", 48, 48, 1), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_point("EC", "P-521", 66, 66, 1), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_point("EC", "secp256k1", 32, 32, 1), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_point("EC", "Ed25519", 32, 32, 1), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_point("OKP", "P-256", 32, 32, 1), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_point("OKP", "X25519", 32, 32, 1), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_point("OKP", "X448", 56, 56, 1), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_point("OKP", "Ed25519", 31, 0, 1), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_point("OKP", "Ed25519", 33, 0, 1), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(takes_point("OKP", "Ed448", 32, 0, 1), KC_TOKEN_KEY_UNFIT);
}

/* A real point with a coordinate one byte short or long of the field. */
static void test_coordinates_of_full_length(void **state)
{
    (void)state;
    char *good = forge_jwk(forge_key("P-256"), "");
    assert_int_equal(takes(good), KC_OK);
    struct json_object *object = NULL, *x = NULL;
    assert_int_equal(
        jose_json_parse_object(good, strlen(good), &jose_json_jwks_limits, &object), KC_OK);
    assert_int_equal(jose_json_member(object, "x", &x), KC_OK);
    char *longer = forge_text("AAAA%s", json_object_get_string(x));
    json_object_object_add(object, "x", json_object_new_string(longer));
    assert_int_equal(takes(json_object_to_json_string(object)), KC_TOKEN_KEY_UNFIT);
    json_object_object_add(object, "x", json_object_new_string("AAAA"));
    assert_int_equal(takes(json_object_to_json_string(object)), KC_TOKEN_KEY_UNFIT);
    json_object_put(object);
    free(longer);
    free(good);
}

static void test_export(void **state)
{
    (void)state;
    struct json_object *object = NULL;
    for (size_t i = 0; i < KINDS; i++) {
        assert_int_equal(jose_jwk_export(forge_key(kinds[i]), "k", NULL, &object), KC_OK);
        assert_false(json_object_object_get_ex(object, "d", NULL));
        assert_string_equal(json_object_get_string(json_object_object_get(object, "use")), "sig");
        json_object_put(object);
        object = NULL;
    }
    assert_int_equal(
        jose_jwk_export(forge_key("RSA-1024"), "k", NULL, &object), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(
        jose_jwk_export(forge_key("secp256k1"), "k", NULL, &object), KC_TOKEN_KEY_UNFIT);
    assert_int_equal(
        jose_jwk_export(forge_key("P-256"), "k", "RS256", &object), KC_TOKEN_KEY_UNFIT);
    EVP_PKEY *agreement = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    assert_int_equal(jose_jwk_export(agreement, "k", NULL, &object), KC_TOKEN_KEY_UNFIT);
    EVP_PKEY_free(agreement);
    assert_null(object);
}

/* --- sets ---------------------------------------------------------------------------------- */

static enum kc_status reads_set(const char *document)
{
    struct jose_jwks *set = NULL;
    enum kc_status status = jose_jwks_read(document, strlen(document), &set);
    jose_jwks_unref(set);
    return status;
}

static void test_documents(void **state)
{
    (void)state;
    assert_int_equal(reads_set("{\"keys\":[]}"), KC_OK);
    assert_int_equal(reads_set("{\"keys\":[{}]}"), KC_OK);
    assert_int_equal(reads_set(""), KC_MALFORMED);
    assert_int_equal(reads_set("[]"), KC_MALFORMED);
    assert_int_equal(reads_set("{}"), KC_MALFORMED);
    assert_int_equal(reads_set("{\"keys\":{}}"), KC_MALFORMED);
    assert_int_equal(reads_set("{\"keys\":[1]}"), KC_MALFORMED);
    assert_int_equal(reads_set("{\"keys\":[null]}"), KC_MALFORMED);
    assert_int_equal(reads_set("{\"keys\":[]} x"), KC_MALFORMED);
    assert_int_equal(reads_set("<html>"), KC_MALFORMED);
    assert_int_equal(reads_set("{\"keys\":[],\"keys\":[]}"), KC_TOKEN_DUPLICATE_MEMBER);
}

static void test_set_limits(void **state)
{
    (void)state;
    char document[16 * 1024] = "{\"keys\":[{}";
    for (size_t i = 1; i < JOSE_JWKS_KEYS; i++)
        strcat(document, ",{}");
    char *most = forge_text("%s]}", document), *more = forge_text("%s,{}]}", document);
    struct jose_jwks *set = forge_set(most);
    assert_int_equal(jose_jwks_count(set), 0);
    assert_int_equal(jose_jwks_skipped(set), JOSE_JWKS_KEYS);
    jose_jwks_unref(set);
    assert_int_equal(reads_set(more), KC_TOO_LARGE);
    free(most);
    free(more);
    char *wide = forge_text("{\"keys\":[]%*s}", (int)JOSE_JWKS_BYTES, "");
    assert_int_equal(reads_set(wide), KC_TOO_LARGE);
    free(wide);
}

/* What Keycloak publishes: a signature key, an encryption key, a key of a kind nobody knows yet. */
static void test_find(void **state)
{
    (void)state;
    char *rsa = forge_jwk(forge_key("RSA-2048"), "\"kid\":\"a\",\"use\":\"sig\",\"alg\":\"RS256\"");
    char *enc =
        forge_jwk(forge_key("RSA-3072"), "\"kid\":\"b\",\"use\":\"enc\",\"alg\":\"RSA-OAEP\"");
    char *any = forge_jwk(forge_key("RSA-3072"), "\"kid\":\"c\"");
    char *ec = forge_jwk(forge_key("P-256"), "\"kid\":\"c\"");
    char *bare = forge_jwk(forge_key("P-384"), "\"use\":\"sig\"");
    char *document = forge_text(
        "{\"keys\":[%s,%s,{\"kty\":\"AKP\",\"kid\":\"z\"},%s,%s,%s]}", rsa, enc, any, ec, bare);
    struct jose_jwks *set = forge_set(document);
    const struct jose_jwk *jwk = NULL;
    assert_int_equal(jose_jwks_count(set), 4);
    assert_int_equal(jose_jwks_skipped(set), 2);
    static const struct {
        const char *kid, *alg;
        enum kc_status status;
        const char *kind;
    } rows[] = {{"a", "RS256", KC_OK, "RSA-2048"}, {"a", "RS512", KC_TOKEN_KEY_UNFIT, NULL},
        {"a", "PS256", KC_TOKEN_KEY_UNFIT, NULL}, {"a", "ES256", KC_TOKEN_KEY_UNFIT, NULL},
        {"b", "RS256", KC_TOKEN_KEY_UNKNOWN, NULL}, {"z", "EdDSA", KC_TOKEN_KEY_UNKNOWN, NULL},
        {"c", "RS256", KC_OK, "RSA-3072"}, {"c", "PS512", KC_OK, "RSA-3072"},
        {"c", "ES256", KC_OK, "P-256"}, {"c", "ES384", KC_TOKEN_KEY_UNFIT, NULL},
        {"", "ES384", KC_TOKEN_KEY_UNKNOWN, NULL}, {"A", "RS256", KC_TOKEN_KEY_UNKNOWN, NULL},
        {"aa", "RS256", KC_TOKEN_KEY_UNKNOWN, NULL},
        /* Without a kid: the only key that fits, or none. */
        {NULL, "ES384", KC_OK, "P-384"}, {NULL, "ES256", KC_OK, "P-256"},
        {NULL, "RS512", KC_OK, "RSA-3072"}, {NULL, "RS256", KC_TOKEN_KEY_UNKNOWN, NULL},
        {NULL, "EdDSA", KC_TOKEN_KEY_UNKNOWN, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct jose_alg *alg = jose_alg_find(rows[i].alg, strlen(rows[i].alg));
        assert_int_equal(jose_jwks_find(set, rows[i].kid, alg, &jwk), rows[i].status);
        if (rows[i].kind)
            assert_int_equal(EVP_PKEY_eq(jwk->key, forge_key(rows[i].kind)), 1);
    }
    jose_jwks_unref(set);
    free(rsa);
    free(enc);
    free(any);
    free(ec);
    free(bare);
    free(document);
}

static void test_holders(void **state)
{
    (void)state;
    struct jose_jwks *set = forge_set("{\"keys\":[]}");
    struct jose_jwks *second = jose_jwks_ref(set);
    jose_jwks_unref(set);
    assert_int_equal(jose_jwks_count(second), 0);
    jose_jwks_unref(second);
    jose_jwks_unref(NULL);
    assert_null(jose_jwks_ref(NULL));
    const struct jose_jwk *jwk = NULL;
    assert_int_equal(
        jose_jwks_find(NULL, "k1", jose_alg_find("RS256", 5), &jwk), KC_TOKEN_KEY_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_alg_fits_kind),
        cmocka_unit_test(test_use_and_operations),
        cmocka_unit_test(test_lesson_13_symmetric_keys),
        cmocka_unit_test(test_rsa_sizes),
        cmocka_unit_test(test_members_missing),
        cmocka_unit_test(test_points_that_are_none),
        cmocka_unit_test(test_coordinates_of_full_length),
        cmocka_unit_test(test_export),
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_set_limits),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_holders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
