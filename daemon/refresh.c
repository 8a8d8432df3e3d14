/*
 * Keeps discovery and keys fresh: rounds in the background, probes, and those who wait for one.
 * Used by realm.c; grant.c waits through realm_await and realm_await_keys.
 * Must never run two rounds at once, nor ask a server that is down more often than once a second.
 */
#include "daemon/backoff.h"
#include "daemon/clock.h"
#include "daemon/oauth_error.h"
#include "daemon/realm_internal.h"
#include "jose/limits.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define REFRESH_US (300 * CLOCK_SECOND_US)
#define KEYS_PAUSE_US (5 * CLOCK_SECOND_US) /* between two fetches for unknown keys */
#define HELD_MAX_US (60 * CLOCK_SECOND_US)
#define FETCH_MS 5000U
#define WELL_KNOWN "/.well-known/openid-configuration"

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When a whole round is due: by itself, or a second after the last one where one is wanted. */
static uint64_t round_due(const struct realm *realm)
{
    const struct refresh *refresh = &realm->refresh;
    uint64_t last = refresh->failed_us ? refresh->failed_us : refresh->began_us;
    if (!refresh->wanted)
        return refresh->next_us;
    return earlier(refresh->next_us, last ? last + REFRESH_PAUSE_US : 0);
}

/* When the keys alone are due. */
static uint64_t keys_due(const struct realm *realm)
{
    const struct refresh *refresh = &realm->refresh;
    if (!realm->discovery || !waits_want_keys(realm))
        return UINT64_MAX;
    return refresh->keys_began_us ? refresh->keys_began_us + KEYS_PAUSE_US : 0;
}

bool refresh_runs(const struct realm *realm)
{
    return realm->refresh.request || realm->refresh.checks;
}

/* Arms the timer for whatever is due next. */
void refresh_plan(struct realm *realm)
{
    struct refresh *refresh = &realm->refresh;
    if (refresh_runs(realm))
        return;
    sd_event_source_set_time(refresh->timer, earlier(round_due(realm), keys_due(realm)));
    sd_event_source_set_enabled(refresh->timer, SD_EVENT_ONESHOT);
}

static void report(struct realm *realm, bool reachable, enum kc_status failure, const char *detail)
{
    struct realm_report *report = &realm->report, before = *report;
    int64_t now = (int64_t)time(NULL);
    if (!report->since || report->reachable != reachable)
        report->since = now;
    report->reachable = reachable;
    report->failing = failure != KC_OK;
    if (failure == KC_OK) {
        report->last_success = now;
    } else {
        report->last_failure = now;
        report->failure = failure;
        snprintf(report->detail, sizeof(report->detail), "%s", detail);
    }
    bool changed = !before.since || before.reachable != reachable ||
                   before.failing != report->failing ||
                   (report->failing && before.failure != failure);
    if (changed && realm->changed) {
        struct realm_report now_report;
        realm_status(realm, &now_report);
        realm->changed(realm->changed_userdata, &now_report);
    }
}

/* What a probe may say so that the realm counts as down; a WAF's 403 or a wrong issuer may not. */
bool refresh_means_down(enum kc_status status)
{
    switch (status) {
    case KC_UNREACHABLE:
    case KC_UNANSWERED:
    case KC_TLS_FAILED:
    case KC_SERVER_GATEWAY:
    case KC_SERVER_STARTING:
    case KC_SERVER_OVERLOADED:
        return true;
    default:
        return false;
    }
}

static void round_failed(
    struct realm *realm, enum kc_status status, const char *stage, const char *words)
{
    struct refresh *refresh = &realm->refresh;
    char detail[sizeof(realm->report.detail)];
    snprintf(detail, sizeof(detail), "%s: %s", stage, *words ? words : kc_status_word(status));
    uint64_t now = clock_us();
    refresh->failed_us = now;
    refresh->next_us = now + backoff_us(refresh->failures++);
    discovery_unref(KC_TAKE(refresh->fetched));
    refresh->probe = refresh->probe && refresh->wanted;
    realm->down = refresh_means_down(status);
    report(realm, !realm->down, status, detail);
    waits_end(realm, refresh->whole, refresh->keys_number, status, detail);
    refresh_plan(realm);
}

