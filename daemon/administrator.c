/*
 * An administrator's session at the realm: password grant, requests, renewals, log-out.
 * Used by assign.c.
 * Must never keep the password longer than the one request that it is for, nor send a change twice.
 */
#include "daemon/administrator.h"

#include "common/limits.h"
#include "daemon/admin.h"
#include "daemon/clock.h"
#include "daemon/form.h"
#include "daemon/oauth_error.h"
#include "daemon/realm_internal.h"
#include "daemon/token_answer.h"
#include "jose/json.h"
#include "jose/limits.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define STEP_MS 15000u
#define URL_SIZE 2048u
#define BODY_MAX ((size_t)4 << 20)
#define EARLY_US (10 * CLOCK_SECOND_US) /* a token is renewed so long before its end */

struct administrator {
    struct realm *realm;
    struct discovery *discovery; /* NULL: nobody has been logged in */
    struct client_auth *client;
    char *base;
    char *name;
    struct kc_secret password; /* until it has been sent */
    struct kc_secret access_token, refresh_token;
    uint64_t renew_us;
    bool renewed; /* in this step */
    char *path;   /* of the step; NULL: the log-in */
    struct json_object *object; /* what is PUT; NULL: a GET */
    sd_event_source *later; /* the log-in begins from the loop: it may end at once */
    struct realm_wait *wait;
    struct http_request *request;
    administrator_done *done;
    void *userdata;
};

static void finish(struct administrator *administrator, enum kc_status status, const char *detail,
    const struct json_object *answer)
{
    administrator->done(administrator->userdata, status, detail, answer);
}

static enum kc_status start(struct administrator *administrator, struct http_spec *spec,
    http_done *done)
{
    const struct http_peer peer = realm_peer(administrator->realm);
    spec->peer = &peer; /* cppcheck-suppress autoVariables ; http_start copies what it keeps */
    spec->deadline_ms = STEP_MS;
    const enum kc_status status = http_start(
        administrator->realm->http, spec, done, administrator, &administrator->request);
    spec->peer = NULL;
    return status;
}

/* --- tokens --- */

static void send_step(struct administrator *administrator);

static enum kc_status keep(struct administrator *administrator, struct token_answer *answer)
{
    const uint64_t life = (uint64_t)answer->expires_in * CLOCK_SECOND_US;
    if (answer->verdict != KC_OK)
        return answer->verdict;
    kc_secret_wipe(&administrator->access_token);
    kc_secret_wipe(&administrator->refresh_token);
    administrator->access_token = kc_secret_take(&answer->access_token);
    administrator->refresh_token = kc_secret_take(&answer->refresh_token);
    administrator->renew_us = clock_us() + (life > 2 * EARLY_US ? life - EARLY_US : life / 2);
    return KC_OK;
}

static void on_token(void *userdata, enum kc_status status, struct http_answer *http)
{
    struct administrator *administrator = userdata;
    struct token_answer answer = {0};
    char detail[OAUTH_DETAIL_MAX] = "";
    administrator->request = NULL;
    if (status != KC_OK) {
        snprintf(detail, sizeof detail, "%s", http->error);
    } else if (http->status != 200) {
        const struct kc_secret *secrets[] = {&administrator->password, NULL};
        status = oauth_error_read(http, secrets, detail);
    } else {
        token_answer_read(http, &answer);
        status = keep(administrator, &answer);
        token_answer_clear(&answer);
    }
    kc_secret_wipe(&http->body);
    kc_secret_wipe(&administrator->password);
    if (status == KC_OK && administrator->path)
        send_step(administrator);
    else
        finish(administrator, status, detail, NULL);
}

static enum kc_status make_form(struct administrator *administrator, struct kc_secret *form)
{
    KC_AUTO_SECRET struct kc_secret authorization = KC_SECRET_INIT; /* a public client has none */
    const struct kc_secret *password = &administrator->password;
    const struct kc_secret *refresh = &administrator->refresh_token;
    enum kc_status status =
        form_add_text(form, "grant_type", password->length ? "password" : "refresh_token");
    if (status == KC_OK)
        status = client_auth_apply(administrator->client, administrator->discovery->issuer,
            (int64_t)time(NULL), form, &authorization);
    if (status == KC_OK && password->length == 0)
        return form_add(form, "refresh_token", refresh->bytes, refresh->length);
    if (status == KC_OK)
        status = form_add_text(form, "username", administrator->name);
    if (status == KC_OK)
        status = form_add(form, "password", password->bytes, password->length);
    return status;
}

