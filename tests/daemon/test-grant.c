/*
 * Grants against a realm that is told what to answer: the queue, doubt, verification, what is given
 * back. Lessons 2 to 4, 12, 15, 17, 18, 24, 25, 35; facts 1 and 2 of Keycloak's brute-force
 * detection.
 */
#include "tests/daemon/grant_bed.h"

static void test_success(void **state)
{
    struct bed *bed = *state;
    struct outcome outcome = bed_login(bed, "ada");
    assert_int_equal(outcome.status, KC_OK);
    assert_string_equal(outcome.refresh, "r-1");
    assert_string_equal(outcome.scope, "openid email");
    assert_string_equal(outcome.subject, "0000-ada");
    assert_in_range(outcome.expires_at, time(NULL) + 290, time(NULL) + 300);
    assert_string_equal(bed->peer->at[PEER_TOKEN].form,
        "grant_type=password&client_id=linux-pam&client_secret=client-s3cret"
        "&username=ada&password=" PASSWORD_CODED);
    /* only if it is configured */
    assert_null(strstr(bed->peer->at[PEER_TOKEN].head, "X-Forwarded-For"));
    bed_spin(bed, 50);
    assert_int_equal(peer_count(bed->peer, PEER_LOGOUT), 0);
}

/* A warm login is one request on the connection that is there. */
static void test_warm_login_is_one_request(void **state)
{
    struct bed *bed = *state;
    bed_login(bed, "ada");
    unsigned connections = atomic_load(&bed->peer->connections);
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 2);
    assert_int_equal(peer_count(bed->peer, PEER_DISCOVERY), 1);
    assert_int_equal(peer_count(bed->peer, PEER_KEYS), 1);
    assert_int_equal(atomic_load(&bed->peer->connections), connections);
}

/* Lessons 3, 4, 12, 15: the realm says yes, the token says no; and no session stays behind. */
static void test_tokens_refused(void **state)
{
    struct bed *bed = *state;
    struct claims claims[5] = {bed_good, bed_good, bed_good, bed_good, bed_good};
    static const enum kc_status expected[] = {KC_TOKEN_WRONG_USER, KC_TOKEN_WRONG_CLIENT,
        KC_TOKEN_WRONG_TYPE, KC_TOKEN_EXPIRED, KC_TOKEN_WRONG_USER};
    claims[0].user = "Ada";
    claims[1].azp = "other";
    claims[2].typ = "ID";
    claims[3].lifetime = -600;
    claims[4].user = "ada2";
    for (unsigned i = 0; i < 5; i++) {
        bed_token(bed, bed->key, &claims[i]);
        assert_int_equal(bed_login(bed, "ada").status, expected[i]);
        bed_spin_until_count(bed, PEER_LOGOUT, i + 1);
        assert_non_null(strstr(bed->peer->at[PEER_LOGOUT].form, "refresh_token=r-1&"));
        assert_non_null(strstr(bed->peer->at[PEER_LOGOUT].form, "client_secret=client-s3cret"));
    }
    claims[0].no_refresh = true;
    bed_token(bed, bed->key, &claims[0]);
    assert_int_equal(bed_login(bed, "ada").status, KC_TOKEN_WRONG_USER);
    bed_spin_until_count(bed, PEER_REVOKE, 1);
    assert_non_null(strstr(bed->peer->at[PEER_REVOKE].form, "token_type_hint=access_token"));
    EVP_PKEY *other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    bed_token(bed, other, &bed_good);
    assert_int_equal(bed_login(bed, "ada").status, KC_TOKEN_BAD_SIGNATURE);
    bed_spin_until_count(bed, PEER_LOGOUT, 6);
    EVP_PKEY_free(other);
}

/* The realm's clock is another: a reason of its own, and no session stays behind. */
static void test_clocks_apart(void **state)
{
    struct bed *bed = *state;
    static const struct {
        int64_t ahead, lifetime;
        enum kc_status status;
    } rows[] = {{600, 300, KC_TOKEN_CLOCK_SKEW}, {-600, 300, KC_TOKEN_CLOCK_SKEW},
        {-600, 3600, KC_TOKEN_CLOCK_SKEW}, {-90, 60, KC_TOKEN_CLOCK_SKEW}, {-90, 300, KC_OK},
        {90, 300, KC_OK}};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct claims claims = bed_good;
        claims.ahead = rows[i].ahead;
        claims.lifetime = rows[i].lifetime;
        bed_token(bed, bed->key, &claims);
        struct outcome outcome = bed_login(bed, "ada");
        if (outcome.status != rows[i].status)
            fail_msg("row %u: %s", i, kc_status_word(outcome.status));
    }
    bed_spin_until_count(bed, PEER_LOGOUT, 4);
}