/* Judges an answer to a GET; the detail is for the log. */
static enum kc_status judge(struct realm *realm, enum kc_status status,
    const struct http_answer *answer, char detail[static OAUTH_DETAIL_MAX])
{
    snprintf(detail, OAUTH_DETAIL_MAX, "%s", answer->error);
    if (status == KC_OK && answer->status < 500)
        endpoints_answered(realm->endpoints, answer, false);
    else
        endpoints_troubled(realm->endpoints, answer->target);
    if (status == KC_UNANSWERED && answer->silent)
        status = KC_UNREACHABLE; /* no byte came: a grant may have been taken, a GET is nothing */
    if (status != KC_OK || answer->status == 200)
        return status;
    status = oauth_error_read(answer, NULL, detail);
    if (!*detail)
        snprintf(detail, OAUTH_DETAIL_MAX, "HTTP %u", answer->status);
    if (status == KC_HTTP_TOO_MANY_REQUESTS && realm->refresh.probe && answer->retry_after > 0) {
        uint64_t held = (uint64_t)answer->retry_after * CLOCK_SECOND_US;
        realm->held_us = clock_us() + (held < HELD_MAX_US ? held : HELD_MAX_US);
    }
    return status;
}

static enum kc_status get(struct realm *realm, const char *url, size_t limit, http_done *done)
{
    struct http_peer peer = realm_peer(realm);
    struct http_spec spec = {
        .url = url, .peer = &peer, .deadline_ms = FETCH_MS, .body_limit = limit};
    return http_start(realm->http, &spec, done, realm, &realm->refresh.request);
}

static void round_succeeded(struct realm *realm, struct jose_jwks *keys)
{
    struct refresh *refresh = &realm->refresh;
    uint64_t now = clock_us();
    jose_jwks_unref(realm->keys);
    realm->keys = keys;
    realm->keys_us = now;
    realm->report.keys_fetched = (int64_t)time(NULL);
    if (refresh->whole) {
        discovery_unref(realm->discovery);
        realm->discovery = KC_TAKE(refresh->fetched);
        realm->down = false;
        realm->held_us = 0;
        refresh->next_us = now + backoff_jitter(REFRESH_US);
    }
    refresh->failures = 0;
    refresh->failed_us = 0;
    refresh->probe = refresh->probe && refresh->wanted;
    if (refresh->whole)
        report(realm, true, KC_OK, "");
    waits_end(realm, refresh->whole, refresh->keys_number, KC_OK, "");
    refresh_plan(realm);
}

static enum kc_status read_keys(const struct http_answer *answer, struct jose_jwks **ret_keys)
{
    enum kc_status status = jose_jwks_read(answer->body.bytes, answer->body.length, ret_keys);
    if (status == KC_TOO_LARGE)
        return KC_ANSWER_TOO_LARGE;
    if (status == KC_OK || status == KC_NO_MEMORY)
        return status;
    return answer->json ? KC_ANSWER_MALFORMED : KC_ANSWER_NOT_JSON;
}

static void on_keys(void *userdata, enum kc_status status, struct http_answer *answer)
{
    struct realm *realm = userdata;
    struct jose_jwks *keys = NULL;
    char detail[OAUTH_DETAIL_MAX];
    realm->refresh.request = NULL;
    status = judge(realm, status, answer, detail);
    if (status == KC_UNREACHABLE)
        status = KC_UNANSWERED; /* bytes came: of discovery, or of the token with an unknown key */
    if (status == KC_OK)
        status = read_keys(answer, &keys);
    if (status == KC_OK)
        round_succeeded(realm, keys);
    else
        round_failed(realm, status, "keys", detail);
}

static void start_keys(struct realm *realm, const char *url)
{
    struct refresh *refresh = &realm->refresh;
    refresh->keys_number++;
    refresh->keys_began_us = clock_us();
    enum kc_status status = get(realm, url, JOSE_JWKS_BYTES, on_keys);
    if (status != KC_OK)
        round_failed(realm, status, "keys", "");
}

static void on_discovery(void *userdata, enum kc_status status, struct http_answer *answer)
{
    struct realm *realm = userdata;
    struct refresh *refresh = &realm->refresh;
    const struct config_realm *config = &realm->config->realm;
    char detail[OAUTH_DETAIL_MAX];
    refresh->request = NULL;
    status = judge(realm, status, answer, detail);
    if (status == KC_OK)
        status = discovery_parse(answer->body.bytes, answer->body.length, config->issuer,
            config->allow_http, &refresh->fetched);
    if (status == KC_OK)
        start_keys(realm, refresh->fetched->jwks_uri);
    else
        round_failed(realm, status, "discovery", detail);
}

