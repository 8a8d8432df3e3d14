/*
 * Grants against a realm that is told what to answer: the queue, doubt, verification, what is given
 * back, discovery and keys.
 * Lessons 2 to 5, 12, 15 to 18, 24, 25, 27, 35; facts 1 and 2 of Keycloak's brute-force detection.
 */
#include "daemon/clock.h"
#include "daemon/config.h"
#include "daemon/grant.h"
#include "daemon/http.h"
#include "daemon/realm.h"
#include "jose/jwk.h"
#include "jose/jwt.h"
#include "jose/sign.h"
#include "tests/daemon/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PASSWORD "corr ect%&+h\xc3\xb6rse"
#define PASSWORD_CODED "corr+ect%25%26%2Bh%C3%B6rse"

struct bed {
    struct peer *peer;
    sd_event *event;
    struct config *config;
    struct realm *realm;
    EVP_PKEY *key;
    char issuer[64];
    char folder[32];
};

struct outcome {
    bool done;
    enum kc_status status;
    char detail[300];
    char access[8192], refresh[64], scope[64], subject[64];
    int64_t expires_at;
    uint64_t at_us;
};

static void on_granted(
    void *userdata, enum kc_status status, const char *detail, struct grant_answer *answer)
{
    struct outcome *outcome = userdata;
    assert_false(outcome->done);
    outcome->done = true;
    outcome->status = status;
    outcome->at_us = clock_us();
    snprintf(outcome->detail, sizeof(outcome->detail), "%s", detail);
    assert_true((status == KC_OK) == (answer != NULL));
    if (!answer)
        return;
    snprintf(outcome->access, sizeof(outcome->access), "%s", kc_secret_text(&answer->access_token));
    snprintf(
        outcome->refresh, sizeof(outcome->refresh), "%s", kc_secret_text(&answer->refresh_token));
    snprintf(outcome->scope, sizeof(outcome->scope), "%s", answer->scope ? answer->scope : "-");
    snprintf(outcome->subject, sizeof(outcome->subject), "%s", jose_jwt_subject(answer->jwt));
    outcome->expires_at = answer->expires_at;
}

static void spin_until(struct bed *bed, const bool *done)
{
    uint64_t end = clock_us() + 10 * CLOCK_SECOND_US;
    while (!*done && clock_us() < end)
        assert_true(sd_event_run(bed->event, 10000) >= 0);
    assert_true(*done);
}

static void spin_for(struct bed *bed, unsigned ms)
{
    uint64_t end = clock_us() + ms * 1000U;
    while (clock_us() < end)
        assert_true(sd_event_run(bed->event, 2000) >= 0);
}

static void spin_until_count(struct bed *bed, enum peer_place place, unsigned count)
{
    uint64_t end = clock_us() + 5 * CLOCK_SECOND_US;
    while (peer_count(bed->peer, place) < count && clock_us() < end)
        assert_true(sd_event_run(bed->event, 2000) >= 0);
    assert_int_equal(peer_count(bed->peer, place), count);
}

static struct grant *start(struct bed *bed, const char *user, struct outcome *outcome)
{
    struct kc_secret password = KC_SECRET_INIT;
    struct grant *grant = NULL;
    assert_int_equal(kc_secret_set(&password, PASSWORD, strlen(PASSWORD)), KC_OK);
    struct grant_request request = {
        .user = user, .password = &password, .client_address = "192.0.2.7"};
    *outcome = (struct outcome){0};
    assert_int_equal(grant_start(bed->realm, &request, on_granted, outcome, &grant), KC_OK);
    assert_false(outcome->done);
    kc_secret_wipe(&password);
    return grant;
}

static struct outcome login(struct bed *bed, const char *user)
{
    struct outcome outcome;
    start(bed, user, &outcome);
    spin_until(bed, &outcome.done);
    return outcome;
}

