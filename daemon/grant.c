/*
 * A password grant: its turn, one POST, the answer, the verified token.
 * Used by login.c and account.c through grant.h.
 * Must never send twice, count anything but a verified token as success, or keep a session that
 * nobody asked to keep.
 */
#include "common/limits.h"
#include "daemon/clock.h"
#include "daemon/form.h"
#include "daemon/grant_internal.h"
#include "daemon/oauth_error.h"
#include "jose/jwt.h"
#include "jose/limits.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define SKEW_SECONDS 15   /* Keycloak's own */
#define APART_SECONDS 300 /* between the clocks, as with Kerberos */
#define SEND_MIN_US CLOCK_SECOND_US
#define SLOW_US (2 * CLOCK_SECOND_US) /* without an answer, and others do not go there too */

void grant_answer_clear(struct grant_answer *answer)
{
    kc_secret_wipe(&answer->access_token);
    kc_secret_wipe(&answer->refresh_token);
    free(KC_TAKE(answer->scope));
    jose_jwt_free(KC_TAKE(answer->jwt));
}

static void grant_free(struct grant *grant)
{
    if (grant->wait)
        realm_wait_cancel(grant->wait);
    if (grant->request)
        http_cancel(grant->request);
    sd_event_source_disable_unref(grant->timer);
    kc_secret_wipe(&grant->password);
    kc_secret_wipe(&grant->code);
    token_answer_clear(&grant->answer);
    discovery_unref(grant->discovery);
    client_auth_unref(grant->client);
    if (grant->config)
        config_unref(grant->config);
    free(grant->client_address);
    free(grant);
}

/* The end: the place in the queue goes to the next one before the callback, which may do anything.
 */
static void finish(
    struct grant *grant, enum kc_status status, const char *detail, struct grant_answer *answer)
{
    grant_queue_remove(grant->user, grant);
    if (grant->done)
        grant->done(grant->userdata, status, detail, answer);
    if (answer)
        grant_answer_clear(answer);
    grant_free(grant);
}

/* The realm has a session that nobody will hold. */
static void give_back(struct grant *grant)
{
    struct ending_target target = {.discovery = grant->discovery,
        .client = grant->client,
        .refresh_token = &grant->answer.refresh_token,
        .access_token = &grant->answer.access_token};
    (void)ending_start(grant->realm, &target, NULL, NULL);
}

static void refuse_answer(struct grant *grant, enum kc_status status, const char *detail)
{
    give_back(grant);
    finish(grant, status, detail, NULL);
}

/* Against the keys at hand; a token is judged under one configuration and as one client. */
static enum kc_status verify(const struct realm *realm, const struct config *config,
    const struct client_auth *client, const char *user, const struct kc_secret *token,
    int64_t apart, int64_t not_before, struct jose_jwt **ret_jwt)
{
    if (!realm->keys || !realm->discovery)
        return KC_NOT_READY;
    struct jwt_expect expect = {.issuer = config->realm.issuer,
        .client_id = client_auth_id(client),
        .audience = config->realm.audience,
        .user = user,
        .username_claim = config->realm.username_claim,
        .now = (int64_t)time(NULL),
        .skew = SKEW_SECONDS,
        .apart = apart,
        .not_before_policy = not_before};
    return jose_jwt_verify(realm->keys, token->bytes, token->length, &expect, ret_jwt);
}

enum kc_status grant_verify(struct realm *realm, const struct kc_secret *access_token,
    const char *user, struct jose_jwt **ret_jwt)
{
    return verify(realm, realm->config, realm->client, user, access_token, 0, 0, ret_jwt);
}

static enum kc_status verify_own(struct grant *grant, struct jose_jwt **ret_jwt)
{
    struct realm *realm = grant->realm;
    /* After a reload to another issuer the keys at hand are another realm's. */
    if (!realm->discovery || strcmp(realm->discovery->issuer, grant->discovery->issuer) != 0)
        return KC_NOT_READY;
    return verify(realm, grant->config, grant->client, grant->user->name,
        &grant->answer.access_token, APART_SECONDS, grant->answer.not_before, ret_jwt);
}