static char *discovery_url(const struct realm *realm)
{
    char *url = NULL;
    return asprintf(&url, "%s" WELL_KNOWN, realm->config->realm.issuer) < 0 ? NULL : url;
}

static void start_discovery(struct realm *realm)
{
    KC_AUTO_FREE char *url = discovery_url(realm);
    enum kc_status status = url ? get(realm, url, DISCOVERY_BODY_MAX, on_discovery) : KC_NO_MEMORY;
    if (status != KC_OK)
        round_failed(realm, status, "discovery", "");
}

static void start_round(struct realm *realm)
{
    struct refresh *refresh = &realm->refresh;
    refresh->wanted = false;
    refresh->whole = true;
    refresh->began_us = clock_us();
    if (endpoints_fresh(realm->endpoints)) {
        start_discovery(realm);
        return;
    }
    refresh->checks = true;
    endpoints_check(realm->endpoints);
}

enum kc_status refresh_ask(void *userdata, const char *const *target, http_done *done,
    void *done_userdata, struct http_request **ret_request)
{
    const struct realm *realm = userdata;
    KC_AUTO_FREE char *url = discovery_url(realm);
    if (!url)
        return KC_NO_MEMORY;
    struct http_peer peer = realm_peer(realm);
    peer.connect_to = target;
    struct http_spec spec = {
        .url = url, .peer = &peer, .deadline_ms = FETCH_MS, .body_limit = DISCOVERY_BODY_MAX};
    return http_start(realm->http, &spec, done, done_userdata, ret_request);
}

/* Where no address answers, a check for a login is as good as a round's: a GET of our own. */
void refresh_checked(void *userdata, enum kc_status status, const char *detail)
{
    struct realm *realm = userdata;
    struct refresh *refresh = &realm->refresh;
    bool for_round = refresh->checks, down = refresh_means_down(status);
    refresh->checks = false;
    if (for_round && !down)
        start_discovery(realm);
    else if (for_round || (down && !refresh->request)) {
        refresh->whole = true;
        round_failed(realm, status, "probe", detail);
    }
    waits_end_address(realm, down ? status : KC_OK, detail);
}

static int on_timer(sd_event_source *source, uint64_t now, void *userdata)
{
    struct realm *realm = userdata;
    struct refresh *refresh = &realm->refresh;
    (void)source;
    (void)now;
    if (refresh_runs(realm))
        return 0;
    if (clock_us() >= round_due(realm)) {
        start_round(realm);
    } else if (clock_us() >= keys_due(realm)) {
        refresh->whole = false;
        start_keys(realm, realm->discovery->jwks_uri);
    } else {
        refresh_plan(realm);
    }
    return 0;
}

enum kc_status refresh_init(struct realm *realm)
{
    struct refresh *refresh = &realm->refresh;
    refresh->next_us = clock_us();
    if (sd_event_add_time(realm->event, &refresh->timer, CLOCK_MONOTONIC, refresh->next_us, 1000,
            on_timer, realm) < 0)
        return KC_SYSTEM;
    return KC_OK;
}

void refresh_restart(struct realm *realm)
{
    struct refresh *refresh = &realm->refresh;
    if (refresh->request)
        http_cancel(KC_TAKE(refresh->request));
    refresh->checks = false;
    discovery_unref(KC_TAKE(refresh->fetched));
    refresh->failed_us = 0;
    refresh->began_us = 0;
    refresh->keys_began_us = 0;
    refresh->failures = 0;
    refresh->next_us = clock_us();
    refresh_plan(realm);
}

void refresh_free(struct realm *realm)
{
    struct refresh *refresh = &realm->refresh;
    if (refresh->request)
        http_cancel(KC_TAKE(refresh->request));
    discovery_unref(KC_TAKE(refresh->fetched));
    sd_event_source_disable_unref(KC_TAKE(refresh->timer));
}

void realm_probe(struct realm *realm)
{
    struct refresh *refresh = &realm->refresh;
    bool asks_already =
        refresh->checks || (refresh->request && refresh->whole && !refresh->fetched);
    refresh->probe = true;
    if (asks_already)
        return;
    refresh->wanted = true;
    refresh_plan(realm);
}
