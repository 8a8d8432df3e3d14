/*
 * The error table, row by row: what Keycloak says, and what becomes of it.
 * The left side is written out here once more, so that a row that is dropped or altered is noticed.
 * Lessons 17 and 24: nothing but a verified token is success; the default denies.
 */
#include "daemon/http.h"
#include "daemon/oauth_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char bad_client[] = "Invalid client or Invalid client credentials";
static const char bad_user[] = "Invalid user credentials";

static const struct {
    const char *row;
    unsigned http;
    const char *error, *description;
    bool retry_after;
    enum kc_status status;
} said[] = {
    {"1", 401, "invalid_grant", bad_user, false, KC_BAD_CREDENTIALS},
    {"1", 400, "invalid_grant", bad_user, false, KC_BAD_CREDENTIALS},
    {"4", 400, "invalid_grant", "Invalid OTP credentials", false, KC_BAD_CREDENTIALS},
    {"5", 500, "unknown_error", "For more on this error consult the server log.", false,
        KC_SERVER_ERROR},
    {"7", 400, "invalid_grant", "Account disabled", false, KC_ACCOUNT_DISABLED},
    {"8", 400, "invalid_grant", "User disabled", false, KC_ACCOUNT_DISABLED},
    {"9", 400, "invalid_grant", "Account is not fully set up", false, KC_ACTION_REQUIRED},
    {"10", 401, "invalid_request", "Missing parameter: username", false, KC_REQUEST_INVALID},
    {"11", 401, "invalid_request", bad_user, false, KC_BAD_CREDENTIALS},
    {"12", 401, "invalid_client", bad_client, false, KC_CLIENT_UNKNOWN},
    {"13", 401, "unauthorized_client", bad_client, false, KC_CLIENT_SECRET_WRONG},
    {"13b", 400, "unauthorized_client", "Invalid client secret", false, KC_CLIENT_SECRET_WRONG},
    {"13c", 400, "unauthorized_client", "Client secret not provided in request", false,
        KC_CLIENT_SECRET_WRONG},
    {"15", 401, NULL, NULL, false, KC_HTTP_UNAUTHORIZED},
    {"16", 400, "invalid_client",
        "Client authentication with signed JWT failed: Token expiration is too far in the future",
        false, KC_CLIENT_ASSERTION_REFUSED},
    {"16b", 400, "invalid_client", "Unable to load public key", false, KC_CLIENT_ASSERTION_REFUSED},
    {"16c", 400, "invalid_client", "invalid signature algorithm", false,
        KC_CLIENT_ASSERTION_REFUSED},
    {"16d", 400, "invalid_client", "Token sub claim is required", false,
        KC_CLIENT_ASSERTION_REFUSED},
    {"17", 400, "unauthorized_client",
        "Client authentication with client secret signed JWT failed: Signature on JWT token failed "
        "validation",
        false, KC_CLIENT_ASSERTION_REFUSED},
    {"18", 401, "invalid_client", "something new", false, KC_CLIENT_AUTH_FAILED},
    {"18", 401, "invalid_client", NULL, false, KC_CLIENT_AUTH_FAILED},
    {"19", 400, "unauthorized_client", "Unexpected error when authenticating client", false,
        KC_CLIENT_AUTH_FAILED},
    {"20", 400, "unauthorized_client", "Client not allowed for direct access grants", false,
        KC_GRANT_OFF},
    {"21", 400, "invalid_client", "Client requires user consent", false,
        KC_CLIENT_CONSENT_REQUIRED},
    {"22", 400, "invalid_client", "Bearer-only not allowed", false, KC_CLIENT_BEARER_ONLY},
    {"22", 403, "invalid_client", "Bearer-only not allowed", false, KC_CLIENT_BEARER_ONLY},
    {"23", 400, "invalid_client", "Wrong client protocol.", false, KC_CLIENT_WRONG_PROTOCOL},
    {"24", 400, "invalid_grant", "resource owner password credentials grant is prohibited.", false,
        KC_GRANT_PROHIBITED},
    {"25", 400, "unauthorized_client", "a policy's own words", false, KC_CLIENT_POLICY},
    {"25b", 400, "invalid_client_metadata", "Invalid client metadata", false, KC_CLIENT_POLICY},
    {"26", 400, "invalid_scope", "Invalid scopes: openid nope", false, KC_SCOPE_INVALID},
    {"27", 400, "invalid_request", "Missing form parameter: grant_type", false, KC_REQUEST_INVALID},
    {"27b", 400, "unsupported_grant_type", "Unsupported grant_type", false, KC_REQUEST_INVALID},
    {"28", 400, "invalid_request", "duplicated parameter", false, KC_REQUEST_INVALID},
    {"29", 400, "invalid_request", "DPoP proof is missing", false, KC_CLIENT_DPOP_REQUIRED},
    {"29b", 400, "invalid_dpop_proof", "DPoP proof has expired", false, KC_CLIENT_DPOP_REQUIRED},
    {"30", 400, "invalid_request", "Client Certification missing for MTLS HoK Token Binding", false,
        KC_CLIENT_CERTIFICATE_REQUIRED},
    {"31", 404, "Realm does not exist", NULL, false, KC_REALM_UNKNOWN},
    {"31", 404, "Realm does not exist", "For more on this error consult the server log.", false,
        KC_REALM_UNKNOWN},
    {"32", 403, "access_denied", "Realm not enabled", false, KC_REALM_DISABLED},
    {"33", 403, "invalid_request", "HTTPS required", false, KC_REALM_HTTPS_REQUIRED},
    {"34", 404, "HTTP 404 Not Found", NULL, false, KC_REALM_WRONG_PATH},
    {"34b", 404, "Unable to find matching target resource method",
        "For more on this error consult the server log.", false, KC_REALM_WRONG_PATH},
    {"35", 403, "Invalid origin", NULL, false, KC_REALM_ORIGIN_REFUSED},
    {"36", 500, "unknown_error", "For more on this error consult the server log.", false,
        KC_SERVER_ERROR},
    {"39-", 403, "Forbidden", NULL, false, KC_HTTP_FORBIDDEN},
    {"39-b", 403, "forbidden", NULL, false, KC_HTTP_FORBIDDEN},
    {"39-c", 403, "HTTP 403 Forbidden", NULL, false, KC_HTTP_FORBIDDEN},
    {"39", 403, "There are too many sessions", NULL, false, KC_SESSION_LIMIT},
    {"41", 400, "invalid_grant",
        "Invalid refresh token. Token client and authorized client don't match", false,
        KC_REALM_WRONG_CLIENT},
    {"41b", 400, "invalid_request", "Unmatching clients", false, KC_REALM_WRONG_CLIENT},
    {"42", 400, "invalid_grant",
        "Invalid token issuer. Expected 'http://127.0.0.1:8080/realms/linux'", false,
        KC_REALM_WRONG_ISSUER},
    {"43", 400, "invalid_grant", "Invalid refresh token", false, KC_REFRESH_TOKEN_REFUSED},
    {"40", 503, NULL, NULL, true, KC_SERVER_STARTING},
    {"37", 503, NULL, NULL, false, KC_SERVER_OVERLOADED},
    {"38", 502, NULL, NULL, false, KC_SERVER_GATEWAY},
    {"38", 504, NULL, NULL, false, KC_SERVER_GATEWAY},
    {"38b", 429, NULL, NULL, true, KC_HTTP_TOO_MANY_REQUESTS},
    {"s400", 400, NULL, NULL, false, KC_HTTP_BAD_REQUEST},
    {"s401", 401, NULL, NULL, false, KC_HTTP_UNAUTHORIZED},
    {"s403", 403, NULL, NULL, false, KC_HTTP_FORBIDDEN},
    {"s404", 404, NULL, NULL, false, KC_HTTP_NOT_FOUND},
    {"s405", 405, NULL, NULL, false, KC_HTTP_METHOD_NOT_ALLOWED},
    {"s406", 406, NULL, NULL, false, KC_HTTP_NOT_ACCEPTABLE},
    {"s413", 413, NULL, NULL, false, KC_HTTP_TOO_LARGE},
    {"s415", 415, NULL, NULL, false, KC_HTTP_UNSUPPORTED_MEDIA},
    {"s500", 500, NULL, NULL, false, KC_SERVER_ERROR},
    /* what is not in the table */
    {"-", 301, NULL, NULL, false, KC_HTTP_REDIRECT},
    {"-", 307, "invalid_grant", bad_user, false, KC_HTTP_REDIRECT},
    {"-", 418, NULL, NULL, false, KC_HTTP_UNEXPECTED},
    {"-", 200, NULL, NULL, false, KC_HTTP_UNEXPECTED},
    {"-", 100, NULL, NULL, false, KC_HTTP_UNEXPECTED},
    {"-", 599, NULL, NULL, false, KC_SERVER_ERROR},
    {"-", 0, NULL, NULL, false, KC_HTTP_UNEXPECTED},
    {"-", 400, "invalid_grant", "something new", false, KC_HTTP_BAD_REQUEST},
    {"-", 400, "invalid_grant", NULL, false, KC_HTTP_BAD_REQUEST},
    {"-", 400, "invalid_grant", "Invalid user credentials ", false, KC_HTTP_BAD_REQUEST},
    /* a status that does not go with the words: the status decides, and it is not the person */
    {"-", 503, "invalid_grant", bad_user, false, KC_SERVER_OVERLOADED},
    {"-", 200, "invalid_grant", bad_user, false, KC_HTTP_UNEXPECTED},
    {"-", 429, "invalid_grant", bad_user, false, KC_HTTP_TOO_MANY_REQUESTS},
};

