/*
 * Access tokens: each claim failing alone denies, each with its own word.
 * Run by make check.
 * Lessons 2 to 5, 12, 14 and 15; the claims are those of a real Keycloak's token.
 */
#include "jose/json.h"
#include "jose/jwt.h"
#include "jose/limits.h"
#include "tests/jose/forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define HEADER "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}"
#define NOW 1700000000
#define ISSUER "https://id.example.test/realms/linux"

static const char claims_text[] =
    "{\"exp\":1700000300,\"iat\":1700000000,\"jti\":\"onrtro:5ae0c7e3-8c2f-4b4e-9d7e-0c2f\","
    "\"iss\":\"" ISSUER "\",\"aud\":[\"linux-nss\",\"account\"],"
    "\"sub\":\"1f0c3f2e-7a39-4e6e-8f0c-2a1b3c4d5e6f\",\"typ\":\"Bearer\",\"azp\":\"linux-pam\","
    "\"sid\":\"Zk3b\",\"acr\":\"1\",\"realm_access\":{\"roles\":[\"offline_access\",\"user\"]},"
    "\"resource_access\":{\"account\":{\"roles\":[\"view-profile\"]}},"
    "\"scope\":\"email profile\",\"email_verified\":true,\"name\":\"Ada L\","
    "\"groups\":[\"/linux-users\"],\"preferred_username\":\"ada\"}";

static const struct jwt_expect expect_ada = {
    .issuer = ISSUER, .client_id = "linux-pam", .user = "ada", .now = NOW + 10, .skew = 0};

static struct jose_jwks *keys;

/* The status alone of a token with these claims. */
static enum kc_status verify_as(
    const char *header, const char *claims, const struct jwt_expect *expect)
{
    struct jose_jwt *jwt = NULL;
    char *token = forge_token(header, claims, forge_key("RSA-2048"), "RS256");
    enum kc_status status = jose_jwt_verify(keys, token, strlen(token), expect, &jwt);
    assert_true((status == KC_OK) == (jwt != NULL));
    jose_jwt_free(jwt);
    free(token);
    return status;
}

static enum kc_status verify(const char *claims, const struct jwt_expect *expect)
{
    return verify_as(HEADER, claims, expect);
}

