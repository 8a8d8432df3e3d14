/*
 * The service token: fetched once, kept, renewed before it ends.
 * Used by admin.c.
 * Must never be used for a person, nor be asked for once a lookup.
 */
#include "daemon/service_token.h"

#include "daemon/clock.h"
#include "daemon/config.h"
#include "daemon/form.h"
#include "daemon/oauth_error.h"
#include "daemon/realm_internal.h"
#include "daemon/token_answer.h"
#include "jose/limits.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define WAITS_MAX 4096u
#define FETCH_MS 10000u
#define RETRY_US CLOCK_SECOND_US /* after a refusal or a failure */
#define LIFE_MIN_SECONDS 10
#define LIFE_MAX_SECONDS 3600

struct service_wait {
    struct service_token *token;
    sd_event_source *timer;
    service_token_ready *ready;
    void *userdata;
    LIST_ENTRY(service_wait) link;
};

struct service_token {
    struct realm *realm;
    struct client_auth *client;
    struct kc_secret authorization; /* empty: none is at hand */
    uint64_t fetched_us;
    uint64_t renew_us; /* from then on the next one is fetched, while this one is used */
    uint64_t ends_us;
    uint64_t failed_us; /* 0: the last fetch did not fail */
    enum kc_status failure;
    char detail[OAUTH_DETAIL_MAX];
    struct realm_wait *realm_wait;
    struct http_request *request;
    LIST_HEAD(, service_wait) waits;
    unsigned wait_count;
};

static void wait_free(struct service_wait *wait)
{
    wait->token->wait_count--;
    LIST_REMOVE(wait, link);
    sd_event_source_disable_unref(wait->timer);
    free(wait);
}

static void end_waits(struct service_token *token)
{
    const enum kc_status status = token->authorization.length ? KC_OK : token->failure;
    struct service_wait *wait;
    /* a callback may begin another wait: those that are there now, and no more */
    for (unsigned left = token->wait_count; left > 0 && (wait = LIST_FIRST(&token->waits));
         left--) {
        service_token_ready *ready = wait->ready;
        void *userdata = wait->userdata;
        wait_free(wait);
        ready(userdata, status, status == KC_OK ? "" : token->detail,
            status == KC_OK ? &token->authorization : NULL);
    }
}

static void fail(struct service_token *token, enum kc_status status, const char *detail)
{
    token->failed_us = clock_us();
    token->failure = status;
    snprintf(token->detail, sizeof token->detail, "service token: %s",
        *detail ? detail : kc_status_word(status));
    end_waits(token);
}

static enum kc_status keep(struct service_token *token, struct token_answer *answer)
{
    KC_AUTO_SECRET struct kc_secret value = KC_SECRET_INIT;
    const uint64_t now = clock_us();
    int64_t life = answer->expires_in;
    enum kc_status status = kc_secret_set(&value, "Bearer ", 7);
    if (status == KC_OK)
        status = kc_secret_append(&value, answer->access_token.bytes, answer->access_token.length);
    if (status != KC_OK)
        return status;
    if (life < LIFE_MIN_SECONDS)
        life = LIFE_MIN_SECONDS;
    if (life > LIFE_MAX_SECONDS)
        life = LIFE_MAX_SECONDS;
    kc_secret_wipe(&token->authorization);
    token->authorization = kc_secret_take(&value);
    token->fetched_us = now;
    token->ends_us = now + (uint64_t)life * CLOCK_SECOND_US;
    token->renew_us = now + (uint64_t)life * CLOCK_SECOND_US * 3 / 4;
    token->failed_us = 0;
    return KC_OK;
}

static void on_answer(void *userdata, enum kc_status status, struct http_answer *http)
{
    struct service_token *token = userdata;
    struct token_answer answer = {0};
    char detail[OAUTH_DETAIL_MAX] = "";
    token->request = NULL;
    if (status != KC_OK) {
        snprintf(detail, sizeof detail, "%s", http->error);
    } else if (http->status != 200) {
        const struct kc_secret *secrets[] = {client_auth_secret(token->client), NULL};
        status = oauth_error_read(http, secrets, detail);
    } else {
        token_answer_read(http, &answer);
        kc_secret_wipe(&http->body);
        status = answer.verdict;
        if (status == KC_OK)
            status = keep(token, &answer);
        token_answer_clear(&answer);
    }
    if (status == KC_OK)
        end_waits(token);
    else
        fail(token, status, detail);
}

static enum kc_status post(struct service_token *token)
{
    KC_AUTO_SECRET struct kc_secret form = KC_SECRET_INIT;
    KC_AUTO_SECRET struct kc_secret authorization = KC_SECRET_INIT;
    struct realm *realm = token->realm;
    const bool mtls = client_auth_method(token->client) == CLIENT_AUTH_MTLS;
    enum kc_status status = form_add_text(&form, "grant_type", "client_credentials");
    if (status == KC_OK)
        status = client_auth_apply(
            token->client, realm->discovery->issuer, (int64_t)time(NULL), &form, &authorization);
    if (status != KC_OK)
        return status;
    struct http_peer peer = realm_peer(realm);
    peer.certificate_file = client_auth_certificate_file(token->client);
    peer.key = client_auth_key(token->client);
    const struct http_spec spec = {
        .url = discovery_token(realm->discovery, mtls),
        .form = &form,
        .authorization = &authorization,
        .peer = &peer,
        .deadline_ms = FETCH_MS,
        .body_limit = JOSE_ANSWER_BYTES,
    };
    return http_start(realm->http, &spec, on_answer, token, &token->request);
}