static void test_each_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
        enum kc_status status = oauth_error_classify(
            said[i].http, said[i].error, said[i].description, said[i].retry_after);
        if (status != said[i].status)
            fail_msg("row %s, HTTP %u %s: %s, not %s", said[i].row, said[i].http,
                said[i].error ? said[i].error : "-", kc_status_word(status),
                kc_status_word(said[i].status));
    }
}

/* Every row of the table is reached by some answer above. */
static void test_each_row(void **state)
{
    (void)state;
    size_t count;
    const struct oauth_error_row *rows = oauth_error_rows(&count);
    assert_in_range(count, 50, 100);
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        for (size_t j = 0; j < sizeof(said) / sizeof(*said); j++)
            found = found || strcmp(rows[i].number, said[j].row) == 0;
        if (!found)
            fail_msg("no answer for row %s", rows[i].number);
        assert_int_not_equal(rows[i].status, KC_OK);
        assert_true(rows[i].http[0]);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(rows[i].number, rows[j].number);
    }
}

static void test_nothing_is_success(void **state)
{
    static const char *const errors[] = {NULL, "", "invalid_grant", "*", "ok"};
    (void)state;
    for (unsigned http = 0; http < 1000; http++)
        for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
            enum kc_status plain = oauth_error_classify(http, errors[i], NULL, false);
            enum kc_status again = oauth_error_classify(http, errors[i], bad_user, true);
            assert_int_not_equal(plain, KC_OK);
            assert_int_not_equal(again, KC_OK);
            /* and what no byte of a server ever says is that there is none */
            assert_int_not_equal(kc_status_class(plain), KC_CLASS_UNREACHABLE);
            assert_int_not_equal(kc_status_class(again), KC_CLASS_UNREACHABLE);
        }
}