/* The claims with one of them replaced by JSON text, or gone where that is NULL. */
static char *claims_but(const char *name, const char *spelled)
{
    struct json_object *claims = NULL;
    assert_int_equal(
        jose_json_parse_object(claims_text, strlen(claims_text), &jose_json_token_limits, &claims),
        KC_OK);
    json_object_object_del(claims, name);
    const char *rest = json_object_to_json_string_ext(
        claims, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    char *text = spelled ? forge_text("{\"%s\":%s,%s", name, spelled, rest + 1) : strdup(rest);
    json_object_put(claims);
    return text;
}

static enum kc_status verify_but(const char *name, const char *spelled)
{
    char *claims = claims_but(name, spelled);
    enum kc_status status = verify(claims, &expect_ada);
    free(claims);
    return status;
}

struct row {
    const char *name;
    const char *spelled; /* NULL: the claim is gone */
    enum kc_status status;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum kc_status status = verify_but(rows[i].name, rows[i].spelled);
        if (status != rows[i].status)
            fail_msg("%s %s: %s, not %s", rows[i].name, rows[i].spelled ? rows[i].spelled : "gone",
                kc_status_word(status), kc_status_word(rows[i].status));
    }
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

static void test_good_token(void **state)
{
    (void)state;
    struct jose_jwt *jwt = NULL;
    struct json_object *groups = NULL;
    size_t length = 0;
    char *token = forge_token(HEADER, claims_text, forge_key("RSA-2048"), "RS256");
    assert_int_equal(jose_jwt_verify(keys, token, strlen(token), &expect_ada, &jwt), KC_OK);
    assert_int_equal(jose_jwt_expires(jwt), 1700000300);
    assert_int_equal(jose_jwt_issued(jwt), 1700000000);
    assert_string_equal(jose_jwt_subject(jwt), "1f0c3f2e-7a39-4e6e-8f0c-2a1b3c4d5e6f");
    assert_string_equal(jose_jwt_payload(jwt, &length), claims_text);
    assert_int_equal(length, strlen(claims_text));
    assert_int_equal(jose_json_array(jose_jwt_claims(jwt), "groups", &groups), KC_OK);
    assert_int_equal(json_object_array_length(groups), 1);
    jose_jwt_free(jwt);
    jose_jwt_free(NULL);
    free(token);
}

/* --- lesson 12: each failing alone denies --------------------------------------------------- */

static void test_lesson_12_issuer(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"iss", "\"" ISSUER "\"", KC_OK},
        {"iss", "\"" ISSUER "/\"", KC_TOKEN_WRONG_ISSUER},
        {"iss", "\"https://id.example.test/realms/linu\"", KC_TOKEN_WRONG_ISSUER},
        {"iss", "\"https://id.example.test/realms/linux2\"", KC_TOKEN_WRONG_ISSUER},
        {"iss", "\"https://ID.example.test/realms/linux\"", KC_TOKEN_WRONG_ISSUER},
        {"iss", "\"http://id.example.test/realms/linux\"", KC_TOKEN_WRONG_ISSUER},
        {"iss", "\"\"", KC_TOKEN_WRONG_ISSUER},
        {"iss", "\"" ISSUER "\\u0000\"", KC_TOKEN_MALFORMED},
        {"iss", "[\"" ISSUER "\"]", KC_TOKEN_MALFORMED},
        {"iss", "1", KC_TOKEN_MALFORMED},
        {"iss", "null", KC_TOKEN_MALFORMED},
        {"iss", NULL, KC_TOKEN_CLAIM_MISSING},
    };
    CHECK_ROWS(rows);
}

static void test_lesson_12_client(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"azp", "\"linux-pam\"", KC_OK},
        {"azp", "\"linux-pam2\"", KC_TOKEN_WRONG_CLIENT},
        {"azp", "\"linux\"", KC_TOKEN_WRONG_CLIENT},
        {"azp", "\"Linux-pam\"", KC_TOKEN_WRONG_CLIENT},
        {"azp", "\"\"", KC_TOKEN_WRONG_CLIENT},
        {"azp", "\"linux-pam\\u0000\"", KC_TOKEN_MALFORMED},
        {"azp", "[\"linux-pam\"]", KC_TOKEN_MALFORMED},
        {"azp", "null", KC_TOKEN_MALFORMED},
        {"azp", NULL, KC_TOKEN_CLAIM_MISSING},
        /* That another client's token names ours in its audience changes nothing. */
        {"aud", "[\"linux-pam\"]", KC_OK},
    };
    CHECK_ROWS(rows);
    char *others = claims_but("azp", "\"other\"");
    char *audience = claims_but("aud", "\"linux-pam\"");
    assert_int_equal(verify(others, &expect_ada), KC_TOKEN_WRONG_CLIENT);
    assert_int_equal(verify(audience, &expect_ada), KC_OK);
    free(others);
    free(audience);
}

static void test_lesson_12_expiry(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"exp", "1700000011", KC_OK},
        {"exp", "1700000010", KC_TOKEN_EXPIRED},
        {"exp", "1700000009", KC_TOKEN_EXPIRED},
        {"exp", "1700000010.9", KC_TOKEN_EXPIRED},
        {"exp", "1.7000003e9", KC_OK},
        {"exp", "0", KC_TOKEN_EXPIRED},
        {"exp", "-1", KC_TOKEN_MALFORMED},
        {"exp", "\"1700000300\"", KC_TOKEN_MALFORMED},
        {"exp", "\"\"", KC_TOKEN_MALFORMED},
        {"exp", "null", KC_TOKEN_MALFORMED},
        {"exp", "true", KC_TOKEN_MALFORMED},
        {"exp", "[1700000300]", KC_TOKEN_MALFORMED},
        {"exp", NULL, KC_TOKEN_CLAIM_MISSING},
    };
    CHECK_ROWS(rows);
}