static void serve_keys(struct bed *bed, EVP_PKEY *key, const char *kid)
{
    struct json_object *jwk = NULL, *set = json_object_new_object();
    struct json_object *list = json_object_new_array();
    assert_int_equal(jose_jwk_export(key, kid, "ES256", &jwk), KC_OK);
    json_object_array_add(list, jwk);
    json_object_object_add(set, "keys", list);
    peer_set(bed->peer, PEER_KEYS, 200, "application/json", json_object_to_json_string(set));
    json_object_put(set);
}

static void serve_discovery(struct bed *bed, const char *issuer)
{
    char text[2048];
    snprintf(text, sizeof(text),
        "{\"issuer\":\"%s\",\"token_endpoint\":\"%s/token\",\"jwks_uri\":\"%s/certs\","
        "\"end_session_endpoint\":\"%s/logout\",\"revocation_endpoint\":\"%s/revoke\"}",
        issuer, bed->issuer, bed->issuer, bed->issuer, bed->issuer);
    peer_set(bed->peer, PEER_DISCOVERY, 200, "application/json", text);
}

/* What the token says; NULL in a field: left out. */
struct claims {
    const char *user, *azp, *typ, *kid;
    int64_t lifetime;
    const char *extra; /* of the answer, e.g. ,"scope":"x" */
    const char *type;  /* token_type */
    bool no_refresh;
};
static const struct claims good = {"ada", "linux-pam", "Bearer", "k1", 300,
    ",\"scope\":\"openid email\",\"expires_in\":300,\"not-before-policy\":0", "bearer", false};

static void serve_token(struct bed *bed, EVP_PKEY *key, const struct claims *claims)
{
    struct kc_secret token = KC_SECRET_INIT;
    char body[16384];
    struct json_object *payload = json_object_new_object();
    json_object_object_add(payload, "iss", json_object_new_string(bed->issuer));
    json_object_object_add(payload, "sub", json_object_new_string("0000-ada"));
    json_object_object_add(payload, "azp", json_object_new_string(claims->azp));
    json_object_object_add(payload, "typ", json_object_new_string(claims->typ));
    json_object_object_add(payload, "preferred_username", json_object_new_string(claims->user));
    json_object_object_add(payload, "iat", json_object_new_int64(time(NULL)));
    json_object_object_add(payload, "exp", json_object_new_int64(time(NULL) + claims->lifetime));
    assert_int_equal(jose_jws_sign(key, "ES256", claims->kid, payload, &token), KC_OK);
    json_object_put(payload);
    snprintf(body, sizeof(body), "{\"access_token\":\"%s\",\"token_type\":\"%s\"%s%s}",
        kc_secret_text(&token), claims->type,
        claims->no_refresh ? "" : ",\"refresh_token\":\"r-1\"", claims->extra);
    peer_set(bed->peer, PEER_TOKEN, 200, "application/json", body);
    kc_secret_wipe(&token);
}

static void refuse(struct bed *bed)
{
    peer_set(bed->peer, PEER_TOKEN, 401, "application/json",
        "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid user credentials\"}");
}

static struct config *configure(struct bed *bed, const char *issuer, const char *more)
{
    char path[64], secret[64];
    struct config *config = NULL;
    struct kc_conf_error error;
    snprintf(path, sizeof(path), "%s/conf", bed->folder);
    snprintf(secret, sizeof(secret), "%s/secret", bed->folder);
    FILE *file = fopen(secret, "w");
    fprintf(file, "client-s3cret\n");
    fclose(file);
    chmod(secret, 0600);
    file = fopen(path, "w");
    fprintf(file,
        "[realm]\nissuer = %s\nclient_id = linux-pam\nclient_auth = post\n"
        "client_secret_file = %s\nallow_http = yes\n%s\n[access]\nallow = any\n",
        issuer, secret, more);
    fclose(file);
    chmod(path, 0600);
    struct config_source source = {.path = path, .owner = geteuid(), .self = geteuid()};
    enum kc_status status = config_load(&source, &config, &error);
    unlink(path);
    unlink(secret);
    assert_int_equal(status, KC_OK);
    return config;
}