static enum kc_status read_body(
    unsigned status, bool json, const char *body, char detail[static OAUTH_DETAIL_MAX])
{
    struct http_answer answer = {.status = status, .json = json, .retry_after = -1, .error = ""};
    assert_int_equal(kc_secret_set(&answer.body, body, strlen(body)), KC_OK);
    enum kc_status result = oauth_error_read(&answer, NULL, detail);
    kc_secret_wipe(&answer.body);
    return result;
}

static void test_bodies(void **state)
{
    char detail[OAUTH_DETAIL_MAX];
    static const char person[] =
        "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid user credentials\"}";
    (void)state;
    assert_int_equal(read_body(401, true, person, detail), KC_BAD_CREDENTIALS);
    assert_string_equal(detail, "invalid_grant: Invalid user credentials");
    /* not called JSON, so not read as JSON */
    assert_int_equal(read_body(401, false, person, detail), KC_HTTP_UNAUTHORIZED);
    assert_string_equal(detail, "");
    assert_int_equal(read_body(403, false, "<html>no</html>", detail), KC_HTTP_FORBIDDEN);
    assert_int_equal(read_body(401, true, "", detail), KC_HTTP_UNAUTHORIZED);
    assert_int_equal(read_body(400, true, "[]", detail), KC_HTTP_BAD_REQUEST);
    assert_int_equal(read_body(400, true, "{\"error\":7}", detail), KC_HTTP_BAD_REQUEST);
    assert_int_equal(read_body(400, true, "{\"error\":null}", detail), KC_HTTP_BAD_REQUEST);
    assert_int_equal(
        read_body(400, true, "{\"error\":\"invalid_grant\",\"error\":\"invalid_grant\"}", detail),
        KC_HTTP_BAD_REQUEST);
    assert_int_equal(
        read_body(404, true, "{\"error\":\"Realm does not exist\"}", detail), KC_REALM_UNKNOWN);
    assert_string_equal(detail, "Realm does not exist");
}