static void test_lesson_14_expiry_that_never_ends(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"exp", "1e400", KC_TOKEN_MALFORMED},
        {"exp", "1e300", KC_TOKEN_MALFORMED},
        {"exp", "1e16", KC_TOKEN_MALFORMED},
        {"exp", "9223372036854775807", KC_TOKEN_MALFORMED},
        {"exp", "9223372036854775808", KC_TOKEN_MALFORMED},
        {"exp", "18446744073709551616", KC_TOKEN_MALFORMED},
        {"exp", "NaN", KC_TOKEN_MALFORMED},
        {"exp", "Infinity", KC_TOKEN_MALFORMED},
        {"exp", "0x7fffffff", KC_TOKEN_MALFORMED},
    };
    CHECK_ROWS(rows);
}

static void test_lesson_12_not_before(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"nbf", "1700000010", KC_OK},
        {"nbf", "1700000011", KC_TOKEN_NOT_YET_VALID},
        {"nbf", "0", KC_OK},
        {"nbf", "\"0\"", KC_TOKEN_MALFORMED},
        {"nbf", "null", KC_TOKEN_MALFORMED},
        {"nbf", "-1", KC_TOKEN_MALFORMED},
        {"nbf", "1e300", KC_TOKEN_MALFORMED},
        {"iat", "\"x\"", KC_TOKEN_MALFORMED},
        {"iat", NULL, KC_OK},
    };
    CHECK_ROWS(rows);
}

static void test_skew(void **state)
{
    (void)state;
    struct jwt_expect expect = expect_ada;
    expect.skew = 30;
    expect.now = 1700000329;
    assert_int_equal(verify(claims_text, &expect), KC_OK);
    expect.now = 1700000330;
    assert_int_equal(verify(claims_text, &expect), KC_TOKEN_EXPIRED);
    char *early = claims_but("nbf", "1700000030");
    expect.now = 1700000000;
    assert_int_equal(verify(early, &expect), KC_OK);
    expect.now = 1699999999;
    assert_int_equal(verify(early, &expect), KC_TOKEN_NOT_YET_VALID);
    free(early);
}

/* A token that came just now says by its iat how far the two clocks are apart. */
static void test_clocks_apart(void **state)
{
    (void)state;
    static const struct {
        int64_t now; /* iat is NOW, exp NOW + 300 */
        int64_t apart;
        enum kc_status status;
    } rows[] = {
        {NOW + 40, 40, KC_OK},
        {NOW + 41, 40, KC_TOKEN_CLOCK_SKEW},
        {NOW - 40, 40, KC_OK},
        {NOW - 41, 40, KC_TOKEN_CLOCK_SKEW},
        {NOW + 600, 40, KC_TOKEN_CLOCK_SKEW},
        {NOW + 600, 1000, KC_TOKEN_CLOCK_SKEW}, /* over, and it is the clocks */
        {NOW + 600, 0, KC_TOKEN_EXPIRED},       /* a kept one is over and no more */
        {NOW - 600, 0, KC_OK},
    };
    struct jwt_expect expect = expect_ada;
    expect.skew = 15;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        expect.now = rows[i].now;
        expect.apart = rows[i].apart;
        enum kc_status status = verify(claims_text, &expect);
        if (status != rows[i].status)
            fail_msg("row %zu: %s", i, kc_status_word(status));
    }
    expect.apart = 40;
    expect.now = NOW;
    char *over = claims_but("exp", "1699999900"), *later = claims_but("nbf", "1700000100");
    assert_int_equal(verify(over, &expect), KC_TOKEN_EXPIRED);
    assert_int_equal(verify(later, &expect), KC_TOKEN_NOT_YET_VALID);
    expect.now = NOW + 16;
    assert_int_equal(verify(over, &expect), KC_TOKEN_CLOCK_SKEW);
    assert_int_equal(verify(later, &expect), KC_TOKEN_CLOCK_SKEW);
    free(later);
    free(over);
}

