/*
 * HTTP requests against a server that misbehaves on demand, and libcurl's codes one by one.
 * Lessons 19 (environment), 21 (redirects), 25 (deadlines), 26 (sizes), 35 (a POST sent once).
 */
#include "daemon/http.h"
#include "tests/daemon/peer.h"

#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <time.h>

#include <cmocka.h>

static struct peer *peer;
static sd_event *event;
static struct http *http;

struct outcome {
    bool done;
    enum kc_status status;
    unsigned http;
    bool json;
    int64_t retry_after;
    char body[4096];
    char error[256];
};

static void on_done(void *userdata, enum kc_status status, struct http_answer *answer)
{
    struct outcome *outcome = userdata;
    outcome->done = true;
    outcome->status = status;
    outcome->http = answer->status;
    outcome->json = answer->json;
    outcome->retry_after = answer->retry_after;
    snprintf(outcome->body, sizeof(outcome->body), "%s", kc_secret_text(&answer->body));
    snprintf(outcome->error, sizeof(outcome->error), "%s", answer->error);
}

static void spin(const bool *done)
{
    for (int i = 0; i < 10000 && !*done; i++)
        assert_true(sd_event_run(event, 10000) >= 0);
    assert_true(*done);
}

static struct outcome ask(const char *url, const char *form_text, unsigned deadline_ms)
{
    struct http_peer how = {.allow_http = true};
    struct kc_secret form = KC_SECRET_INIT;
    struct outcome outcome = {0};
    struct http_spec spec = {
        .url = url, .peer = &how, .deadline_ms = deadline_ms, .body_limit = 65536};
    if (form_text) {
        assert_int_equal(kc_secret_set(&form, form_text, strlen(form_text)), KC_OK);
        spec.form = &form;
    }
    assert_int_equal(http_start(http, &spec, on_done, &outcome, NULL), KC_OK);
    assert_null(form.bytes);
    assert_false(outcome.done);
    spin(&outcome.done);
    return outcome;
}

static struct outcome ask_peer(const char *path, const char *form, unsigned deadline_ms)
{
    char url[128];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", peer->port, path);
    return ask(url, form, deadline_ms);
}

static int set_up(void **state)
{
    (void)state;
    peer = peer_start();
    return peer && sd_event_new(&event) >= 0 && http_new(event, &http) == KC_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    http_free(http);
    sd_event_unref(event);
    peer_stop(peer);
    return 0;
}

static void test_get(void **state)
{
    (void)state;
    peer_set(peer, PEER_ELSE, 200, "application/json;charset=UTF-8", "{\"a\":1}");
    strcpy(peer->at[PEER_ELSE].extra, "Retry-After: 17\r\nX-Y: z\r\n");
    struct outcome outcome = ask_peer("/x", NULL, 2000);
    assert_int_equal(outcome.status, KC_OK);
    assert_int_equal(outcome.http, 200);
    assert_true(outcome.json);
    assert_int_equal(outcome.retry_after, 17);
    assert_string_equal(outcome.body, "{\"a\":1}");
    const char *head = peer->at[PEER_ELSE].head;
    assert_non_null(strstr(head, "\r\nAccept: application/json\r\n"));
    assert_non_null(strstr(head, "\r\nUser-Agent: kclogin/"));
    assert_null(strstr(head, "Origin"));
    assert_null(strstr(head, "Accept-Encoding"));
    assert_null(strstr(head, "Cookie"));
}

static void test_post_head(void **state)
{
    (void)state;
    peer_set(peer, PEER_ELSE, 204, "", "");
    strcpy(peer->at[PEER_ELSE].extra, "Set-Cookie: a=b\r\nRetry-After: Wed, 21 Oct 2026\r\n");
    struct outcome outcome = ask_peer("/x", "password=a%2Bb", 2000);
    assert_int_equal(outcome.http, 204);
    assert_int_equal(outcome.retry_after, -1);
    assert_string_equal(peer->at[PEER_ELSE].form, "password=a%2Bb");
    const char *head = peer->at[PEER_ELSE].head;
    assert_non_null(strstr(head, "Content-Type: application/x-www-form-urlencoded\r\n"));
    assert_null(strstr(head, "Expect"));
    assert_null(strstr(head, "Transfer-Encoding"));
    ask_peer("/x", "a=b", 2000);
    assert_null(strstr(peer->at[PEER_ELSE].head, "Cookie"));
}

static void test_connection_is_kept(void **state)
{
    (void)state;
    peer_set(peer, PEER_ELSE, 200, "text/plain", "x");
    ask_peer("/x", NULL, 2000);
    unsigned before = atomic_load(&peer->connections);
    ask_peer("/x", "a=b", 2000);
    ask_peer("/x", NULL, 2000);
    assert_int_equal(atomic_load(&peer->connections), before);
}