/* Lesson 45: a server's words carry no escape, no line end, and are cut. */
static void test_detail_is_clean(void **state)
{
    char detail[OAUTH_DETAIL_MAX], body[2048], filling[1200];
    (void)state;
    read_body(400, true,
        "{\"error\":\"a\\u001b[2Jb\\nc\",\"error_description\":\"d\\u00e4\\tresult=success\"}",
        detail);
    assert_string_equal(detail, "a?[2Jb?c: d???result=success");
    memset(filling, 'x', sizeof(filling) - 1);
    filling[sizeof(filling) - 1] = 0;
    snprintf(body, sizeof(body), "{\"error\":\"e\",\"error_description\":\"%s\"}", filling);
    read_body(400, true, body, detail);
    assert_int_equal(strlen(detail), OAUTH_DETAIL_MAX - 1);
}

/* Whoever cannot get in through no fault of his own is told so, whatever the reason. */
static void test_words(void **state)
{
    (void)state;
    for (int i = 0; i < KC_STATUS_COUNT; i++) {
        enum kc_status status = (enum kc_status)i;
        enum kc_class class = kc_status_class(status);
        const char *text = oauth_error_text(status);
        if (class == KC_CLASS_UNAVAILABLE || class == KC_CLASS_UNREACHABLE ||
            class == KC_CLASS_MISCONFIGURED)
            assert_non_null(text);
        if (text)
            assert_in_range(strlen(text), 10, 200);
        const char *advice = oauth_error_advice(status);
        if (advice)
            assert_in_range(strlen(advice), 10, 200);
    }
    assert_null(oauth_error_text(KC_OK));
    assert_null(oauth_error_text(KC_BAD_CREDENTIALS));
    assert_null(oauth_error_text(KC_TOKEN_WRONG_USER));
    assert_non_null(oauth_error_advice(KC_TOKEN_LIGHTWEIGHT));
    assert_non_null(oauth_error_advice(KC_TOKEN_SYMMETRIC));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_answer),
        cmocka_unit_test(test_each_row),
        cmocka_unit_test(test_nothing_is_success),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_detail_is_clean),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