static void take_token(struct grant *grant, struct jose_jwt *jwt)
{
    if (!grant->done) {
        jose_jwt_free(jwt);
        refuse_answer(grant, KC_CANCELLED, "");
        return;
    }
    struct grant_answer answer = {.access_token = kc_secret_take(&grant->answer.access_token),
        .refresh_token = kc_secret_take(&grant->answer.refresh_token),
        .issuer = grant->discovery->issuer,
        .client_id = client_auth_id(grant->client),
        .scope = KC_TAKE(grant->answer.scope),
        .expires_at = jose_jwt_expires(jwt),
        .jwt = jwt};
    finish(grant, KC_OK, "", &answer);
}

static void judge_token(struct grant *grant);

static void on_new_keys(void *userdata, enum kc_status status, const char *detail)
{
    struct grant *grant = userdata;
    grant->wait = NULL;
    if (status == KC_OK)
        judge_token(grant);
    else
        refuse_answer(grant, status, detail);
}

/* A new key can appear with the token that it signed: the keys are asked for once more. */
static void judge_token(struct grant *grant)
{
    struct jose_jwt *jwt = NULL;
    enum kc_status status = verify_own(grant, &jwt);
    if (status == KC_TOKEN_KEY_UNKNOWN && !grant->refetched) {
        grant->refetched = true;
        status =
            realm_await_keys(grant->realm, grant->deadline_us, on_new_keys, grant, &grant->wait);
        if (status == KC_OK)
            return;
    }
    if (status == KC_OK)
        take_token(grant, jwt);
    else
        refuse_answer(grant, status, "");
}

static void note_held(struct grant_user *user, const struct http_answer *answer)
{
    int64_t seconds = answer->retry_after;
    if (seconds <= 0)
        return;
    if (seconds > GRANT_HELD_MAX_SECONDS)
        seconds = GRANT_HELD_MAX_SECONDS;
    user->held_us = clock_us() + (uint64_t)seconds * CLOCK_SECOND_US;
}

static void read_refusal(struct grant *grant, const struct http_answer *answer)
{
    char detail[OAUTH_DETAIL_MAX];
    struct grant_user *user = grant->user;
    const struct kc_secret *secrets[] = {
        &grant->password, &grant->code, client_auth_secret(grant->client), NULL};
    enum kc_status status = oauth_error_read(answer, secrets, detail);
    if (!*detail)
        snprintf(detail, sizeof(detail), "HTTP %u", answer->status);
    if (status == KC_HTTP_TOO_MANY_REQUESTS)
        note_held(user, answer);
    if (answer->status >= 500) {
        endpoints_troubled(grant->realm->endpoints, answer->target);
        realm_probe(grant->realm);
    }
    /* The unanswered grant may still run there, and Keycloak refuses a second one meanwhile. */
    if (status == KC_BAD_CREDENTIALS && clock_us() < user->doubt_us)
        status = KC_GRANT_IN_DOUBT;
    finish(grant, status, detail, NULL);
}

static void read_failure(
    struct grant *grant, enum kc_status status, const struct http_answer *answer)
{
    if (status == KC_UNANSWERED || status == KC_ANSWER_TOO_LARGE)
        grant->user->doubt_us = clock_us() + GRANT_DOUBT_US;
    if (status == KC_UNANSWERED)
        endpoints_troubled(grant->realm->endpoints, answer->target);
    realm_probe(grant->realm);
    status = endpoints_strict(grant->realm->endpoints, status);
    finish(grant, status, answer->error, NULL);
}