/* Lesson 35: the kept connection dies after the request; libcurl must not send it again. */
static void test_post_is_sent_once(void **state)
{
    (void)state;
    peer_set(peer, PEER_ELSE, 200, "text/plain", "x");
    assert_int_equal(ask_peer("/x", NULL, 2000).status, KC_OK);
    peer_set(peer, PEER_TOKEN, 200, "application/json", "{}");
    peer->at[PEER_TOKEN].mode = PEER_CUT_KEPT;
    struct outcome outcome = ask_peer("/token", "grant_type=password", 3000);
    assert_int_equal(outcome.status, KC_UNANSWERED);
    assert_int_equal(peer_count(peer, PEER_TOKEN), 1);
    /* a GET may be asked again, and is */
    assert_int_equal(ask_peer("/x", NULL, 2000).status, KC_OK);
    peer_set(peer, PEER_KEYS, 200, "application/json", "{}");
    peer->at[PEER_KEYS].mode = PEER_CUT_KEPT;
    assert_int_equal(ask_peer("/certs", NULL, 3000).status, KC_OK);
    assert_int_equal(peer_count(peer, PEER_KEYS), 2);
}

static void test_cut(void **state)
{
    (void)state;
    peer_set(peer, PEER_TOKEN, 200, "application/json", "{}");
    peer->at[PEER_TOKEN].mode = PEER_CUT;
    assert_int_equal(ask_peer("/token", "a=b", 3000).status, KC_UNANSWERED);
    assert_int_equal(peer_count(peer, PEER_TOKEN), 1);
    peer->at[PEER_TOKEN].mode = PEER_HALF;
    assert_int_equal(ask_peer("/token", "a=b", 3000).status, KC_UNANSWERED);
    assert_int_equal(peer_count(peer, PEER_TOKEN), 2);
}

/* Lesson 25 */
static void test_hang(void **state)
{
    (void)state;
    struct timespec from, to;
    peer_set(peer, PEER_TOKEN, 200, "application/json", "{}");
    peer->at[PEER_TOKEN].mode = PEER_HANG;
    clock_gettime(CLOCK_MONOTONIC, &from);
    assert_int_equal(ask_peer("/token", "a=b", 300).status, KC_UNANSWERED);
    clock_gettime(CLOCK_MONOTONIC, &to);
    long ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
    assert_in_range(ms, 250, 5000);
    assert_int_equal(peer_count(peer, PEER_TOKEN), 1);
}

/* Lesson 26 */
static void test_sizes(void **state)
{
    static const enum peer_mode modes[] = {
        PEER_ENDLESS_BODY, PEER_ENDLESS_HEADERS, PEER_ENDLESS_INTERIM};
    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        peer_set(peer, PEER_TOKEN, 200, "application/json", "{}");
        peer->at[PEER_TOKEN].mode = modes[i];
        assert_int_equal(ask_peer("/token", "a=b", 5000).status, KC_ANSWER_TOO_LARGE);
        assert_int_equal(peer_count(peer, PEER_TOKEN), 1);
    }
    peer_set(peer, PEER_TOKEN, 200, "application/json", "");
    strcpy(peer->at[PEER_TOKEN].extra, "Content-Length: 99999999\r\n");
    assert_int_equal(ask_peer("/token", "a=b", 5000).status, KC_ANSWER_TOO_LARGE);
}

/* Lesson 21 */
static void test_redirect(void **state)
{
    static const int codes[] = {301, 302, 303, 307, 308};
    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        peer_set(peer, PEER_ELSE, 200, "application/json", "{}");
        peer_set(peer, PEER_TOKEN, codes[i], "", "");
        snprintf(peer->at[PEER_TOKEN].extra, sizeof(peer->at[PEER_TOKEN].extra),
            "Location: http://127.0.0.1:%d/x\r\n", peer->port);
        struct outcome outcome = ask_peer("/token", "password=a", 2000);
        assert_int_equal(outcome.status, KC_OK);
        assert_int_equal(outcome.http, codes[i]);
        assert_int_equal(peer_count(peer, PEER_ELSE), 0);
    }
}

/* A body that comes compressed though nobody asked for it is not unpacked. */
static void test_compressed(void **state)
{
    (void)state;
    peer_set(peer, PEER_ELSE, 200, "application/json", "\037\213\010 not unpacked");
    strcpy(peer->at[PEER_ELSE].extra, "Content-Encoding: gzip\r\n");
    struct outcome outcome = ask_peer("/x", NULL, 2000);
    assert_int_equal(outcome.status, KC_OK);
    assert_string_equal(outcome.body, "\037\213\010 not unpacked");
}