/* With the password while there is one, later with the refresh token. */
static enum kc_status ask_for_token(struct administrator *administrator)
{
    KC_AUTO_SECRET struct kc_secret form = KC_SECRET_INIT;
    struct http_spec spec = {.form = &form, .body_limit = JOSE_ANSWER_BYTES};
    enum kc_status status = make_form(administrator, &form);
    if (status != KC_OK)
        return status;
    spec.url = discovery_token(administrator->discovery, false);
    return start(administrator, &spec, on_token);
}

static void on_realm(void *userdata, enum kc_status status, const char *detail)
{
    struct administrator *administrator = userdata;
    administrator->wait = NULL;
    if (status == KC_OK) {
        administrator->discovery = discovery_ref(administrator->realm->discovery);
        status = ask_for_token(administrator);
    }
    if (status != KC_OK)
        finish(administrator, status, detail, NULL);
}

static int on_begin(sd_event_source *source, void *userdata)
{
    struct administrator *administrator = userdata;
    struct realm_wait *wait = NULL;
    (void)source;
    const enum kc_status status = realm_await(administrator->realm,
        clock_us() + (uint64_t)STEP_MS * 1000, on_realm, administrator, &wait);
    if (wait) /* else the callback has come, and nobody may be here any more */
        administrator->wait = wait;
    else if (status != KC_OK)
        finish(administrator, status, "", NULL);
    return 0;
}

/* --- steps --- */

static enum kc_status read_refusal(const struct http_answer *http, char *ret_detail)
{
    const enum kc_status status = oauth_error_read(http, NULL, ret_detail);
    if (!*ret_detail)
        snprintf(ret_detail, OAUTH_DETAIL_MAX, "HTTP %u", http->status);
    if (http->status == 404 && http->json)
        return KC_NOT_FOUND;
    if (http->status == 400 || http->status == 409)
        return KC_HTTP_BAD_REQUEST;
    return http->status == 403 ? KC_HTTP_FORBIDDEN : status;
}

static void read_answer(struct administrator *administrator, const struct http_answer *http)
{
    static const struct jose_json_limits limits = {BODY_MAX, 16, 400000};
    JOSE_AUTO_JSON struct json_object *json = NULL;
    enum kc_status status = KC_MALFORMED;
    if (http->json)
        status = jose_json_parse(http->body.bytes, http->body.length, &limits, &json);
    if (status != KC_OK && status != KC_NO_MEMORY)
        status = KC_ANSWER_NOT_JSON;
    finish(administrator, status, "", status == KC_OK ? json : NULL);
}

static void on_answer(void *userdata, enum kc_status status, struct http_answer *http)
{
    struct administrator *administrator = userdata;
    char detail[OAUTH_DETAIL_MAX] = "";
    administrator->request = NULL;
    if (status != KC_OK) {
        finish(administrator, status, http->error, NULL);
    } else if (http->status == 401 && !administrator->renewed) {
        administrator->renewed = true; /* a token that is refused has changed nothing */
        administrator->renew_us = 0;
        send_step(administrator);
    } else if (http->status == 200 && !administrator->object) {
        read_answer(administrator, http);
    } else if (http->status == 204 && administrator->object) {
        finish(administrator, KC_OK, "", NULL);
    } else {
        status = read_refusal(http, detail);
        finish(administrator, status, detail, NULL);
    }
}

static enum kc_status make_body(struct json_object *object, struct kc_secret *ret_body)
{
    size_t length;
    const char *text =
        json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN, &length);
    return text ? kc_secret_set(ret_body, text, length) : KC_NO_MEMORY;
}