static void test_not_before_policy(void **state)
{
    (void)state;
    struct jwt_expect expect = expect_ada;
    expect.not_before_policy = 1700000000;
    assert_int_equal(verify(claims_text, &expect), KC_OK);
    expect.not_before_policy = 1700000001;
    assert_int_equal(verify(claims_text, &expect), KC_TOKEN_REVOKED);
    char *none = claims_but("iat", NULL);
    assert_int_equal(verify(none, &expect), KC_TOKEN_CLAIM_MISSING);
    expect.not_before_policy = 0;
    assert_int_equal(verify(none, &expect), KC_OK);
    free(none);
}

static void test_audience(void **state)
{
    (void)state;
    struct jwt_expect expect = expect_ada;
    expect.audience = "api";
    static const struct row rows[] = {
        {"aud", "\"api\"", KC_OK},
        {"aud", "[\"api\"]", KC_OK},
        {"aud", "[\"account\",\"api\"]", KC_OK},
        {"aud", "[\"account\",\"apis\",\"ap\",\"API\"]", KC_TOKEN_WRONG_AUDIENCE},
        {"aud", "\"apis\"", KC_TOKEN_WRONG_AUDIENCE},
        {"aud", "\"account api\"", KC_TOKEN_WRONG_AUDIENCE},
        {"aud", "[]", KC_TOKEN_WRONG_AUDIENCE},
        {"aud", "[\"api\\u0000\"]", KC_TOKEN_MALFORMED},
        {"aud", "[1,\"api\"]", KC_TOKEN_MALFORMED},
        {"aud", "[[\"api\"]]", KC_TOKEN_MALFORMED},
        {"aud", "{\"api\":true}", KC_TOKEN_MALFORMED},
        {"aud", "null", KC_TOKEN_MALFORMED},
        {"aud", "\"api\",\"aud\":\"api\"", KC_TOKEN_DUPLICATE_MEMBER},
        {"aud", NULL, KC_TOKEN_CLAIM_MISSING},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *claims = claims_but("aud", rows[i].spelled);
        assert_int_equal(verify(claims, &expect), rows[i].status);
        /* Where no audience is asked for, none is looked at. */
        assert_int_equal(verify(claims, &expect_ada), KC_OK);
        free(claims);
    }
}

/* --- who it is ------------------------------------------------------------------------------ */

static void test_lessons_2_to_4_user(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"preferred_username", "\"ada\"", KC_OK},
        {"preferred_username", "\"Ada\"", KC_TOKEN_WRONG_USER},
        {"preferred_username", "\"ada@example.test\"", KC_TOKEN_WRONG_USER},
        {"preferred_username", "\"adam\"", KC_TOKEN_WRONG_USER},
        {"preferred_username", "\"ad\"", KC_TOKEN_WRONG_USER},
        {"preferred_username", "\"ada \"", KC_TOKEN_WRONG_USER},
        {"preferred_username", "\" ada\"", KC_TOKEN_WRONG_USER},
        {"preferred_username", "\"root\"", KC_TOKEN_WRONG_USER},
        {"preferred_username", "\"\"", KC_TOKEN_WRONG_USER},
        {"preferred_username", "\"\\u0430da\"", KC_TOKEN_WRONG_USER},
        {"preferred_username", "\"ad\\u0061\"", KC_OK},
        {"preferred_username", "\"ada\\u0000\"", KC_TOKEN_MALFORMED},
        {"preferred_username", "\"ada\\u0000m\"", KC_TOKEN_MALFORMED},
        {"preferred_username", "[\"ada\"]", KC_TOKEN_MALFORMED},
        {"preferred_username", "null", KC_TOKEN_MALFORMED},
        {"preferred_username", NULL, KC_TOKEN_CLAIM_MISSING},
    };
    CHECK_ROWS(rows);
    struct jwt_expect expect = expect_ada;
    expect.user = "grace";
    assert_int_equal(verify(claims_text, &expect), KC_TOKEN_WRONG_USER);
    expect.user = "ada@example.test";
    assert_int_equal(verify(claims_text, &expect), KC_TOKEN_WRONG_USER);
}