static int set_up(void **state)
{
    static struct bed bed;
    bed = (struct bed){.folder = "/tmp/kclogin-grant-XXXXXX"};
    *state = &bed;
    bed.peer = peer_start();
    bed.key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    if (!bed.peer || !bed.key || !mkdtemp(bed.folder) || sd_event_new(&bed.event) < 0)
        return -1;
    snprintf(bed.issuer, sizeof(bed.issuer), "http://127.0.0.1:%d/realms/x", bed.peer->port);
    serve_discovery(&bed, bed.issuer);
    serve_keys(&bed, bed.key, "k1");
    serve_token(&bed, bed.key, &good);
    peer_set(bed.peer, PEER_LOGOUT, 204, "", "");
    peer_set(bed.peer, PEER_REVOKE, 200, "", "");
    bed.config = configure(&bed, bed.issuer, "[limits]\ngrant_timeout = 2s");
    return realm_new(bed.event, bed.config, &bed.realm) == KC_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    realm_free(bed->realm);
    config_unref(bed->config);
    sd_event_unref(bed->event);
    EVP_PKEY_free(bed->key);
    rmdir(bed->folder);
    peer_stop(bed->peer);
    return 0;
}

static void test_success(void **state)
{
    struct bed *bed = *state;
    struct outcome outcome = login(bed, "ada");
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
    spin_for(bed, 50);
    assert_int_equal(peer_count(bed->peer, PEER_LOGOUT), 0);
}

/* A warm login is one request on the connection that is there. */
static void test_warm_login_is_one_request(void **state)
{
    struct bed *bed = *state;
    login(bed, "ada");
    unsigned connections = atomic_load(&bed->peer->connections);
    assert_int_equal(login(bed, "ada").status, KC_OK);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 2);
    assert_int_equal(peer_count(bed->peer, PEER_DISCOVERY), 1);
    assert_int_equal(peer_count(bed->peer, PEER_KEYS), 1);
    assert_int_equal(atomic_load(&bed->peer->connections), connections);
}

/* Lessons 3, 4, 12, 15: the realm says yes, the token says no; and no session stays behind. */
static void test_tokens_refused(void **state)
{
    struct bed *bed = *state;
    struct claims claims[5] = {good, good, good, good, good};
    static const enum kc_status expected[] = {KC_TOKEN_WRONG_USER, KC_TOKEN_WRONG_CLIENT,
        KC_TOKEN_WRONG_TYPE, KC_TOKEN_EXPIRED, KC_TOKEN_WRONG_USER};
    claims[0].user = "Ada";
    claims[1].azp = "other";
    claims[2].typ = "ID";
    claims[3].lifetime = -600;
    claims[4].user = "ada2";
    for (unsigned i = 0; i < 5; i++) {
        serve_token(bed, bed->key, &claims[i]);
        assert_int_equal(login(bed, "ada").status, expected[i]);
        spin_until_count(bed, PEER_LOGOUT, i + 1);
        assert_non_null(strstr(bed->peer->at[PEER_LOGOUT].form, "refresh_token=r-1&"));
        assert_non_null(strstr(bed->peer->at[PEER_LOGOUT].form, "client_secret=client-s3cret"));
    }
    claims[0].no_refresh = true;
    serve_token(bed, bed->key, &claims[0]);
    assert_int_equal(login(bed, "ada").status, KC_TOKEN_WRONG_USER);
    spin_until_count(bed, PEER_REVOKE, 1);
    assert_non_null(strstr(bed->peer->at[PEER_REVOKE].form, "token_type_hint=access_token"));
    EVP_PKEY *other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    serve_token(bed, other, &good);
    assert_int_equal(login(bed, "ada").status, KC_TOKEN_BAD_SIGNATURE);
    spin_until_count(bed, PEER_LOGOUT, 6);
    EVP_PKEY_free(other);
}

