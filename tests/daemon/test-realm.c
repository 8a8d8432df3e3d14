/*
 * The realm object: discovery and keys, whether it is reachable, reload, the end of sessions.
 * Lessons 5, 16, 25, 27, 44.
 */
#include "tests/daemon/grant_bed.h"

/* A login that comes before discovery waits for it; an unreachable realm is said at once. */
static void test_before_discovery(void **state)
{
    struct bed *bed = *state;
    struct outcome outcome;
    struct realm_report report;
    bed->peer->at[PEER_DISCOVERY].delay_ms = 300;
    bed_start(bed, "ada", &outcome);
    bed_spin_until(bed, &outcome.done);
    assert_int_equal(outcome.status, KC_OK);
    realm_status(bed->realm, &report);
    assert_true(report.ready && report.reachable && !report.failing);
    assert_int_equal(report.keys, 1);
    realm_free(bed->realm);
    config_unref(bed->config);
    bed->config = bed_configure(bed, "http://127.0.0.1:1/realms/x", "");
    assert_int_equal(realm_new(bed->event, bed->config, &bed->realm), KC_OK);
    uint64_t from = clock_us();
    assert_int_equal(bed_login(bed, "ada").status, KC_UNREACHABLE);
    assert_int_equal(bed_login(bed, "ada").status, KC_UNREACHABLE);
    assert_true(clock_us() - from < CLOCK_SECOND_US);
    realm_status(bed->realm, &report);
    assert_true(!report.ready && !report.reachable && report.failing);
    assert_int_equal(report.failure, KC_UNREACHABLE);
}

/* Lesson 5, and a realm under another name */
static void test_wrong_issuer(void **state)
{
    struct bed *bed = *state;
    char other[80];
    static const char *const endings[] = {"x", "/", " "};
    for (size_t i = 0; i < 3; i++) {
        snprintf(other, sizeof(other), "%s%s", bed->issuer, endings[i]);
        bed_discovery(bed, other);
        realm_free(bed->realm);
        assert_int_equal(realm_new(bed->event, bed->config, &bed->realm), KC_OK);
        assert_int_equal(bed_login(bed, "ada").status, KC_REALM_WRONG_ISSUER);
    }
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 0);
    peer_set(
        bed->peer, PEER_DISCOVERY, 404, "application/json", "{\"error\":\"Realm does not exist\"}");
    realm_free(bed->realm);
    assert_int_equal(realm_new(bed->event, bed->config, &bed->realm), KC_OK);
    struct outcome outcome = bed_login(bed, "ada");
    assert_int_equal(outcome.status, KC_REALM_UNKNOWN);
    assert_string_equal(outcome.detail, "discovery: Realm does not exist");
}

/* Lesson 44: a person's own trouble closes nothing; a probe's 503 does, and recovery is noticed. */
static void test_breaker(void **state)
{
    struct bed *bed = *state;
    struct realm_report report;
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    peer_set(bed->peer, PEER_TOKEN, 403, "text/html", "<html>odd password</html>");
    assert_int_equal(bed_login(bed, "ada").status, KC_HTTP_FORBIDDEN);
    peer_set(bed->peer, PEER_TOKEN, 502, "text/html", "<html>gateway</html>");
    unsigned probes = peer_count(bed->peer, PEER_DISCOVERY);
    assert_int_equal(bed_login(bed, "ada").status, KC_SERVER_GATEWAY);
    bed_spin_until_count(bed, PEER_DISCOVERY, probes + 1);
    bed_spin(bed, 50);
    realm_status(bed->realm, &report);
    assert_true(report.reachable);
    peer_set(bed->peer, PEER_DISCOVERY, 503, "", "");
    assert_int_equal(bed_login(bed, "ada").status, KC_SERVER_GATEWAY);
    bed_spin_until_count(bed, PEER_DISCOVERY, 1);
    bed_spin(bed, 50);
    realm_status(bed->realm, &report);
    assert_false(report.reachable);
    /* down: nobody is sent to the token endpoint, until a probe succeeds */
    unsigned sent = peer_count(bed->peer, PEER_TOKEN);
    assert_int_equal(bed_login(bed, "bob").status, KC_SERVER_OVERLOADED);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), sent);
    bed_discovery(bed, bed->issuer);
    bed_token(bed, bed->key, &bed_good);
    bed_spin(bed, 1050);
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    realm_status(bed->realm, &report);
    assert_true(report.reachable && !report.failing);
}

/* Lesson 25: a realm that takes connections and says nothing. Whose password was sent waits for his
 * own deadline; when the probe has told, all others are refused at once, and it ends by itself. */