/* Lesson 16 */
static void test_new_key_with_token(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    EVP_PKEY *fresh = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    struct claims claims = bed_good;
    claims.kid = "k2";
    bed_spin(bed, 10);
    /* the keys were fetched just now: the refetch waits for its time, the login gives up first */
    bed_keys(bed, fresh, "k2");
    bed_token(bed, fresh, &claims);
    assert_int_equal(bed_login(bed, "ada").status, KC_TIMED_OUT);
    assert_int_equal(peer_count(bed->peer, PEER_KEYS), 0);
    bed_spin_until_count(bed, PEER_LOGOUT, 1);
    realm_free(bed->realm);
    config_unref(bed->config);
    bed->config = bed_configure(bed, bed->issuer, "[limits]\ngrant_timeout = 8s");
    bed_keys(bed, bed->key, "k1");
    assert_int_equal(realm_new(bed->event, bed->config, &bed->realm), KC_OK);
    bed_token(bed, bed->key, &bed_good);
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    bed_keys(bed, fresh, "k2");
    bed_token(bed, fresh, &claims);
    struct outcome both[2];
    bed_start(bed, "ada", &both[0]);
    bed_start(bed, "ada", &both[1]);
    bed_spin_until(bed, &both[0].done);
    bed_spin_until(bed, &both[1].done);
    assert_int_equal(both[0].status, KC_OK);
    assert_int_equal(both[1].status, KC_OK);
    assert_int_equal(peer_count(bed->peer, PEER_KEYS), 1);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 2);
    EVP_PKEY_free(fresh);
}

static void test_refusals(void **state)
{
    struct bed *bed = *state;
    bed_refuse(bed);
    struct outcome outcome = bed_login(bed, "ada");
    assert_int_equal(outcome.status, KC_BAD_CREDENTIALS);
    assert_string_equal(outcome.detail, "invalid_grant: Invalid user credentials");
    peer_set(bed->peer, PEER_TOKEN, 403, "text/html", "<html>blocked</html>");
    outcome = bed_login(bed, "ada");
    assert_int_equal(outcome.status, KC_HTTP_FORBIDDEN);
    assert_string_equal(outcome.detail, "HTTP 403");
    peer_set(bed->peer, PEER_TOKEN, 401, "", "");
    assert_int_equal(bed_login(bed, "ada").status, KC_HTTP_UNAUTHORIZED);
    peer_set(bed->peer, PEER_TOKEN, 307, "", "");
    assert_int_equal(bed_login(bed, "ada").status, KC_HTTP_REDIRECT);
    peer_set(bed->peer, PEER_TOKEN, 200, "text/html", "<html>welcome</html>");
    assert_int_equal(bed_login(bed, "ada").status, KC_ANSWER_NOT_JSON);
    peer_set(bed->peer, PEER_TOKEN, 200, "application/json", "");
    assert_int_equal(bed_login(bed, "ada").status, KC_ANSWER_NOT_JSON);
    peer_set(bed->peer, PEER_TOKEN, 200, "application/json", "{}");
    assert_int_equal(bed_login(bed, "ada").status, KC_ANSWER_MALFORMED);
    peer_set(bed->peer, PEER_TOKEN, 204, "", "");
    assert_int_equal(bed_login(bed, "ada").status, KC_HTTP_UNEXPECTED);
    assert_int_equal(peer_count(bed->peer, PEER_LOGOUT), 0);
}

/* Lesson 18: a server that repeats what it was sent does not get it into a log. */
static void test_detail_repeats_password(void **state)
{
    struct bed *bed = *state;
    static const char *const echoes[] = {("password=" PASSWORD_CODED), "corr ect%&+h\\u00f6rse",
        "\\u0063orr ect%&+h\\u00f6rse", "client-s3cret"};
    for (size_t i = 0; i < 4; i++) {
        char body[512];
        snprintf(body, sizeof(body), "{\"error\":\"bad\",\"error_description\":\"you sent %s\"}",
            echoes[i]);
        peer_set(bed->peer, PEER_TOKEN, 400, "application/json", body);
        struct outcome outcome = bed_login(bed, "ada");
        assert_int_equal(outcome.status, KC_HTTP_BAD_REQUEST);
        assert_string_equal(outcome.detail, "bad");
    }
}