static void on_answer(void *userdata, enum kc_status status, struct http_answer *answer)
{
    struct grant *grant = userdata;
    grant->request = NULL;
    grant->user->next_us = clock_us() + GRANT_PAUSE_US;
    if (status != KC_OK) {
        read_failure(grant, status, answer);
        return;
    }
    if (answer->status < 500)
        endpoints_answered(grant->realm->endpoints, answer, true);
    if (answer->status != 200) {
        read_refusal(grant, answer);
        return;
    }
    grant->user->doubt_us = 0;
    token_answer_read(answer, &grant->answer);
    kc_secret_wipe(&answer->body);
    if (grant->answer.verdict == KC_OK && grant->done)
        judge_token(grant);
    else
        refuse_answer(
            grant, grant->answer.verdict == KC_OK ? KC_CANCELLED : grant->answer.verdict, "");
}

static enum kc_status make_form(
    const struct grant *grant, struct kc_secret *form, struct kc_secret *authorization)
{
    const char *scope = grant->config->realm.scope;
    enum kc_status status = form_add_text(form, "grant_type", "password");
    if (status == KC_OK)
        status = client_auth_apply(
            grant->client, grant->discovery->issuer, (int64_t)time(NULL), form, authorization);
    if (status == KC_OK)
        status = form_add_text(form, "username", grant->user->name);
    if (status == KC_OK)
        status = form_add(form, "password", grant->password.bytes, grant->password.length);
    if (status == KC_OK && grant->code.length)
        status = form_add(form, "totp", grant->code.bytes, grant->code.length);
    if (status == KC_OK && scope && *scope)
        status = form_add_text(form, "scope", scope);
    return status;
}

static enum kc_status post(struct grant *grant, unsigned deadline_ms)
{
    KC_AUTO_SECRET struct kc_secret form = KC_SECRET_INIT;
    KC_AUTO_SECRET struct kc_secret authorization = KC_SECRET_INIT;
    struct realm *realm = grant->realm;
    grant->config = config_ref(realm->config);
    grant->client = client_auth_ref(realm->client);
    grant->discovery = discovery_ref(realm->discovery);
    enum kc_status status = make_form(grant, &form, &authorization);
    if (status != KC_OK)
        return status;
    bool mtls = client_auth_method(grant->client) == CLIENT_AUTH_MTLS;
    bool forward = grant->config->realm.forward_client_address;
    struct http_peer peer = realm_peer(realm);
    struct http_spec spec = {.url = discovery_token(grant->discovery, mtls),
        .form = &form,
        .authorization = &authorization,
        .forwarded_for = forward ? grant->client_address : NULL,
        .peer = &peer,
        .deadline_ms = deadline_ms,
        .body_limit = JOSE_ANSWER_BYTES};
    return http_start(realm->http, &spec, on_answer, grant, &grant->request);
}

static void on_ready(void *userdata, enum kc_status status, const char *detail)
{
    struct grant *grant = userdata;
    uint64_t now = clock_us();
    grant->wait = NULL;
    if (status == KC_OK && now + grant->shortest_us > grant->deadline_us)
        status = KC_TIMED_OUT;
    if (status == KC_OK && !grant->done)
        status = KC_CANCELLED;
    if (status == KC_OK)
        status = post(grant, (unsigned)((grant->deadline_us - now) / 1000U));
    if (status != KC_OK) {
        finish(grant, status, detail, NULL);
        return;
    }
    sd_event_source_set_time(grant->timer, now + SLOW_US);
    sd_event_source_set_enabled(grant->timer, SD_EVENT_ONESHOT);
}

static void on_turn(struct grant *grant)
{
    sd_event_source_set_enabled(grant->timer, SD_EVENT_OFF);
    if (clock_us() < grant->user->held_us) {
        finish(grant, KC_HTTP_TOO_MANY_REQUESTS, "still held by Retry-After", NULL);
        return;
    }
    struct realm_wait *wait = NULL;
    enum kc_status status = grant->admit && grant->done ? grant->admit(grant->userdata) : KC_OK;
    if (status == KC_OK)
        status = realm_await(grant->realm, grant->deadline_us, on_ready, grant, &wait);
    if (status != KC_OK)
        finish(grant, status, "", NULL);
    else if (wait) /* else the callback has come, and the grant may be gone */
        grant->wait = wait;
}

