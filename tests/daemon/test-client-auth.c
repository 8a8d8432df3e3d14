/*
 * Forms and client authentication: every byte of a password, RFC 6749 2.3.1, RFC 7523 assertions.
 * Lesson 22: passwords and secrets pass byte for byte.
 */
#include "daemon/client_auth.h"
#include "daemon/form.h"
#include "jose/json.h"
#include "jose/jwk.h"
#include "jose/jws.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A decoder of its own making, so that one mistake is not made twice. */
static size_t decode(const char *text, size_t length, uint8_t *to)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned value;
        if (text[i] == '%') {
            assert_true(i + 2 < length);
            assert_int_equal(sscanf(text + i + 1, "%2x", &value), 1);
            to[count++] = (uint8_t)value;
            i += 2;
        } else {
            to[count++] = text[i] == '+' ? ' ' : (uint8_t)text[i];
        }
    }
    return count;
}

static void test_all_bytes(void **state)
{
    uint8_t all[256], back[256];
    KC_AUTO_SECRET struct kc_secret form = KC_SECRET_INIT;
    (void)state;
    for (int i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    assert_int_equal(form_encode(&form, all, sizeof(all)), KC_OK);
    assert_int_equal(decode(kc_secret_text(&form), form.length, back), sizeof(all));
    assert_memory_equal(all, back, sizeof(all));
    for (size_t i = 0; i < form.length; i++)
        assert_true(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-._+%",
                        form.bytes[i]) != NULL);
}

static void test_form(void **state)
{
    KC_AUTO_SECRET struct kc_secret form = KC_SECRET_INIT;
    (void)state;
    assert_int_equal(form_add_text(&form, "grant_type", "password"), KC_OK);
    assert_int_equal(form_add(&form, "password", "a b%&+=/\0\xc3\xa4~", 12), KC_OK);
    assert_int_equal(form_add(&form, "empty", "", 0), KC_OK);
    assert_string_equal(kc_secret_text(&form),
        "grant_type=password&password=a+b%25%26%2B%3D%2F%00%C3%A4%7E&empty=");
}

static struct client_auth *make(
    enum client_auth_method method, const char *secret, const struct kc_secret *key)
{
    struct client_auth *client = NULL;
    KC_AUTO_SECRET struct kc_secret text = KC_SECRET_INIT;
    if (secret)
        assert_int_equal(kc_secret_set(&text, secret, strlen(secret)), KC_OK);
    struct client_auth_setting setting = {.method = method,
        .client_id = "linux pam:1",
        .secret = &text,
        .key = key,
        .certificate_file = method == CLIENT_AUTH_MTLS ? "/x.pem" : NULL};
    assert_int_equal(client_auth_new(&setting, &client), KC_OK);
    return client;
}

static void test_none_and_post(void **state)
{
    KC_AUTO_SECRET struct kc_secret form = KC_SECRET_INIT, other = KC_SECRET_INIT;
    KC_AUTO_SECRET struct kc_secret header = KC_SECRET_INIT;
    (void)state;
    struct client_auth *none = make(CLIENT_AUTH_NONE, NULL, NULL);
    assert_int_equal(client_auth_apply(none, "https://i", 1, &form, &header), KC_OK);
    assert_string_equal(kc_secret_text(&form), "client_id=linux+pam%3A1");
    struct client_auth *post = make(CLIENT_AUTH_POST, "s%&\xc3\xa4", NULL);
    assert_int_equal(client_auth_apply(post, "https://i", 1, &other, &header), KC_OK);
    assert_string_equal(
        kc_secret_text(&other), "client_id=linux+pam%3A1&client_secret=s%25%26%C3%A4");
    assert_int_equal(header.length, 0);
    client_auth_unref(none);
    client_auth_unref(post);
}