/* Lesson 16 */
static void test_new_key_with_token(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(login(bed, "ada").status, KC_OK);
    EVP_PKEY *fresh = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    struct claims claims = good;
    claims.kid = "k2";
    spin_for(bed, 10);
    /* the keys were fetched just now: the refetch waits for its time, the login gives up first */
    serve_keys(bed, fresh, "k2");
    serve_token(bed, fresh, &claims);
    assert_int_equal(login(bed, "ada").status, KC_TIMED_OUT);
    assert_int_equal(peer_count(bed->peer, PEER_KEYS), 0);
    spin_until_count(bed, PEER_LOGOUT, 1);
    realm_free(bed->realm);
    config_unref(bed->config);
    bed->config = configure(bed, bed->issuer, "[limits]\ngrant_timeout = 8s");
    serve_keys(bed, bed->key, "k1");
    assert_int_equal(realm_new(bed->event, bed->config, &bed->realm), KC_OK);
    serve_token(bed, bed->key, &good);
    assert_int_equal(login(bed, "ada").status, KC_OK);
    serve_keys(bed, fresh, "k2");
    serve_token(bed, fresh, &claims);
    struct outcome both[2];
    start(bed, "ada", &both[0]);
    start(bed, "ada", &both[1]);
    spin_until(bed, &both[0].done);
    spin_until(bed, &both[1].done);
    assert_int_equal(both[0].status, KC_OK);
    assert_int_equal(both[1].status, KC_OK);
    assert_int_equal(peer_count(bed->peer, PEER_KEYS), 1);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 2);
    EVP_PKEY_free(fresh);
}

static void test_refusals(void **state)
{
    struct bed *bed = *state;
    refuse(bed);
    struct outcome outcome = login(bed, "ada");
    assert_int_equal(outcome.status, KC_BAD_CREDENTIALS);
    assert_string_equal(outcome.detail, "invalid_grant: Invalid user credentials");
    peer_set(bed->peer, PEER_TOKEN, 403, "text/html", "<html>blocked</html>");
    outcome = login(bed, "ada");
    assert_int_equal(outcome.status, KC_HTTP_FORBIDDEN);
    assert_string_equal(outcome.detail, "HTTP 403");
    peer_set(bed->peer, PEER_TOKEN, 401, "", "");
    assert_int_equal(login(bed, "ada").status, KC_HTTP_UNAUTHORIZED);
    peer_set(bed->peer, PEER_TOKEN, 307, "", "");
    assert_int_equal(login(bed, "ada").status, KC_HTTP_REDIRECT);
    peer_set(bed->peer, PEER_TOKEN, 200, "text/html", "<html>welcome</html>");
    assert_int_equal(login(bed, "ada").status, KC_ANSWER_NOT_JSON);
    peer_set(bed->peer, PEER_TOKEN, 200, "application/json", "");
    assert_int_equal(login(bed, "ada").status, KC_ANSWER_NOT_JSON);
    peer_set(bed->peer, PEER_TOKEN, 200, "application/json", "{}");
    assert_int_equal(login(bed, "ada").status, KC_ANSWER_MALFORMED);
    peer_set(bed->peer, PEER_TOKEN, 204, "", "");
    assert_int_equal(login(bed, "ada").status, KC_HTTP_UNEXPECTED);
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
        struct outcome outcome = login(bed, "ada");
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
        struct claims claims = good;
        claims.extra = extras[i];
        serve_token(bed, bed->key, &claims);
        struct outcome outcome = login(bed, "ada");
        if (outcome.status != KC_ANSWER_MALFORMED && outcome.status != KC_ANSWER_NOT_JSON)
            fail_msg("%s: %s", extras[i], kc_status_word(outcome.status));
        given_back = peer_count(bed->peer, PEER_LOGOUT) + peer_count(bed->peer, PEER_REVOKE);
    }
    spin_for(bed, 100);
    given_back = peer_count(bed->peer, PEER_LOGOUT) + peer_count(bed->peer, PEER_REVOKE);
    assert_int_equal(given_back, 6); /* all but the one that is no JSON at all */
    struct claims claims = good;
    claims.type = "DPoP";
    serve_token(bed, bed->key, &claims);
    assert_int_equal(login(bed, "ada").status, KC_CLIENT_DPOP_REQUIRED);
    claims.type = "BeArEr";
    claims.extra = "";
    serve_token(bed, bed->key, &claims);
    assert_int_equal(login(bed, "ada").status, KC_OK);
    claims.extra = ",\"refresh_expires_in\":0,\"not-before-policy\":9000000000";
    serve_token(bed, bed->key, &claims);
    assert_int_equal(login(bed, "ada").status, KC_TOKEN_REVOKED);
    serve_token(bed, bed->key, &good);
    assert_int_equal(login(bed, "ada").status, KC_TOKEN_REVOKED);
}