static void on_realm(void *userdata, enum kc_status status, const char *detail)
{
    struct service_token *token = userdata;
    token->realm_wait = NULL;
    if (status == KC_OK)
        status = post(token);
    if (status != KC_OK)
        fail(token, status, detail);
}

/* Fetches one, unless that is under way, or failed a moment ago. */
static void fetch(struct service_token *token)
{
    struct realm_wait *wait = NULL;
    if (token->request || token->realm_wait)
        return;
    const enum kc_status status =
        realm_await(token->realm, clock_us() + (uint64_t)FETCH_MS * 1000, on_realm, token, &wait);
    if (status != KC_OK)
        fail(token, status, "");
    else if (wait)
        token->realm_wait = wait;
}

static int on_deadline(sd_event_source *source, uint64_t now, void *userdata)
{
    struct service_wait *wait = userdata;
    service_token_ready *ready = wait->ready;
    void *waiting = wait->userdata;
    (void)source;
    (void)now;
    wait_free(wait);
    ready(waiting, KC_TIMED_OUT, "service token: not in time", NULL);
    return 0;
}

/* Whether a wait is there still; it may have ended, so nothing of it is looked at. */
static bool is_waiting(const struct service_token *token, const struct service_wait *wait)
{
    const struct service_wait *other;
    LIST_FOREACH(other, &token->waits, link)
    if (other == wait)
        return true;
    return false;
}

enum kc_status service_token_await(struct service_token *token, uint64_t deadline_us,
    service_token_ready *ready, void *userdata, struct service_wait **ret_wait)
{
    const uint64_t now = clock_us();
    *ret_wait = NULL;
    if (token->authorization.length && now >= token->ends_us)
        kc_secret_wipe(&token->authorization);
    const bool paused = token->failed_us && now < token->failed_us + RETRY_US;
    if (token->authorization.length) {
        if (now >= token->renew_us && !paused)
            fetch(token);
        ready(userdata, KC_OK, "", &token->authorization);
        return KC_OK;
    }
    if (paused && !token->request && !token->realm_wait) {
        ready(userdata, token->failure, token->detail, NULL);
        return KC_OK;
    }
    if (token->wait_count >= WAITS_MAX)
        return KC_BUSY;
    struct service_wait *wait = calloc(1, sizeof *wait);
    if (!wait)
        return KC_NO_MEMORY;
    *wait = (struct service_wait){.token = token, .ready = ready, .userdata = userdata};
    if (sd_event_add_time(token->realm->event, &wait->timer, CLOCK_MONOTONIC, deadline_us, 1000,
            on_deadline, wait) < 0) {
        free(wait);
        return KC_NO_MEMORY;
    }
    LIST_INSERT_HEAD(&token->waits, wait, link);
    token->wait_count++;
    fetch(token); /* may fail at once, and end the wait */
    *ret_wait = is_waiting(token, wait) ? wait : NULL;
    return KC_OK;
}

void service_wait_cancel(struct service_wait *wait)
{
    wait_free(wait);
}

void service_token_refused(struct service_token *token, const struct kc_secret *authorization)
{
    if (token->authorization.length && kc_secret_equal(&token->authorization, authorization) &&
        clock_us() >= token->fetched_us + CLOCK_SECOND_US)
        kc_secret_wipe(&token->authorization);
}

enum kc_status service_token_new(struct realm *realm, struct service_token **ret_token)
{
    const struct config_client *client = realm->config->directory.client.client_id
                                             ? &realm->config->directory.client
                                             : &realm->config->realm.client;
    const struct client_auth_setting setting = {
        .method = client->auth,
        .client_id = client->client_id,
        .secret = &client->secret,
        .key = &client->key,
        .certificate_file = client->certificate_file,
    };
    struct service_token *token = calloc(1, sizeof *token);
    if (!token)
        return KC_NO_MEMORY;
    token->realm = realm;
    const enum kc_status status = client_auth_new(&setting, &token->client);
    if (status != KC_OK) {
        free(token);
        return status;
    }
    *ret_token = token;
    return KC_OK;
}

void service_token_free(struct service_token *token)
{
    struct service_wait *wait;
    if (!token)
        return;
    while ((wait = LIST_FIRST(&token->waits)))
        wait_free(wait);
    if (token->realm_wait)
        realm_wait_cancel(token->realm_wait);
    if (token->request)
        http_cancel(token->request);
    kc_secret_wipe(&token->authorization);
    client_auth_unref(token->client);
    free(token);
}