static void test_basic(void **state)
{
    KC_AUTO_SECRET struct kc_secret form = KC_SECRET_INIT, header = KC_SECRET_INIT;
    uint8_t pair[128];
    (void)state;
    struct client_auth *client = make(CLIENT_AUTH_BASIC, "a:b+c %\xc3\xa4", NULL);
    assert_int_equal(client_auth_apply(client, "https://i", 1, &form, &header), KC_OK);
    assert_int_equal(form.length, 0);
    assert_memory_equal(header.bytes, "Basic ", 6);
    assert_int_equal(header.length, strlen(kc_secret_text(&header)));
    int length = EVP_DecodeBlock(pair, header.bytes + 6, (int)(header.length - 6));
    assert_true(length > 0);
    pair[length] = 0;
    assert_string_equal((char *)pair, "linux+pam%3A1:a%3Ab%2Bc+%25%C3%A4");
    client_auth_unref(client);
}

static void check_claims(const char *payload, size_t length, int64_t now, char jti[64])
{
    JOSE_AUTO_JSON struct json_object *claims = NULL;
    const char *text;
    int64_t time;
    assert_int_equal(
        jose_json_parse_object(payload, length, &jose_json_token_limits, &claims), KC_OK);
    assert_int_equal(jose_json_string(claims, "iss", 64, &text, NULL), KC_OK);
    assert_string_equal(text, "linux pam:1");
    assert_int_equal(jose_json_string(claims, "sub", 64, &text, NULL), KC_OK);
    assert_string_equal(text, "linux pam:1");
    assert_int_equal(jose_json_string(claims, "aud", 64, &text, NULL), KC_OK);
    assert_string_equal(text, "https://sso.example.org/realms/x");
    assert_int_equal(jose_json_time(claims, "iat", &time), KC_OK);
    assert_int_equal(time, now);
    assert_int_equal(jose_json_time(claims, "exp", &time), KC_OK);
    assert_int_equal(time, now + 60);
    assert_int_equal(jose_json_string(claims, "jti", 63, &text, NULL), KC_OK);
    assert_in_range(strlen(text), 22, 63);
    strcpy(jti, text);
}

static char *assertion_of(struct client_auth *client, int64_t now, char *buffer, size_t size)
{
    static const char head[] =
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
        "&client_assertion=";
    KC_AUTO_SECRET struct kc_secret form = KC_SECRET_INIT, header = KC_SECRET_INIT;
    assert_int_equal(
        client_auth_apply(client, "https://sso.example.org/realms/x", now, &form, &header), KC_OK);
    assert_int_equal(header.length, 0);
    assert_memory_equal(form.bytes, head, sizeof(head) - 1);
    snprintf(buffer, size, "%s", kc_secret_text(&form) + sizeof(head) - 1);
    assert_null(strchr(buffer, '&'));
    return buffer;
}

static void check_key(EVP_PKEY *key, const char *alg)
{
    KC_AUTO_SECRET struct kc_secret pem = KC_SECRET_INIT;
    char *bytes, first[4096], jti[2][64];
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    long length = BIO_get_mem_data(bio, &bytes);
    assert_int_equal(kc_secret_set(&pem, bytes, (size_t)length), KC_OK);
    BIO_free(bio);
    struct client_auth *client = make(CLIENT_AUTH_KEY_JWT, NULL, &pem);

    struct json_object *jwk = NULL, *set = json_object_new_object();
    struct json_object *list = json_object_new_array();
    assert_int_equal(jose_jwk_export(key, NULL, alg, &jwk), KC_OK);
    json_object_array_add(list, jwk);
    json_object_object_add(set, "keys", list);
    const char *document = json_object_to_json_string(set);
    JOSE_AUTO_JWKS struct jose_jwks *keys = NULL;
    assert_int_equal(jose_jwks_read(document, strlen(document), &keys), KC_OK);
    json_object_put(set);
    for (int i = 0; i < 2; i++) {
        JOSE_AUTO_JWS struct jose_jws *jws = NULL;
        assertion_of(client, 1700000000, first, sizeof(first));
        assert_int_equal(jose_jws_verify(keys, first, strlen(first), &jws), KC_OK);
        size_t size;
        const char *payload = jose_jws_payload(jws, &size);
        check_claims(payload, size, 1700000000, jti[i]);
    }
    assert_string_not_equal(jti[0], jti[1]);
    client_auth_unref(client);
}

