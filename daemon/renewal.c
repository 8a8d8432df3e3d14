/*
 * A refresh grant: a session's tokens made anew (RFC 6749 section 6), and verified.
 * Used by session_renew.c. What runs belongs to the realm object.
 * Must never send a token to anybody but the realm and as the client that it came from.
 */
#include "daemon/renewal.h"

#include "common/limits.h"
#include "daemon/form.h"
#include "daemon/oauth_error.h"
#include "daemon/realm_internal.h"
#include "daemon/token_answer.h"
#include "jose/jwt.h"
#include "jose/limits.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define RENEWALS_MAX 64u

struct renewal {
    struct realm *realm;
    LIST_ENTRY(renewal) link;
    char user[KC_USER_MAX];
    struct discovery *discovery;
    struct client_auth *client;
    struct kc_secret token; /* what was sent, so that no log repeats it */
    struct token_answer answer;
    struct http_request *request;
    renewal_done *done;
    void *userdata;
};

static void renewal_free(struct renewal *renewal)
{
    LIST_REMOVE(renewal, link);
    renewal->realm->renewal_count--;
    if (renewal->request)
        http_cancel(renewal->request);
    discovery_unref(renewal->discovery);
    client_auth_unref(renewal->client);
    kc_secret_wipe(&renewal->token);
    token_answer_clear(&renewal->answer);
    free(renewal);
}

static void finish(struct renewal *renewal, enum kc_status status, const char *detail,
    struct grant_answer *answer)
{
    renewal->done(renewal->userdata, status, detail, answer);
    if (answer)
        grant_answer_clear(answer);
    renewal_free(renewal);
}

void renewal_end_all(struct realm *realm)
{
    while (!LIST_EMPTY(&realm->renewals))
        finish(LIST_FIRST(&realm->renewals), KC_CANCELLED, "", NULL);
}

static void take_tokens(struct renewal *renewal)
{
    struct jose_jwt *jwt = NULL;
    enum kc_status status =
        grant_verify(renewal->realm, &renewal->answer.access_token, renewal->user, &jwt);
    struct grant_answer answer = {
        .access_token = kc_secret_take(&renewal->answer.access_token),
        .refresh_token = kc_secret_take(&renewal->answer.refresh_token),
        .issuer = renewal->discovery->issuer,
        .client_id = client_auth_id(renewal->client),
        .scope = KC_TAKE(renewal->answer.scope),
        .expires_at = jwt ? jose_jwt_expires(jwt) : 0,
        .jwt = jwt};
    finish(renewal, status, "", &answer);
}

static void read_refusal(struct renewal *renewal, const struct http_answer *answer)
{
    char detail[OAUTH_DETAIL_MAX];
    const struct kc_secret *secrets[] = {
        &renewal->token, client_auth_secret(renewal->client), NULL};
    const enum kc_status status = oauth_error_read(answer, secrets, detail);
    if (answer->status >= 500) {
        endpoints_troubled(renewal->realm->endpoints, answer->target);
        realm_probe(renewal->realm);
    }
    if (!*detail)
        snprintf(detail, sizeof detail, "HTTP %u", answer->status);
    finish(renewal, status, detail, NULL);
}

static void on_answer(void *userdata, enum kc_status status, struct http_answer *answer)
{
    struct renewal *renewal = userdata;
    struct realm *realm = renewal->realm;
    renewal->request = NULL;
    if (status != KC_OK) {
        if (status == KC_UNANSWERED)
            endpoints_troubled(realm->endpoints, answer->target);
        realm_probe(realm);
        finish(renewal, endpoints_strict(realm->endpoints, status), answer->error, NULL);
        return;
    }
    if (answer->status < 500)
        endpoints_answered(realm->endpoints, answer, true);
    if (answer->status != 200) {
        read_refusal(renewal, answer);
        return;
    }
    token_answer_read(answer, &renewal->answer);
    kc_secret_wipe(&answer->body);
    if (renewal->answer.verdict == KC_OK)
        take_tokens(renewal);
    else
        finish(renewal, renewal->answer.verdict, "", NULL);
}

static enum kc_status make_form(
    const struct renewal *renewal, struct kc_secret *form, struct kc_secret *authorization)
{
    enum kc_status status = form_add_text(form, "grant_type", "refresh_token");
    if (status == KC_OK)
        status = client_auth_apply(
            renewal->client, renewal->discovery->issuer, (int64_t)time(NULL), form, authorization);
    if (status == KC_OK)
        status = form_add(form, "refresh_token", renewal->token.bytes, renewal->token.length);
    return status;
}

static enum kc_status post(struct renewal *renewal, unsigned deadline_ms)
{
    KC_AUTO_SECRET struct kc_secret form = KC_SECRET_INIT;
    KC_AUTO_SECRET struct kc_secret authorization = KC_SECRET_INIT;
    enum kc_status status = make_form(renewal, &form, &authorization);
    if (status != KC_OK)
        return status;
    const bool mtls = client_auth_method(renewal->client) == CLIENT_AUTH_MTLS;
    const struct http_peer peer = realm_peer(renewal->realm);
    const struct http_spec spec = {.url = discovery_token(renewal->discovery, mtls),
        .form = &form,
        .authorization = &authorization,
        .peer = &peer,
        .deadline_ms = deadline_ms,
        .body_limit = JOSE_ANSWER_BYTES};
    return http_start(renewal->realm->http, &spec, on_answer, renewal, &renewal->request);
}

static enum kc_status check(const struct realm *realm, const struct renewal_request *request)
{
    if (!realm->discovery || !realm->keys)
        return KC_NOT_READY;
    if (strcmp(realm->config->realm.issuer, request->origin->issuer) != 0)
        return KC_REALM_WRONG_ISSUER;
    if (strcmp(client_auth_id(realm->client), request->origin->client_id) != 0)
        return KC_REALM_WRONG_CLIENT;
    return realm->renewal_count >= RENEWALS_MAX ? KC_BUSY : KC_OK;
}

enum kc_status renewal_start(struct realm *realm, const struct renewal_request *request,
    renewal_done *done, void *userdata)
{
    enum kc_status status = check(realm, request);
    if (status != KC_OK)
        return status;
    struct renewal *renewal = calloc(1, sizeof *renewal);
    if (!renewal)
        return KC_NO_MEMORY;
    renewal->realm = realm;
    renewal->token = KC_SECRET_INIT;
    renewal->discovery = discovery_ref(realm->discovery);
    renewal->client = client_auth_ref(realm->client);
    renewal->done = done;
    renewal->userdata = userdata;
    snprintf(renewal->user, sizeof renewal->user, "%s", request->user);
    LIST_INSERT_HEAD(&realm->renewals, renewal, link);
    realm->renewal_count++;
    status = kc_secret_set(
        &renewal->token, request->refresh_token->bytes, request->refresh_token->length);
    if (status == KC_OK)
        status = post(renewal, request->deadline_ms);
    if (status != KC_OK)
        renewal_free(renewal);
    return status;
}