/* Members that a decision reads must be there once and of their type; tokens are given back. */
static void test_answers_refused(void **state)
{
    struct bed *bed = *state;
    static const char *const extras[] = {",\"token_type\":\"bearer\"", ",\"scope\":7",
        ",\"refresh_token\":\"r-2\"", ",\"expires_in\":\"300\"", ",\"not-before-policy\":1e400",
        ",\"not-before-policy\":-1", ",\"scope\":\"a\",\"scope\":\"b\""};
    unsigned given_back = 0;
    for (size_t i = 0; i < sizeof(extras) / sizeof(*extras); i++) {
        struct claims claims = bed_good;
        claims.extra = extras[i];
        bed_token(bed, bed->key, &claims);
        struct outcome outcome = bed_login(bed, "ada");
        if (outcome.status != KC_ANSWER_MALFORMED && outcome.status != KC_ANSWER_NOT_JSON)
            fail_msg("%s: %s", extras[i], kc_status_word(outcome.status));
        given_back = peer_count(bed->peer, PEER_LOGOUT) + peer_count(bed->peer, PEER_REVOKE);
    }
    bed_spin(bed, 100);
    given_back = peer_count(bed->peer, PEER_LOGOUT) + peer_count(bed->peer, PEER_REVOKE);
    assert_int_equal(given_back, 6); /* all but the one that is no JSON at all */
    struct claims claims = bed_good;
    claims.type = "DPoP";
    bed_token(bed, bed->key, &claims);
    assert_int_equal(bed_login(bed, "ada").status, KC_CLIENT_DPOP_REQUIRED);
    claims.type = "BeArEr";
    claims.extra = "";
    bed_token(bed, bed->key, &claims);
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    claims.extra = ",\"refresh_expires_in\":0,\"not-before-policy\":9000000000";
    bed_token(bed, bed->key, &claims);
    assert_int_equal(bed_login(bed, "ada").status, KC_TOKEN_REVOKED);
    /* the policy is each answer's own: logging one user out must not keep another out */
    bed_token(bed, bed->key, &bed_good);
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
}

/* Fact 1: one at a time for a user, 10 ms apart; others are not held up. */
static void test_one_at_a_time(void **state)
{
    struct bed *bed = *state;
    struct outcome outcomes[8];
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    bed->peer->at[PEER_TOKEN].delay_ms = 30;
    atomic_store(&bed->peer->most_at_once, 0);
    uint64_t from = clock_us();
    for (int i = 0; i < 8; i++)
        bed_start(bed, "ada", &outcomes[i]);
    for (int i = 0; i < 8; i++) {
        bed_spin_until(bed, &outcomes[i].done);
        assert_int_equal(outcomes[i].status, KC_OK);
        assert_true(outcomes[i].at_us - from >= (unsigned)i * 40000 + 30000);
    }
    assert_int_equal(atomic_load(&bed->peer->most_at_once), 1);
    bed_refuse(bed);
    bed->peer->at[PEER_TOKEN].delay_ms = 100;
    for (int i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof(name), "user%d", i);
        bed_start(bed, name, &outcomes[i]);
    }
    for (int i = 0; i < 8; i++)
        bed_spin_until(bed, &outcomes[i].done);
    assert_in_range(atomic_load(&bed->peer->most_at_once), 5, 8);
}

/* Fact 2 and lesson 35 */
static void test_doubt(void **state)
{
    struct bed *bed = *state;
    bed->peer->at[PEER_TOKEN].mode = PEER_CUT;
    assert_int_equal(bed_login(bed, "ada").status, KC_UNANSWERED);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 1);
    bed_refuse(bed);
    assert_int_equal(bed_login(bed, "ada").status, KC_GRANT_IN_DOUBT);
    assert_int_equal(bed_login(bed, "bob").status, KC_BAD_CREDENTIALS);
    assert_int_equal(bed_login(bed, "ada").status, KC_GRANT_IN_DOUBT);
    /* another reason than the password is no doubt */
    peer_set(bed->peer, PEER_TOKEN, 400, "application/json",
        "{\"error\":\"invalid_grant\",\"error_description\":\"Account disabled\"}");
    assert_int_equal(bed_login(bed, "ada").status, KC_ACCOUNT_DISABLED);
    bed_token(bed, bed->key, &bed_good);
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    bed_refuse(bed);
    assert_int_equal(bed_login(bed, "ada").status, KC_BAD_CREDENTIALS);
}