static void test_key_jwt(void **state)
{
    static const struct {
        const char *type, *argument, *alg;
    } kinds[] = {{"RSA", NULL, "RS256"}, {"EC", "P-256", "ES256"}, {"EC", "P-384", "ES384"},
        {"EC", "P-521", "ES512"}, {"ED25519", NULL, "EdDSA"}, {"ED448", NULL, "EdDSA"}};
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        EVP_PKEY *key = strcmp(kinds[i].type, "RSA") == 0
                            ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
                        : kinds[i].argument ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", kinds[i].argument)
                                            : EVP_PKEY_Q_keygen(NULL, NULL, kinds[i].type);
        assert_non_null(key);
        check_key(key, kinds[i].alg);
        EVP_PKEY_free(key);
    }
}

static void test_secret_jwt(void **state)
{
    static const char secret[] = "0123456789abcdef0123456789abcdef";
    char assertion[4096], jti[64];
    uint8_t mac[32], given[64], payload[1024];
    unsigned size = 0;
    (void)state;
    struct client_auth *client = make(CLIENT_AUTH_SECRET_JWT, secret, NULL);
    assertion_of(client, 1700000000, assertion, sizeof(assertion));
    char *dot = strrchr(assertion, '.');
    assert_non_null(HMAC(EVP_sha256(), secret, (int)strlen(secret), (uint8_t *)assertion,
        (size_t)(dot - assertion), mac, &size));
    for (char *c = assertion; *c; c++)
        *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    char padded[128];
    snprintf(padded, sizeof(padded), "%s=", dot + 1);
    assert_int_equal(EVP_DecodeBlock(given, (uint8_t *)padded, (int)strlen(padded)), 33);
    assert_memory_equal(given, mac, sizeof(mac));
    *dot = 0;
    char *middle = strchr(assertion, '.') + 1;
    char block[4200];
    size_t length = strlen(middle), pad = (4 - length % 4) % 4;
    snprintf(block, sizeof(block), "%s%.*s", middle, (int)pad, "===");
    int got = EVP_DecodeBlock(payload, (uint8_t *)block, (int)strlen(block));
    check_claims((char *)payload, (size_t)got - pad, 1700000000, jti);
    client_auth_unref(client);
}

static void test_incomplete(void **state)
{
    KC_AUTO_SECRET struct kc_secret empty = KC_SECRET_INIT, junk = KC_SECRET_INIT;
    struct client_auth *client = NULL;
    (void)state;
    assert_int_equal(kc_secret_set(&junk, "junk", 4), KC_OK);
    for (int method = CLIENT_AUTH_NONE; method <= CLIENT_AUTH_MTLS; method++) {
        struct client_auth_setting setting = {.method = (enum client_auth_method)method,
            .client_id = "",
            .secret = &junk,
            .key = &junk,
            .certificate_file = "/x"};
        assert_int_equal(client_auth_new(&setting, &client), KC_CONFIG_INVALID);
        setting.client_id = NULL;
        assert_int_equal(client_auth_new(&setting, &client), KC_CONFIG_INVALID);
        if (method == CLIENT_AUTH_NONE)
            continue;
        setting.client_id = "x";
        setting.secret = &empty;
        assert_int_equal(client_auth_new(&setting, &client), KC_CONFIG_INVALID);
        setting.key = NULL;
        setting.secret = NULL;
        assert_int_equal(client_auth_new(&setting, &client), KC_CONFIG_INVALID);
    }
    assert_null(client);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_bytes),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_none_and_post),
        cmocka_unit_test(test_basic),
        cmocka_unit_test(test_key_jwt),
        cmocka_unit_test(test_secret_jwt),
        cmocka_unit_test(test_incomplete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