/* Fact 1: one at a time for a user, 10 ms apart; others are not held up. */
static void test_one_at_a_time(void **state)
{
    struct bed *bed = *state;
    struct outcome outcomes[8];
    assert_int_equal(login(bed, "ada").status, KC_OK);
    bed->peer->at[PEER_TOKEN].delay_ms = 30;
    atomic_store(&bed->peer->most_at_once, 0);
    uint64_t from = clock_us();
    for (int i = 0; i < 8; i++)
        start(bed, "ada", &outcomes[i]);
    for (int i = 0; i < 8; i++) {
        spin_until(bed, &outcomes[i].done);
        assert_int_equal(outcomes[i].status, KC_OK);
        assert_true(i == 0 || outcomes[i].at_us >= outcomes[i - 1].at_us + 39000);
    }
    assert_true(clock_us() - from >= 8 * 30000 + 7 * 10000);
    assert_int_equal(atomic_load(&bed->peer->most_at_once), 1);
    refuse(bed);
    bed->peer->at[PEER_TOKEN].delay_ms = 100;
    for (int i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof(name), "user%d", i);
        start(bed, name, &outcomes[i]);
    }
    for (int i = 0; i < 8; i++)
        spin_until(bed, &outcomes[i].done);
    assert_in_range(atomic_load(&bed->peer->most_at_once), 5, 8);
}

/* Fact 2 and lesson 35 */
static void test_doubt(void **state)
{
    struct bed *bed = *state;
    bed->peer->at[PEER_TOKEN].mode = PEER_CUT;
    assert_int_equal(login(bed, "ada").status, KC_UNANSWERED);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 1);
    refuse(bed);
    assert_int_equal(login(bed, "ada").status, KC_GRANT_IN_DOUBT);
    assert_int_equal(login(bed, "bob").status, KC_BAD_CREDENTIALS);
    assert_int_equal(login(bed, "ada").status, KC_GRANT_IN_DOUBT);
    /* another reason than the password is no doubt */
    peer_set(bed->peer, PEER_TOKEN, 400, "application/json",
        "{\"error\":\"invalid_grant\",\"error_description\":\"Account disabled\"}");
    assert_int_equal(login(bed, "ada").status, KC_ACCOUNT_DISABLED);
    serve_token(bed, bed->key, &good);
    assert_int_equal(login(bed, "ada").status, KC_OK);
    refuse(bed);
    assert_int_equal(login(bed, "ada").status, KC_BAD_CREDENTIALS);
}

/* Lesson 25: a hanging realm costs the deadline and no more; who waits behind is told in time. */
static void test_deadline(void **state)
{
    struct bed *bed = *state;
    struct outcome first, second;
    assert_int_equal(login(bed, "ada").status, KC_OK);
    bed->peer->at[PEER_TOKEN].mode = PEER_HANG;
    uint64_t from = clock_us();
    start(bed, "ada", &first);
    start(bed, "ada", &second);
    spin_until(bed, &first.done);
    spin_until(bed, &second.done);
    assert_int_equal(first.status, KC_UNANSWERED);
    assert_int_equal(second.status, KC_TIMED_OUT);
    assert_in_range(clock_us() - from, 1900000, 3000000);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 2);
}