/* Lesson 25: a hanging realm costs the deadline and no more; who waits behind is told in time. */
static void test_deadline(void **state)
{
    struct bed *bed = *state;
    struct outcome first, second;
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    bed->peer->at[PEER_TOKEN].mode = PEER_HANG;
    uint64_t from = clock_us();
    bed_start(bed, "ada", &first);
    bed_start(bed, "ada", &second);
    bed_spin_until(bed, &first.done);
    bed_spin_until(bed, &second.done);
    assert_int_equal(first.status, KC_UNANSWERED);
    assert_int_equal(second.status, KC_TIMED_OUT);
    assert_in_range(clock_us() - from, 1900000, 5000000);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 2);
}

static void test_retry_after(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    peer_set(bed->peer, PEER_TOKEN, 429, "text/html", "slow down");
    strcpy(bed->peer->at[PEER_TOKEN].extra, "Retry-After: 1\r\n");
    assert_int_equal(bed_login(bed, "ada").status, KC_HTTP_TOO_MANY_REQUESTS);
    bed_token(bed, bed->key, &bed_good);
    assert_int_equal(bed_login(bed, "ada").status, KC_HTTP_TOO_MANY_REQUESTS);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 0);
    assert_int_equal(bed_login(bed, "bob").status, KC_TOKEN_WRONG_USER);
    bed_spin(bed, 1000);
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
}

static void test_cancel(void **state)
{
    struct bed *bed = *state;
    struct outcome waiting, sent, next;
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    bed->peer->at[PEER_TOKEN].delay_ms = 200;
    struct grant *one = bed_start(bed, "ada", &sent);
    struct grant *two = bed_start(bed, "ada", &waiting);
    bed_spin_until_count(bed, PEER_TOKEN, 2);
    grant_cancel(two);
    grant_cancel(one);
    bed_start(bed, "ada", &next);
    bed_spin_until(bed, &next.done);
    assert_int_equal(next.status, KC_OK);
    assert_false(sent.done);
    assert_false(waiting.done);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 3);
    bed_spin_until_count(bed, PEER_LOGOUT, 1);
}

static void test_limits(void **state)
{
    struct bed *bed = *state;
    struct outcome outcomes[80] = {{0}};
    struct grant *grant;
    KC_AUTO_SECRET struct kc_secret password = KC_SECRET_INIT;
    struct grant_request request = {.user = "ada", .password = &password};
    assert_int_equal(
        grant_start(bed->realm, &request, bed_granted, outcomes, &grant), KC_EMPTY_PASSWORD);
    char large[513];
    memset(large, 'x', sizeof(large));
    assert_int_equal(kc_secret_set(&password, large, sizeof(large)), KC_OK);
    assert_int_equal(
        grant_start(bed->realm, &request, bed_granted, outcomes, &grant), KC_PASSWORD_TOO_LONG);
    assert_int_equal(kc_secret_set(&password, "x", 1), KC_OK);
    request.user = "";
    assert_int_equal(
        grant_start(bed->realm, &request, bed_granted, outcomes, &grant), KC_MALFORMED);
    request.user = "ada";
    size_t taken = 0;
    while (taken < 80 &&
           grant_start(bed->realm, &request, bed_granted, &outcomes[taken], &grant) == KC_OK)
        taken++;
    assert_int_equal(taken, 64);
    request.user = "bob";
    assert_int_equal(grant_start(bed->realm, &request, bed_granted, &outcomes[70], &grant), KC_OK);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_success),
        TEST(test_warm_login_is_one_request),
        TEST(test_tokens_refused),
        TEST(test_clocks_apart),
        TEST(test_new_key_with_token),
        TEST(test_refusals),
        TEST(test_detail_repeats_password),
        TEST(test_answers_refused),
        TEST(test_one_at_a_time),
        TEST(test_doubt),
        TEST(test_deadline),
        TEST(test_retry_after),
        TEST(test_cancel),
        TEST(test_limits),
    };
    if (http_global_init() != KC_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