static void test_breaker_of_silence(void **state)
{
    struct bed *bed = *state;
    struct realm_report report;
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    peer_freeze(bed->peer);
    assert_int_equal(bed_login(bed, "ada").status, KC_UNANSWERED);
    uint64_t end = clock_us() + 8 * CLOCK_SECOND_US;
    do {
        bed_spin(bed, 50);
        realm_status(bed->realm, &report);
    } while (report.reachable && clock_us() < end);
    for (int i = 0; i < 10; i++) {
        uint64_t from = clock_us();
        struct outcome outcome = bed_login(bed, "bob");
        assert_true(outcome.status == KC_UNANSWERED || outcome.status == KC_UNREACHABLE);
        assert_true(outcome.at_us - from < CLOCK_SECOND_US / 2);
        bed_spin(bed, 150);
    }
    unsigned sent = peer_count(bed->peer, PEER_TOKEN);
    peer_thaw(bed->peer);
    end = clock_us() + 10 * CLOCK_SECOND_US;
    do {
        bed_spin(bed, 50);
        realm_status(bed->realm, &report);
    } while (!report.reachable && clock_us() < end);
    assert_true(report.reachable);
    assert_in_range(peer_count(bed->peer, PEER_TOKEN), sent, sent + 1); /* ada's own */
    assert_int_equal(bed_login(bed, "bob").status, KC_TOKEN_WRONG_USER);
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
}

/* Retry-After of a probe holds everybody on this host; of a round by itself nobody. */
static void test_probe_is_held(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    peer_set(bed->peer, PEER_TOKEN, 500, "", "");
    peer_set(bed->peer, PEER_DISCOVERY, 429, "", "");
    strcpy(bed->peer->at[PEER_DISCOVERY].extra, "Retry-After: 1\r\n");
    assert_int_equal(bed_login(bed, "ada").status, KC_SERVER_ERROR);
    bed_spin_until_count(bed, PEER_DISCOVERY, 1);
    bed_spin(bed, 50);
    bed_token(bed, bed->key, &bed_good);
    assert_int_equal(bed_login(bed, "bob").status, KC_HTTP_TOO_MANY_REQUESTS);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 0);
    bed_spin(bed, 1000);
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
}

static void test_reload(void **state)
{
    struct bed *bed = *state;
    struct outcome outcome;
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    bed->peer->at[PEER_TOKEN].delay_ms = 100;
    bed_start(bed, "ada", &outcome);
    bed_spin_until_count(bed, PEER_TOKEN, 2);
    struct config *config =
        bed_configure(bed, bed->issuer, "scope = email\nforward_client_address = yes");
    assert_int_equal(realm_reload(bed->realm, config), KC_OK);
    config_unref(config);
    bed_spin_until(bed, &outcome.done);
    assert_int_equal(outcome.status, KC_OK);
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    assert_non_null(strstr(bed->peer->at[PEER_TOKEN].form, "&scope=email"));
    assert_non_null(strstr(bed->peer->at[PEER_TOKEN].head, "X-Forwarded-For: 192.0.2.7\r\n"));
    config = bed_configure(bed, "http://127.0.0.1:1/realms/y", "");
    assert_int_equal(realm_reload(bed->realm, config), KC_OK);
    config_unref(config);
    assert_int_equal(bed_login(bed, "ada").status, KC_UNREACHABLE);
}

static const char *forwarded(struct bed *bed, const char *address)
{
    struct kc_secret password = KC_SECRET_INIT;
    struct outcome outcome = {0};
    struct grant *grant;
    assert_int_equal(kc_secret_set(&password, "x", 1), KC_OK);
    struct grant_request request = {
        .user = "ada", .password = &password, .client_address = address};
    assert_int_equal(grant_start(bed->realm, &request, bed_granted, &outcome, &grant), KC_OK);
    kc_secret_wipe(&password);
    bed_spin_until(bed, &outcome.done);
    assert_int_equal(outcome.status, KC_OK);
    return strcasestr(bed->peer->at[PEER_TOKEN].head, "forwarded");
}

/* Off by default; an address and nothing else, which ends where it ends. */
static void test_forwarded_for(void **state)
{
    struct bed *bed = *state;
    static const char *const others[] = {"client.example.org", "192.0.2.7\r\nX-Evil: 1", "192.0.2",
        "192.0.2.7, 127.0.0.1", "fe80::1%eth0", "[::1]", " 192.0.2.7", "0x7f.1", ""};
    assert_null(forwarded(bed, "192.0.2.7"));
    struct config *config = bed_configure(bed, bed->issuer, "forward_client_address = yes");
    assert_int_equal(realm_reload(bed->realm, config), KC_OK);
    config_unref(config);
    const char *found = forwarded(bed, "192.0.2.7");
    assert_non_null(found);
    assert_int_equal(strncmp(found, "Forwarded-For: 192.0.2.7\r\n", 26), 0);
    found = forwarded(bed, "2001:db8::17");
    assert_non_null(found);
    assert_int_equal(strncmp(found, "Forwarded-For: 2001:db8::17\r\n", 29), 0);
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_null(forwarded(bed, others[i]));
    assert_null(forwarded(bed, NULL));
}