static void test_another_claim_for_the_name(void **state)
{
    (void)state;
    struct jwt_expect expect = expect_ada;
    expect.username_claim = "unix_name";
    expect.user = "alovelace";
    assert_int_equal(verify(claims_text, &expect), KC_TOKEN_CLAIM_MISSING);
    char *claims = claims_but("unix_name", "\"alovelace\"");
    assert_int_equal(verify(claims, &expect), KC_OK);
    expect.user = "ada";
    assert_int_equal(verify(claims, &expect), KC_TOKEN_WRONG_USER);
    free(claims);
}

static void test_lesson_5_unconfigured_denies(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct jwt_expect expect = expect_ada;
        const char **field[] = {&expect.issuer, &expect.client_id, &expect.user};
        *field[i % 3] = i < 3 ? NULL : "";
        assert_int_equal(verify(claims_text, &expect), KC_CONFIG_INVALID);
    }
    char *claims = claims_but("iss", "\"\"");
    struct jwt_expect expect = expect_ada;
    expect.issuer = "";
    assert_int_equal(verify(claims, &expect), KC_CONFIG_INVALID);
    free(claims);
}

static void test_subject(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"sub", "1", KC_TOKEN_MALFORMED},
        {"sub", "\"a\\u0000\"", KC_TOKEN_MALFORMED},
        {"sub", NULL, KC_OK},
    };
    CHECK_ROWS(rows);
    struct jose_jwt *jwt = NULL;
    char *claims = claims_but("sub", NULL);
    char *token = forge_token(HEADER, claims, forge_key("RSA-2048"), "RS256");
    assert_int_equal(jose_jwt_verify(keys, token, strlen(token), &expect_ada, &jwt), KC_OK);
    assert_string_equal(jose_jwt_subject(jwt), "");
    jose_jwt_free(jwt);
    free(token);
    free(claims);
}

/* --- lesson 15: what the token is for -------------------------------------------------------- */

static void test_lesson_15_type(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"typ", "\"Bearer\"", KC_OK},
        {"typ", "\"ID\"", KC_TOKEN_WRONG_TYPE},
        {"typ", "\"Refresh\"", KC_TOKEN_WRONG_TYPE},
        {"typ", "\"Offline\"", KC_TOKEN_WRONG_TYPE},
        {"typ", "\"Logout\"", KC_TOKEN_WRONG_TYPE},
        {"typ", "\"DPoP\"", KC_TOKEN_WRONG_TYPE},
        {"typ", "\"bearer\"", KC_TOKEN_WRONG_TYPE},
        {"typ", "\"Bearer2\"", KC_TOKEN_WRONG_TYPE},
        {"typ", "\"Bearer\\u0000\"", KC_TOKEN_MALFORMED},
        {"typ", "[\"Bearer\"]", KC_TOKEN_MALFORMED},
        {"typ", NULL, KC_TOKEN_CLAIM_MISSING},
    };
    CHECK_ROWS(rows);
}