static void test_retry_after(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(login(bed, "ada").status, KC_OK);
    peer_set(bed->peer, PEER_TOKEN, 429, "text/html", "slow down");
    strcpy(bed->peer->at[PEER_TOKEN].extra, "Retry-After: 1\r\n");
    assert_int_equal(login(bed, "ada").status, KC_HTTP_TOO_MANY_REQUESTS);
    serve_token(bed, bed->key, &good);
    assert_int_equal(login(bed, "ada").status, KC_HTTP_TOO_MANY_REQUESTS);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 0);
    assert_int_equal(login(bed, "bob").status, KC_TOKEN_WRONG_USER);
    spin_for(bed, 1000);
    assert_int_equal(login(bed, "ada").status, KC_OK);
}

static void test_cancel(void **state)
{
    struct bed *bed = *state;
    struct outcome waiting, sent, next;
    assert_int_equal(login(bed, "ada").status, KC_OK);
    bed->peer->at[PEER_TOKEN].delay_ms = 200;
    struct grant *one = start(bed, "ada", &sent);
    struct grant *two = start(bed, "ada", &waiting);
    spin_until_count(bed, PEER_TOKEN, 2);
    grant_cancel(two);
    grant_cancel(one);
    start(bed, "ada", &next);
    spin_until(bed, &next.done);
    assert_int_equal(next.status, KC_OK);
    assert_false(sent.done);
    assert_false(waiting.done);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 3);
    spin_until_count(bed, PEER_LOGOUT, 1);
}

/* A login that comes before discovery waits for it; an unreachable realm is said at once. */
static void test_before_discovery(void **state)
{
    struct bed *bed = *state;
    struct outcome outcome;
    struct realm_report report;
    bed->peer->at[PEER_DISCOVERY].delay_ms = 300;
    start(bed, "ada", &outcome);
    spin_until(bed, &outcome.done);
    assert_int_equal(outcome.status, KC_OK);
    realm_status(bed->realm, &report);
    assert_true(report.ready && report.reachable && !report.failing);
    assert_int_equal(report.keys, 1);
    realm_free(bed->realm);
    config_unref(bed->config);
    bed->config = configure(bed, "http://127.0.0.1:1/realms/x", "");
    assert_int_equal(realm_new(bed->event, bed->config, &bed->realm), KC_OK);
    uint64_t from = clock_us();
    assert_int_equal(login(bed, "ada").status, KC_UNREACHABLE);
    assert_int_equal(login(bed, "ada").status, KC_UNREACHABLE);
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
        serve_discovery(bed, other);
        realm_free(bed->realm);
        assert_int_equal(realm_new(bed->event, bed->config, &bed->realm), KC_OK);
        assert_int_equal(login(bed, "ada").status, KC_REALM_WRONG_ISSUER);
    }
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 0);
    peer_set(
        bed->peer, PEER_DISCOVERY, 404, "application/json", "{\"error\":\"Realm does not exist\"}");
    realm_free(bed->realm);
    assert_int_equal(realm_new(bed->event, bed->config, &bed->realm), KC_OK);
    struct outcome outcome = login(bed, "ada");
    assert_int_equal(outcome.status, KC_REALM_UNKNOWN);
    assert_string_equal(outcome.detail, "discovery: Realm does not exist");
}