static void on_ended(void *userdata, enum kc_status status, const char *detail)
{
    struct outcome *outcome = userdata;
    outcome->done = true;
    outcome->status = status;
    snprintf(outcome->detail, sizeof(outcome->detail), "%s", detail);
}

static enum kc_status log_out(
    struct bed *bed, const char *issuer, const struct kc_secret *token, struct outcome *outcome)
{
    const struct realm_origin origin = {issuer, "linux-pam"};
    return realm_logout(bed->realm, &origin, token, on_ended, outcome);
}

static void log_out_answered(struct bed *bed, int http, const char *error, enum kc_status expected)
{
    struct outcome outcome = {0};
    KC_AUTO_SECRET struct kc_secret token = KC_SECRET_INIT;
    assert_int_equal(kc_secret_set(&token, "r+1", 3), KC_OK);
    peer_set(bed->peer, PEER_LOGOUT, http, "application/json", error);
    assert_int_equal(log_out(bed, bed->issuer, &token, &outcome), KC_OK);
    bed_spin_until(bed, &outcome.done);
    assert_int_equal(outcome.status, expected);
}

static void test_logout(void **state)
{
    struct bed *bed = *state;
    struct outcome outcome = {0};
    KC_AUTO_SECRET struct kc_secret token = KC_SECRET_INIT;
    assert_int_equal(kc_secret_set(&token, "r+1", 3), KC_OK);
    assert_int_equal(log_out(bed, bed->issuer, &token, &outcome), KC_NOT_READY);
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    assert_int_equal(
        log_out(bed, "https://another.example", &token, &outcome), KC_REALM_WRONG_ISSUER);
    peer_set(bed->peer, PEER_LOGOUT, 503, "", "");
    assert_int_equal(log_out(bed, bed->issuer, &token, &outcome), KC_OK);
    bed_spin_until_count(bed, PEER_LOGOUT, 1);
    bed_spin(bed, 50);
    assert_int_equal(realm_ending(bed->realm), 1);
    peer_set(bed->peer, PEER_LOGOUT, 204, "", "");
    bed_spin_until(bed, &outcome.done);
    assert_int_equal(outcome.status, KC_OK);
    assert_int_equal(peer_count(bed->peer, PEER_LOGOUT), 1);
    assert_string_equal(bed->peer->at[PEER_LOGOUT].form,
        "refresh_token=r%2B1&client_id=linux-pam&client_secret=client-s3cret");
    assert_int_equal(realm_ending(bed->realm), 0);
}

/* A session that is over ends well at a Keycloak: no refusal means that there is none left. */
static void test_logout_refused(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    log_out_answered(bed, 401,
        "{\"error\":\"unauthorized_client\",\"error_description\":\"Invalid client or Invalid "
        "client credentials\"}",
        KC_CLIENT_SECRET_WRONG);
    log_out_answered(bed, 400,
        "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid refresh token. Token client "
        "and authorized client don't match\"}",
        KC_REALM_WRONG_CLIENT);
    log_out_answered(bed, 400,
        "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid refresh token\"}",
        KC_REFRESH_TOKEN_REFUSED);
}

/* Another client_id since: its token is not sent where nobody can use it. */
static void test_logout_as_another_client(void **state)
{
    struct bed *bed = *state;
    struct outcome outcome = {0};
    KC_AUTO_SECRET struct kc_secret token = KC_SECRET_INIT;
    const struct realm_origin origin = {bed->issuer, "linux-pam-of-old"};
    assert_int_equal(kc_secret_set(&token, "r", 1), KC_OK);
    assert_int_equal(bed_login(bed, "ada").status, KC_OK);
    assert_int_equal(
        realm_logout(bed->realm, &origin, &token, on_ended, &outcome), KC_REALM_WRONG_CLIENT);
    assert_int_equal(
        realm_revoke(bed->realm, &origin, &token, on_ended, &outcome), KC_REALM_WRONG_CLIENT);
    bed_spin(bed, 50);
    assert_int_equal(peer_count(bed->peer, PEER_LOGOUT), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_before_discovery),
        TEST(test_wrong_issuer),
        TEST(test_breaker),
        TEST(test_breaker_of_silence),
        TEST(test_probe_is_held),
        TEST(test_reload),
        TEST(test_forwarded_for),
        TEST(test_logout),
        TEST(test_logout_refused),
        TEST(test_logout_as_another_client),
    };
    if (http_global_init() != KC_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