static enum kc_status send_request(struct administrator *administrator)
{
    KC_AUTO_SECRET struct kc_secret authorization = KC_SECRET_INIT;
    KC_AUTO_SECRET struct kc_secret body = KC_SECRET_INIT;
    const struct kc_secret *token = &administrator->access_token;
    char url[URL_SIZE];
    struct http_spec spec = {.url = url, .authorization = &authorization, .body_limit = BODY_MAX};
    if (snprintf(url, sizeof url, "%s%s", administrator->base, administrator->path) >=
        (int)sizeof url)
        return KC_TOO_LARGE;
    enum kc_status status = kc_secret_set(&authorization, "Bearer ", 7);
    if (status == KC_OK)
        status = kc_secret_append(&authorization, token->bytes, token->length);
    if (status == KC_OK && administrator->object) {
        status = make_body(administrator->object, &body);
        spec.form = &body;
        spec.put = true;
    }
    return status == KC_OK ? start(administrator, &spec, on_answer) : status;
}

/* Renews the token first where its end is near. */
static enum kc_status try_step(struct administrator *administrator)
{
    if (clock_us() >= administrator->renew_us && administrator->refresh_token.length)
        return ask_for_token(administrator);
    return send_request(administrator);
}

static void send_step(struct administrator *administrator)
{
    const enum kc_status status = try_step(administrator);
    if (status != KC_OK)
        finish(administrator, status, "", NULL);
}

static enum kc_status step(
    struct administrator *administrator, const char *path, struct json_object *object)
{
    char *copy = strdup(path);
    if (!copy)
        return KC_NO_MEMORY;
    free(administrator->path);
    administrator->path = copy;
    json_object_put(administrator->object);
    administrator->object = json_object_get(object);
    administrator->renewed = false;
    return try_step(administrator);
}

enum kc_status administrator_get(struct administrator *administrator, const char *path)
{
    return step(administrator, path, NULL);
}

enum kc_status administrator_put(struct administrator *administrator, const char *path,
    struct json_object *object)
{
    return step(administrator, path, object);
}

/* --- the object --- */

static enum kc_status fill(
    struct administrator *administrator, const struct administrator_login *login)
{
    const struct client_auth_setting setting = {
        .method = CLIENT_AUTH_NONE, .client_id = login->client};
    enum kc_status status =
        admin_base(administrator->realm->config->realm.issuer, &administrator->base);
    if (status == KC_OK)
        status = client_auth_new(&setting, &administrator->client);
    if (status == KC_OK)
        status = kc_secret_set(
            &administrator->password, login->password->bytes, login->password->length);
    administrator->name = strdup(login->name);
    return status == KC_OK && !administrator->name ? KC_NO_MEMORY : status;
}

enum kc_status administrator_begin(struct realm *realm, const struct administrator_login *login,
    administrator_done *done, void *userdata, struct administrator **ret_administrator)
{
    if (!*login->name || login->password->length == 0)
        return KC_EMPTY_PASSWORD;
    struct administrator *administrator = calloc(1, sizeof *administrator);
    if (!administrator)
        return KC_NO_MEMORY;
    administrator->realm = realm;
    administrator->done = done;
    administrator->userdata = userdata;
    enum kc_status status = fill(administrator, login);
    if (status == KC_OK && sd_event_add_defer(realm->event, &administrator->later, on_begin,
                               administrator) < 0)
        status = KC_NO_MEMORY;
    if (status != KC_OK) {
        administrator_free(administrator);
        return status;
    }
    *ret_administrator = administrator;
    return KC_OK;
}

static void log_out(const struct administrator *administrator)
{
    const struct ending_target target = {.discovery = administrator->discovery,
        .client = administrator->client,
        .refresh_token = &administrator->refresh_token,
        .access_token = &administrator->access_token};
    if (administrator->access_token.length)
        (void)ending_start(administrator->realm, &target, NULL, NULL);
}

void administrator_free(struct administrator *administrator)
{
    if (!administrator)
        return;
    sd_event_source_disable_unref(administrator->later);
    if (administrator->wait)
        realm_wait_cancel(administrator->wait);
    if (administrator->request)
        http_cancel(administrator->request);
    log_out(administrator);
    discovery_unref(administrator->discovery);
    client_auth_unref(administrator->client);
    kc_secret_wipe(&administrator->password);
    kc_secret_wipe(&administrator->access_token);
    kc_secret_wipe(&administrator->refresh_token);
    json_object_put(administrator->object);
    free(administrator->base);
    free(administrator->name);
    free(administrator->path);
    free(administrator);
}