static void test_lesson_15_header_type(void **state)
{
    (void)state;
    static const struct {
        const char *typ;
        enum kc_status status;
    } rows[] = {{"", KC_OK}, {"\"typ\":\"JWT\",", KC_OK}, {"\"typ\":\"jwt\",", KC_OK},
        {"\"typ\":\"at+jwt\",", KC_OK}, {"\"typ\":\"application/at+jwt\",", KC_OK},
        {"\"typ\":\"AT+JWT\",", KC_OK}, {"\"typ\":\"dpop+jwt\",", KC_TOKEN_WRONG_TYPE},
        {"\"typ\":\"logout+jwt\",", KC_TOKEN_WRONG_TYPE},
        {"\"typ\":\"JOSE\",", KC_TOKEN_WRONG_TYPE}, {"\"typ\":\"JWT2\",", KC_TOKEN_WRONG_TYPE},
        {"\"typ\":\"application/\",", KC_TOKEN_WRONG_TYPE}, {"\"typ\":\"\",", KC_TOKEN_WRONG_TYPE},
        {"\"typ\":1,", KC_TOKEN_MALFORMED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *header = forge_text("{%s\"alg\":\"RS256\",\"kid\":\"k1\"}", rows[i].typ);
        enum kc_status status = verify_as(header, claims_text, &expect_ada);
        if (status != rows[i].status)
            fail_msg("%s: %s", header, kc_status_word(status));
        free(header);
    }
}

/* --- lesson 14: what JSON can hide ----------------------------------------------------------- */

static void test_lesson_14_duplicate_claims(void **state)
{
    (void)state;
    static const char *const names[] = {
        "iss", "azp", "typ", "exp", "iat", "sub", "preferred_username"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct json_object *claims = NULL;
        assert_int_equal(jose_json_parse_object(
                             claims_text, strlen(claims_text), &jose_json_token_limits, &claims),
            KC_OK);
        char *value = strdup(json_object_to_json_string_ext(
            json_object_object_get(claims, names[i]), JSON_C_TO_STRING_PLAIN));
        char *first = forge_text("{\"%s\":\"x\",%s", names[i], claims_text + 1);
        char *last = forge_text(
            "%.*s,\"%s\":%s}", (int)strlen(claims_text) - 1, claims_text, names[i], value);
        assert_int_equal(verify(first, &expect_ada), KC_TOKEN_DUPLICATE_MEMBER);
        assert_int_equal(verify(last, &expect_ada), KC_TOKEN_DUPLICATE_MEMBER);
        free(first);
        free(last);
        free(value);
        json_object_put(claims);
    }
    static const struct row rows[] = {
        {"nbf", "1,\"nbf\":1", KC_TOKEN_DUPLICATE_MEMBER},
        {"acr", "1,\"acr\":2", KC_OK},
    };
    CHECK_ROWS(rows);
}

static void test_lesson_14_payloads(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "null", "[]", "\"ada\"", "1", "{", "{}x", "{} {}",
        "\xef\xbb\xbf{}", "{\"iss\":\"\xff\"}", "{\"iss\":\"\\ud800\"}", "{'iss':1}",
        "{\"exp\":01}", "{\"a\":1,}", "{/**/}", "nul"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(verify(wrong[i], &expect_ada), KC_TOKEN_MALFORMED);
    assert_int_equal(verify("{}", &expect_ada), KC_TOKEN_CLAIM_MISSING);
    char *deep = forge_text("{\"a\":%.*s%.*s}", 40, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 40,
        "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
    assert_int_equal(verify(deep, &expect_ada), KC_TOKEN_MALFORMED);
    free(deep);
    char *longest = forge_text("\"%0*d\"", JOSE_CLAIM_BYTES + 1, 1);
    assert_int_equal(verify_but("sub", longest), KC_TOKEN_MALFORMED);
    free(longest);
}

/* --- tokens that the realm should make otherwise ---------------------------------------------- */

static void test_lightweight(void **state)
{
    (void)state;
    assert_int_equal(
        verify("{\"exp\":1700000300,\"iat\":1700000000,\"jti\":\"trrtro:1\",\"iss\":\"" ISSUER
               "\",\"typ\":\"Bearer\",\"azp\":\"linux-pam\",\"sid\":\"x\",\"scope\":\"\"}",
            &expect_ada),
        KC_TOKEN_LIGHTWEIGHT);
    /* A lightweight token must be good in every other way to be called so. */
    assert_int_equal(verify("{\"exp\":1700000000,\"iat\":1700000000,\"iss\":\"" ISSUER
                            "\",\"typ\":\"Bearer\",\"azp\":\"linux-pam\"}",
                         &expect_ada),
        KC_TOKEN_EXPIRED);
}

static void test_symmetric(void **state)
{
    (void)state;
    char *token = forge_assemble("{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k9\"}", claims_text,
        strlen(claims_text), (const uint8_t *)"12345678901234567890123456789012", 32);
    struct jose_jwt *jwt = NULL;
    assert_int_equal(
        jose_jwt_verify(keys, token, strlen(token), &expect_ada, &jwt), KC_TOKEN_SYMMETRIC);
    assert_null(jwt);
    free(token);
}

/* The signature comes first: nothing that a stranger wrote is even read. */
static void test_signature_first(void **state)
{
    (void)state;
    EVP_PKEY *stranger = forge_other_key("RSA-2048");
    struct jose_jwt *jwt = NULL;
    char *token = forge_token(HEADER, "no claims at all", stranger, "RS256");
    assert_int_equal(
        jose_jwt_verify(keys, token, strlen(token), &expect_ada, &jwt), KC_TOKEN_BAD_SIGNATURE);
    assert_int_equal(
        jose_jwt_examine(keys, token, strlen(token), &expect_ada, &jwt), KC_TOKEN_BAD_SIGNATURE);
    free(token);
    EVP_PKEY_free(stranger);
}

static void test_examine(void **state)
{
    (void)state;
    const struct jwt_expect nothing = {.now = NOW};
    struct jose_jwt *jwt = NULL;
    char *token = forge_token(
        HEADER, "{\"exp\":1700000300,\"typ\":\"Bearer\"}", forge_key("RSA-2048"), "RS256");
    assert_int_equal(jose_jwt_examine(keys, token, strlen(token), &nothing, &jwt), KC_OK);
    jose_jwt_free(jwt);
    jwt = NULL;
    const struct jwt_expect later = {.now = NOW + 300};
    assert_int_equal(jose_jwt_examine(keys, token, strlen(token), &later, &jwt), KC_TOKEN_EXPIRED);
    assert_int_equal(
        jose_jwt_verify(keys, token, strlen(token), &nothing, &jwt), KC_CONFIG_INVALID);
    assert_null(jwt);
    free(token);
}

static int make_keys(void **state)
{
    (void)state;
    keys = forge_set_of(forge_key("RSA-2048"), "RS256");
    return 0;
}

static int drop_keys(void **state)
{
    (void)state;
    jose_jwks_unref(keys);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_token),
        cmocka_unit_test(test_lesson_12_issuer),
        cmocka_unit_test(test_lesson_12_client),
        cmocka_unit_test(test_lesson_12_expiry),
        cmocka_unit_test(test_lesson_14_expiry_that_never_ends),
        cmocka_unit_test(test_lesson_12_not_before),
        cmocka_unit_test(test_skew),
        cmocka_unit_test(test_clocks_apart),
        cmocka_unit_test(test_not_before_policy),
        cmocka_unit_test(test_audience),
        cmocka_unit_test(test_lessons_2_to_4_user),
        cmocka_unit_test(test_another_claim_for_the_name),
        cmocka_unit_test(test_lesson_5_unconfigured_denies),
        cmocka_unit_test(test_subject),
        cmocka_unit_test(test_lesson_15_type),
        cmocka_unit_test(test_lesson_15_header_type),
        cmocka_unit_test(test_lesson_14_duplicate_claims),
        cmocka_unit_test(test_lesson_14_payloads),
        cmocka_unit_test(test_lightweight),
        cmocka_unit_test(test_symmetric),
        cmocka_unit_test(test_signature_first),
        cmocka_unit_test(test_examine),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
