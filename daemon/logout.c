/*
 * Sessions ended at the realm: logout with the refresh token, revocation of the access token.
 * Used by session_end.c through realm.h, by grant.c for tokens that nobody holds.
 * Must never give up at the first failure, nor try for ever; ending twice does no harm.
 */
#include "daemon/clock.h"
#include "daemon/form.h"
#include "daemon/oauth_error.h"
#include "daemon/realm_internal.h"

#include <stdio.h>
#include <string.h>

#define ENDINGS_MAX 1024
#define TRIES 3
#define END_MS 5000U
#define END_BODY_MAX ((size_t)64 * 1024)

struct ending {
    struct realm *realm;
    struct ending *previous, *next;
    struct discovery *discovery;
    struct client_auth *client;
    struct kc_secret token;
    bool is_refresh_token;
    unsigned tries;
    struct http_request *request;
    sd_event_source *timer;
    realm_ended *ended;
    void *userdata;
};

static void ending_free(struct ending *ending)
{
    if (ending->request)
        http_cancel(ending->request);
    sd_event_source_disable_unref(ending->timer);
    discovery_unref(ending->discovery);
    client_auth_unref(ending->client);
    kc_secret_wipe(&ending->token);
    free(ending);
}

static void ending_unlink(struct ending *ending)
{
    struct realm *realm = ending->realm;
    if (ending->previous)
        ending->previous->next = ending->next;
    else
        realm->endings = ending->next;
    if (ending->next)
        ending->next->previous = ending->previous;
    realm->ending_count--;
}

static void ending_done(struct ending *ending, enum kc_status status, const char *detail)
{
    ending_unlink(ending);
    if (ending->ended)
        ending->ended(ending->userdata, status, detail);
    ending_free(ending);
}

static const char *endpoint(const struct ending *ending)
{
    bool mtls = client_auth_method(ending->client) == CLIENT_AUTH_MTLS;
    return ending->is_refresh_token ? discovery_logout(ending->discovery, mtls)
                                    : discovery_revocation(ending->discovery, mtls);
}

static enum kc_status make_form(
    const struct ending *ending, struct kc_secret *form, struct kc_secret *authorization)
{
    const char *name = ending->is_refresh_token ? "refresh_token" : "token";
    enum kc_status status = form_add(form, name, ending->token.bytes, ending->token.length);
    if (status == KC_OK && !ending->is_refresh_token)
        status = form_add_text(form, "token_type_hint", "access_token");
    if (status == KC_OK)
        status = client_auth_apply(
            ending->client, ending->discovery->issuer, (int64_t)time(NULL), form, authorization);
    return status;
}

static void on_answer(void *userdata, enum kc_status status, struct http_answer *answer);

static enum kc_status post(struct ending *ending)
{
    KC_AUTO_SECRET struct kc_secret form = KC_SECRET_INIT;
    KC_AUTO_SECRET struct kc_secret authorization = KC_SECRET_INIT;
    ending->tries++;
    enum kc_status status = make_form(ending, &form, &authorization);
    if (status != KC_OK)
        return status;
    struct http_peer peer = realm_peer(ending->realm);
    peer.certificate_file = client_auth_certificate_file(ending->client);
    peer.key = client_auth_key(ending->client);
    struct http_spec spec = {.url = endpoint(ending),
        .form = &form,
        .authorization = &authorization,
        .peer = &peer,
        .deadline_ms = END_MS,
        .body_limit = END_BODY_MAX};
    return http_start(ending->realm->http, &spec, on_answer, ending, &ending->request);
}

static int on_timer(sd_event_source *source, uint64_t now, void *userdata)
{
    struct ending *ending = userdata;
    (void)source;
    (void)now;
    enum kc_status status = post(ending);
    if (status != KC_OK)
        ending_done(ending, status, "");
    return 0;
}

static bool may_pass(enum kc_status status)
{
    enum kc_class class = kc_status_class(status);
    return class == KC_CLASS_UNREACHABLE || class == KC_CLASS_UNAVAILABLE;
}

/* After 1 s, then after 4 s. */
static bool try_again(struct ending *ending)
{
    uint64_t pause = (ending->tries == 1 ? 1 : 4) * CLOCK_SECOND_US;
    return ending->tries < TRIES &&
           sd_event_source_set_time(ending->timer, clock_us() + pause) >= 0 &&
           sd_event_source_set_enabled(ending->timer, SD_EVENT_ONESHOT) >= 0;
}