/* The end of the wait for a turn; or, of what was sent, the time for others to go elsewhere. */
static int on_timer(sd_event_source *source, uint64_t now, void *userdata)
{
    struct grant *grant = userdata;
    (void)source;
    (void)now;
    if (grant->request)
        endpoints_troubled(grant->realm->endpoints, http_target(grant->request));
    else if (!grant->discovery)
        finish(grant, KC_TIMED_OUT, "its turn did not come in time", NULL);
    return 0;
}

enum kc_status grant_table_new(struct realm *realm, struct grant_table **ret_table)
{
    return grant_queue_new(realm->event, on_turn, ret_table);
}

size_t grant_table_count(const struct grant_table *table)
{
    return grant_queue_count(table);
}

void grant_table_free(struct grant_table *table)
{
    struct grant *grant;
    if (!table)
        return;
    while ((grant = grant_queue_any(table))) {
        grant_queue_remove(grant->user, grant);
        grant_free(grant);
    }
    grant_queue_free(table);
}

static enum kc_status check(const struct grant_request *request)
{
    size_t user = request->user ? strlen(request->user) : 0;
    if (!user || user >= KC_USER_MAX)
        return KC_MALFORMED;
    if (!request->password || !request->password->length)
        return KC_EMPTY_PASSWORD;
    if (request->password->length > KC_ANSWER_MAX ||
        (request->code && request->code->length > KC_ANSWER_MAX))
        return KC_PASSWORD_TOO_LONG;
    return KC_OK;
}

static bool is_address(const char *text)
{
    struct in6_addr address;
    return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

static enum kc_status fill(struct grant *grant, const struct grant_request *request)
{
    uint64_t timeout = (uint64_t)grant->realm->config->limits.grant_timeout * CLOCK_SECOND_US;
    grant->deadline_us = clock_us() + timeout;
    grant->shortest_us = timeout / 2 < SEND_MIN_US ? timeout / 2 : SEND_MIN_US;
    enum kc_status status =
        kc_secret_set(&grant->password, request->password->bytes, request->password->length);
    if (status == KC_OK && request->code && request->code->length)
        status = kc_secret_set(&grant->code, request->code->bytes, request->code->length);
    if (status == KC_OK && request->client_address && is_address(request->client_address)) {
        grant->client_address = strdup(request->client_address);
        status = grant->client_address ? KC_OK : KC_NO_MEMORY;
    }
    if (status == KC_OK && sd_event_add_time(grant->realm->event, &grant->timer, CLOCK_MONOTONIC,
                               grant->deadline_us, 1000, on_timer, grant) < 0)
        status = KC_NO_MEMORY;
    return status;
}

enum kc_status grant_start(struct realm *realm, const struct grant_request *request,
    grant_done *done, void *userdata, struct grant **ret_grant)
{
    struct grant_user *user;
    enum kc_status status = check(request);
    if (status != KC_OK)
        return status;
    struct grant *grant = calloc(1, sizeof(*grant));
    if (!grant)
        return KC_NO_MEMORY;
    grant->realm = realm;
    grant->done = done;
    grant->admit = request->admit;
    grant->userdata = userdata;
    status = fill(grant, request);
    if (status == KC_OK)
        status = grant_queue_user(realm->grants, request->user, &user);
    if (status == KC_OK)
        status = grant_queue_add(user, grant);
    if (status != KC_OK) {
        grant_free(grant);
        return status;
    }
    *ret_grant = grant;
    return KC_OK;
}

/* What was sent is seen through to its end: whether a session came of it is only known then. */
void grant_cancel(struct grant *grant)
{
    grant->done = NULL;
    if (grant->request || grant->answer.access_token.length)
        return;
    finish(grant, KC_CANCELLED, "", NULL);
}