static void test_unreachable(void **state)
{
    (void)state;
    assert_int_equal(ask("http://127.0.0.1:1/x", "a=b", 2000).status, KC_UNREACHABLE);
    assert_int_equal(ask("https://127.0.0.1:1/x", "a=b", 2000).status, KC_UNREACHABLE);
    assert_int_equal(ask("https://nobody.invalid/x", "a=b", 3000).status, KC_UNREACHABLE);
    /* bytes came, but no TLS */
    char url[64];
    snprintf(url, sizeof(url), "https://127.0.0.1:%d/x", peer->port);
    assert_int_equal(ask(url, "a=b", 700).status, KC_UNREACHABLE);
}

static void test_connect_to(void **state)
{
    (void)state;
    char good[64], url[64];
    snprintf(good, sizeof(good), "127.0.0.1:%d", peer->port);
    snprintf(url, sizeof(url), "http://127.0.0.1:2/x");
    const char *targets[] = {"127.0.0.1:1", "127.0.0.1:1", good, NULL};
    struct http_peer how = {.allow_http = true, .connect_to = targets};
    peer_set(peer, PEER_ELSE, 200, "text/plain", "x");
    for (int i = 0; i < 2; i++) {
        struct kc_secret form = KC_SECRET_INIT;
        struct outcome outcome = {0};
        assert_int_equal(kc_secret_set(&form, "a=b", 3), KC_OK);
        struct http_spec spec = {
            .url = url, .form = &form, .peer = &how, .deadline_ms = 3000, .body_limit = 100};
        assert_int_equal(http_start(http, &spec, on_done, &outcome, NULL), KC_OK);
        spin(&outcome.done);
        assert_int_equal(outcome.status, KC_OK);
    }
    assert_int_equal(peer_count(peer, PEER_ELSE), 2);
    assert_non_null(strstr(peer->at[PEER_ELSE].head, "Host: 127.0.0.1:2\r\n"));
    targets[2] = "127.0.0.1:3";
    struct outcome outcome = {0};
    struct http_spec spec = {.url = url, .peer = &how, .deadline_ms = 3000, .body_limit = 100};
    assert_int_equal(http_start(http, &spec, on_done, &outcome, NULL), KC_OK);
    spin(&outcome.done);
    assert_int_equal(outcome.status, KC_UNREACHABLE);
}