/* Lesson 44: a person's own trouble closes nothing; a probe's 503 does, and recovery is noticed. */
static void test_breaker(void **state)
{
    struct bed *bed = *state;
    struct realm_report report;
    assert_int_equal(login(bed, "ada").status, KC_OK);
    peer_set(bed->peer, PEER_TOKEN, 403, "text/html", "<html>odd password</html>");
    assert_int_equal(login(bed, "ada").status, KC_HTTP_FORBIDDEN);
    peer_set(bed->peer, PEER_TOKEN, 502, "text/html", "<html>gateway</html>");
    unsigned probes = peer_count(bed->peer, PEER_DISCOVERY);
    assert_int_equal(login(bed, "ada").status, KC_SERVER_GATEWAY);
    spin_until_count(bed, PEER_DISCOVERY, probes + 1);
    spin_for(bed, 50);
    realm_status(bed->realm, &report);
    assert_true(report.reachable);
    peer_set(bed->peer, PEER_DISCOVERY, 503, "", "");
    assert_int_equal(login(bed, "ada").status, KC_SERVER_GATEWAY);
    spin_until_count(bed, PEER_DISCOVERY, 1);
    spin_for(bed, 50);
    realm_status(bed->realm, &report);
    assert_false(report.reachable);
    /* down: nobody is sent to the token endpoint, until a probe succeeds */
    unsigned sent = peer_count(bed->peer, PEER_TOKEN);
    assert_int_equal(login(bed, "bob").status, KC_SERVER_OVERLOADED);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), sent);
    serve_discovery(bed, bed->issuer);
    serve_token(bed, bed->key, &good);
    spin_for(bed, 1050);
    assert_int_equal(login(bed, "ada").status, KC_OK);
    realm_status(bed->realm, &report);
    assert_true(report.reachable && !report.failing);
}

/* Retry-After of a probe holds everybody on this host; of a round by itself nobody. */
static void test_probe_is_held(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(login(bed, "ada").status, KC_OK);
    peer_set(bed->peer, PEER_TOKEN, 500, "", "");
    peer_set(bed->peer, PEER_DISCOVERY, 429, "", "");
    strcpy(bed->peer->at[PEER_DISCOVERY].extra, "Retry-After: 1\r\n");
    assert_int_equal(login(bed, "ada").status, KC_SERVER_ERROR);
    spin_until_count(bed, PEER_DISCOVERY, 1);
    spin_for(bed, 50);
    serve_token(bed, bed->key, &good);
    assert_int_equal(login(bed, "bob").status, KC_HTTP_TOO_MANY_REQUESTS);
    assert_int_equal(peer_count(bed->peer, PEER_TOKEN), 0);
    spin_for(bed, 1000);
    assert_int_equal(login(bed, "ada").status, KC_OK);
}

static void test_reload(void **state)
{
    struct bed *bed = *state;
    struct outcome outcome;
    assert_int_equal(login(bed, "ada").status, KC_OK);
    bed->peer->at[PEER_TOKEN].delay_ms = 100;
    start(bed, "ada", &outcome);
    spin_until_count(bed, PEER_TOKEN, 2);
    struct config *config =
        configure(bed, bed->issuer, "scope = email\nforward_client_address = yes");
    assert_int_equal(realm_reload(bed->realm, config), KC_OK);
    config_unref(config);
    spin_until(bed, &outcome.done);
    assert_int_equal(outcome.status, KC_OK);
    assert_int_equal(login(bed, "ada").status, KC_OK);
    assert_non_null(strstr(bed->peer->at[PEER_TOKEN].form, "&scope=email"));
    assert_non_null(strstr(bed->peer->at[PEER_TOKEN].head, "X-Forwarded-For: 192.0.2.7\r\n"));
    config = configure(bed, "http://127.0.0.1:1/realms/y", "");
    assert_int_equal(realm_reload(bed->realm, config), KC_OK);
    config_unref(config);
    assert_int_equal(login(bed, "ada").status, KC_UNREACHABLE);
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
    return realm_logout(bed->realm, issuer, token, on_ended, outcome);
}