/* Keycloak's 204, or RFC 7009's empty 200; another 200 is somebody else's page. */
static bool is_done(const struct http_answer *answer)
{
    return answer->status == 204 || (answer->status == 200 && !answer->body.length);
}

static void on_answer(void *userdata, enum kc_status status, struct http_answer *answer)
{
    struct ending *ending = userdata;
    char detail[OAUTH_DETAIL_MAX];
    ending->request = NULL;
    snprintf(detail, sizeof(detail), "%s", answer->error);
    if (status == KC_UNANSWERED || (status == KC_OK && answer->status >= 500))
        endpoints_troubled(ending->realm->endpoints, answer->target);
    if (status == KC_OK && !is_done(answer)) {
        const struct kc_secret *secrets[] = {
            &ending->token, client_auth_secret(ending->client), NULL};
        status = oauth_error_read(answer, secrets, detail);
    }
    if (may_pass(status) && try_again(ending))
        return;
    ending_done(ending, status, detail);
}

static void ending_add(struct realm *realm, struct ending *ending)
{
    ending->realm = realm;
    ending->next = realm->endings;
    if (realm->endings)
        realm->endings->previous = ending;
    realm->endings = ending;
    realm->ending_count++;
}

static void cleanup_ending(struct ending **ending)
{
    if (*ending)
        ending_free(*ending);
}

enum kc_status ending_start(
    struct realm *realm, const struct ending_target *target, realm_ended *ended, void *userdata)
{
    const struct kc_secret *refresh = target->refresh_token;
    bool is_refresh_token = refresh && refresh->length;
    const struct kc_secret *token = is_refresh_token ? refresh : target->access_token;
    if (!target->discovery)
        return KC_NOT_READY;
    if (!token || !token->length)
        return KC_MALFORMED;
    if (realm->ending_count >= ENDINGS_MAX)
        return KC_BUSY;
    KC_CLEANUP(cleanup_ending) struct ending *ending = calloc(1, sizeof(*ending));
    if (!ending)
        return KC_NO_MEMORY;
    ending->realm = realm;
    ending->discovery = discovery_ref(target->discovery);
    ending->client = client_auth_ref(target->client);
    ending->is_refresh_token = is_refresh_token;
    ending->ended = ended;
    ending->userdata = userdata;
    if (!endpoint(ending))
        return KC_NOT_READY;
    enum kc_status status = kc_secret_set(&ending->token, token->bytes, token->length);
    if (status != KC_OK)
        return status;
    if (sd_event_add_time(
            realm->event, &ending->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, ending) < 0)
        return KC_NO_MEMORY;
    ending_add(realm, KC_TAKE(ending));
    return KC_OK;
}

void ending_free_all(struct realm *realm)
{
    while (realm->endings) {
        struct ending *ending = realm->endings;
        ending_unlink(ending);
        ending_free(ending);
    }
}

/* A token goes to the realm that it came from, and is worth nothing in another client's hands. */
static enum kc_status end_known(struct realm *realm, const struct realm_origin *origin,
    const struct ending_target *target, realm_ended *ended, void *userdata)
{
    if (strcmp(realm->config->realm.issuer, origin->issuer) != 0)
        return KC_REALM_WRONG_ISSUER;
    if (strcmp(client_auth_id(realm->client), origin->client_id) != 0)
        return KC_REALM_WRONG_CLIENT;
    return ending_start(realm, target, ended, userdata);
}

enum kc_status realm_logout(struct realm *realm, const struct realm_origin *origin,
    const struct kc_secret *refresh_token, realm_ended *ended, void *userdata)
{
    struct ending_target target = {
        .discovery = realm->discovery, .client = realm->client, .refresh_token = refresh_token};
    return end_known(realm, origin, &target, ended, userdata);
}

enum kc_status realm_revoke(struct realm *realm, const struct realm_origin *origin,
    const struct kc_secret *access_token, realm_ended *ended, void *userdata)
{
    struct ending_target target = {
        .discovery = realm->discovery, .client = realm->client, .access_token = access_token};
    return end_known(realm, origin, &target, ended, userdata);
}

size_t realm_ending(const struct realm *realm)
{
    return realm->ending_count;
}

size_t realm_under_way(const struct realm *realm)
{
    return realm->ending_count + grant_table_count(realm->grants);
}