/* Lesson 19 */
static void test_environment(void **state)
{
    static const char *const names[] = {
        "http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        setenv(names[i], "http://127.0.0.1:1", 1);
    peer_set(peer, PEER_ELSE, 200, "text/plain", "x");
    assert_int_equal(ask_peer("/x", NULL, 2000).status, KC_OK);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        unsetenv(names[i]);
}

static void test_urls(void **state)
{
    (void)state;
    assert_int_equal(http_url_check("https://sso.example.org/auth/realms/x", false), KC_OK);
    assert_int_equal(http_url_check("http://127.0.0.1:8080/realms/x", true), KC_OK);
    assert_int_equal(http_url_check("http://localhost/", true), KC_OK);
    assert_int_equal(http_url_check("http://[::1]:80/", true), KC_OK);
    static const char *const bad[] = {
        "http://sso.example.org/",
        "http://127.0.0.1.example.org/",
        "http://localhost.example.org/",
        "http://127.evil/",
        "ftp://localhost/",
        "file:///etc/passwd",
        "https://user:password@sso.example.org/",
        "https://user@sso.example.org/",
        "https://sso.example.org/#f",
        "https:///x",
        "sso.example.org",
        "",
        "https://a b/",
        "https://a\r\nHost: b/",
        "javascript:1",
        "https://h/x#",
        "https://@h/",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (http_url_check(bad[i], true) == KC_OK)
            fail_msg("usable: %s", bad[i]);
    assert_int_equal(http_url_check("http://127.0.0.1/", false), KC_CONFIG_INVALID);
    struct http_peer how = {.allow_http = false};
    struct http_spec spec = {
        .url = "http://127.0.0.1/", .peer = &how, .deadline_ms = 100, .body_limit = 1};
    assert_int_equal(http_start(http, &spec, on_done, NULL, NULL), KC_CONFIG_INVALID);
}

static void test_cancel(void **state)
{
    (void)state;
    char url[64];
    struct http_peer how = {.allow_http = true};
    struct outcome outcome = {0};
    struct http_request *request;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/token", peer->port);
    peer_set(peer, PEER_TOKEN, 200, "text/plain", "x");
    peer->at[PEER_TOKEN].mode = PEER_HANG;
    struct http_spec spec = {.url = url, .peer = &how, .deadline_ms = 5000, .body_limit = 1};
    assert_int_equal(http_start(http, &spec, on_done, &outcome, &request), KC_OK);
    for (int i = 0; i < 20; i++)
        assert_true(sd_event_run(event, 5000) >= 0);
    http_cancel(request);
    for (int i = 0; i < 5; i++)
        assert_true(sd_event_run(event, 1000) >= 0);
    assert_false(outcome.done);
    assert_int_equal(http_running(http), 0);
}

static void test_translation(void **state)
{
    static const struct http_wire nothing, sent = {.sent = true}, came = {.received = true},
                                           both = {.sent = true, .received = true},
                                           large = {.sent = true, .too_large = true};
    static const struct {
        int code;
        const struct http_wire *wire;
        enum kc_status status;
    } rows[] = {
        {CURLE_OK, &both, KC_OK},
        {CURLE_COULDNT_RESOLVE_HOST, &nothing, KC_UNREACHABLE},
        {CURLE_COULDNT_CONNECT, &nothing, KC_UNREACHABLE},
        {CURLE_OPERATION_TIMEDOUT, &nothing, KC_UNREACHABLE},
        {CURLE_OPERATION_TIMEDOUT, &came, KC_TLS_FAILED},
        {CURLE_OPERATION_TIMEDOUT, &sent, KC_UNANSWERED},
        {CURLE_OPERATION_TIMEDOUT, &both, KC_UNANSWERED},
        {CURLE_GOT_NOTHING, &sent, KC_UNANSWERED},
        {CURLE_RECV_ERROR, &sent, KC_UNANSWERED},
        {CURLE_SEND_ERROR, &sent, KC_UNANSWERED},
        {CURLE_SEND_ERROR, &nothing, KC_UNREACHABLE},
        {CURLE_PARTIAL_FILE, &both, KC_UNANSWERED},
        {CURLE_SEND_FAIL_REWIND, &sent, KC_UNANSWERED},
        {CURLE_SEND_FAIL_REWIND, &nothing, KC_UNANSWERED},
        {CURLE_ABORTED_BY_CALLBACK, &nothing, KC_UNANSWERED},
        {CURLE_WEIRD_SERVER_REPLY, &both, KC_UNANSWERED},
        {CURLE_HTTP2_STREAM, &both, KC_UNANSWERED},
        {CURLE_UNSUPPORTED_PROTOCOL, &nothing, KC_CONFIG_INVALID},
        {CURLE_UNSUPPORTED_PROTOCOL, &both, KC_UNANSWERED},
        {CURLE_OUT_OF_MEMORY, &both, KC_ANSWER_TOO_LARGE},
        {100, &both, KC_ANSWER_TOO_LARGE},
        {CURLE_WRITE_ERROR, &large, KC_ANSWER_TOO_LARGE},
        {CURLE_FILESIZE_EXCEEDED, &both, KC_ANSWER_TOO_LARGE},
        {CURLE_PEER_FAILED_VERIFICATION, &came, KC_TLS_FAILED},
        {CURLE_SSL_CONNECT_ERROR, &came, KC_TLS_FAILED},
        {CURLE_SSL_CONNECT_ERROR, &nothing, KC_TLS_FAILED},
        {CURLE_SSL_CACERT_BADFILE, &nothing, KC_CONFIG_INVALID},
        {CURLE_SSL_CERTPROBLEM, &nothing, KC_CONFIG_INVALID},
        {CURLE_OUT_OF_MEMORY, &nothing, KC_NO_MEMORY},
        {CURLE_URL_MALFORMAT, &nothing, KC_CONFIG_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(http_translate(rows[i].code, rows[i].wire), rows[i].status);
    /* whatever libcurl invents: only CURLE_OK is KC_OK, and nothing sent is ever unreachable */
    for (int code = 1; code < CURL_LAST; code++) {
        assert_int_not_equal(http_translate(code, &nothing), KC_OK);
        assert_int_not_equal(http_translate(code, &sent), KC_OK);
        assert_int_not_equal(http_translate(code, &sent), KC_UNREACHABLE);
        assert_int_not_equal(http_translate(code, &came), KC_UNREACHABLE);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_post_head),
        cmocka_unit_test(test_connection_is_kept),
        cmocka_unit_test(test_post_is_sent_once),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_hang),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_redirect),
        cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_connect_to),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_translation),
    };
    if (http_global_init() != KC_OK)
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