static void test_logout(void **state)
{
    struct bed *bed = *state;
    struct outcome outcome = {0};
    KC_AUTO_SECRET struct kc_secret token = KC_SECRET_INIT;
    assert_int_equal(kc_secret_set(&token, "r+1", 3), KC_OK);
    assert_int_equal(log_out(bed, bed->issuer, &token, &outcome), KC_NOT_READY);
    assert_int_equal(login(bed, "ada").status, KC_OK);
    assert_int_equal(
        log_out(bed, "https://another.example", &token, &outcome), KC_REALM_WRONG_ISSUER);
    peer_set(bed->peer, PEER_LOGOUT, 503, "", "");
    assert_int_equal(log_out(bed, bed->issuer, &token, &outcome), KC_OK);
    spin_until_count(bed, PEER_LOGOUT, 1);
    spin_for(bed, 50);
    assert_int_equal(realm_ending(bed->realm), 1);
    peer_set(bed->peer, PEER_LOGOUT, 204, "", "");
    spin_until(bed, &outcome.done);
    assert_int_equal(outcome.status, KC_OK);
    assert_int_equal(peer_count(bed->peer, PEER_LOGOUT), 1);
    assert_string_equal(bed->peer->at[PEER_LOGOUT].form,
        "refresh_token=r%2B1&client_id=linux-pam&client_secret=client-s3cret");
    assert_int_equal(realm_ending(bed->realm), 0);
    /* over already */
    peer_set(bed->peer, PEER_LOGOUT, 400, "application/json",
        "{\"error\":\"invalid_grant\",\"error_description\":\"Token is not active\"}");
    outcome = (struct outcome){0};
    assert_int_equal(log_out(bed, bed->issuer, &token, &outcome), KC_OK);
    spin_until(bed, &outcome.done);
    assert_int_equal(outcome.status, KC_OK);
    peer_set(bed->peer, PEER_LOGOUT, 401, "application/json",
        "{\"error\":\"unauthorized_client\",\"error_description\":\"Invalid client or Invalid "
        "client credentials\"}");
    outcome = (struct outcome){0};
    assert_int_equal(log_out(bed, bed->issuer, &token, &outcome), KC_OK);
    spin_until(bed, &outcome.done);
    assert_int_equal(outcome.status, KC_CLIENT_SECRET_WRONG);
}

static void test_limits(void **state)
{
    struct bed *bed = *state;
    struct outcome outcomes[80] = {{0}};
    struct grant *grant;
    KC_AUTO_SECRET struct kc_secret password = KC_SECRET_INIT;
    struct grant_request request = {.user = "ada", .password = &password};
    assert_int_equal(
        grant_start(bed->realm, &request, on_granted, outcomes, &grant), KC_EMPTY_PASSWORD);
    char large[513];
    memset(large, 'x', sizeof(large));
    assert_int_equal(kc_secret_set(&password, large, sizeof(large)), KC_OK);
    assert_int_equal(
        grant_start(bed->realm, &request, on_granted, outcomes, &grant), KC_PASSWORD_TOO_LONG);
    assert_int_equal(kc_secret_set(&password, "x", 1), KC_OK);
    request.user = "";
    assert_int_equal(grant_start(bed->realm, &request, on_granted, outcomes, &grant), KC_MALFORMED);
    request.user = "ada";
    size_t taken = 0;
    while (taken < 80 &&
           grant_start(bed->realm, &request, on_granted, &outcomes[taken], &grant) == KC_OK)
        taken++;
    assert_int_equal(taken, 64);
    request.user = "bob";
    assert_int_equal(grant_start(bed->realm, &request, on_granted, &outcomes[70], &grant), KC_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_success),
        TEST(test_warm_login_is_one_request),
        TEST(test_tokens_refused),
        TEST(test_new_key_with_token),
        TEST(test_refusals),
        TEST(test_detail_repeats_password),
        TEST(test_answers_refused),
        TEST(test_one_at_a_time),
        TEST(test_doubt),
        TEST(test_deadline),
        TEST(test_retry_after),
        TEST(test_cancel),
        TEST(test_before_discovery),
        TEST(test_wrong_issuer),
        TEST(test_breaker),
        TEST(test_probe_is_held),
        TEST(test_reload),
        TEST(test_logout),
        TEST(test_limits),
    };
    if (http_global_init() != KC_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
