/*
 * The JOSE cookbook (RFC 7520 sections 3 and 4, RFC 8037 appendix A): its signatures and its keys.
 * Run by make check.
 * What is asymmetric and compact verifies; the rest is refused with a status that says what it is.
 */
#include "jose/json.h"
#include "jose/jws.h"
#include "jose/limits.h"
#include "tests/jose/forge.h"
#include "tests/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The status alone. */
static enum kc_status verify(const struct jose_jwks *set, const char *token)
{
    struct jose_jws *jws = NULL;
    enum kc_status status = jose_jws_verify(set, token, strlen(token), &jws);
    assert_true((status == KC_OK) == (jws != NULL));
    jose_jws_free(jws);
    return status;
}

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
        cmocka_unit_test(test_cookbook_compact),
        cmocka_unit_test(test_cookbook_other_forms),
        cmocka_unit_test(test_cookbook_one_of_several),
        cmocka_unit_test(test_cookbook_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
