/*
 * The grants: password, refresh token, client credentials.
 * Used by token.
 * Never opens a session before all credentials are right.
 */
#include "realm/grants.h"

#include "common/cleanup.h"
#include "realm/import_client.h"
#include "realm/keys.h"
#include "realm/text.h"
#include "realm/token.h"
#include "realm/users.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEP_MS = 50 };

/* The status of wrong credentials changed with 26.6. */
static void wrong_credentials(const struct realm *realm, struct realm_answer *answer)
{
    realm_answer_error(answer, realm->like == REALM_LIKE_24 ? 401 : 400, "invalid_grant",
        "Invalid user credentials");
}

/* In small steps, so that a realm that ends waits for nobody's password. */
static void spend(const struct realm *realm, int64_t milliseconds)
{
    for (int64_t left = milliseconds; left > 0 && !realm->ending; left -= STEP_MS) {
        struct timespec pause = {0, (left < STEP_MS ? left : STEP_MS) * 1000000};
        nanosleep(&pause, NULL);
    }
}

/* What Keycloak spends on argon2, without the lock, so that others are served meanwhile. */
static bool password_right(struct realm *realm, const struct realm_user *user, const char *given)
{
    int64_t delay = realm->hash_delay_ms;
    pthread_mutex_unlock(&realm->lock);
    spend(realm, delay);
    pthread_mutex_lock(&realm->lock);
    return given != NULL && user != NULL && user->password != NULL && !user->gone &&
           strlen(given) == strlen(user->password) &&
           CRYPTO_memcmp(given, user->password, strlen(given)) == 0;
}

/* The parameter is otp, or totp where otp is absent. */
static bool code_right(
    const struct realm *realm, struct realm_user *user, const struct realm_request *request)
{
    const char *code = realm_form_value(&request->form, "otp");
    if (code == NULL)
        code = realm_form_value(&request->form, "totp");
    return user->totp.secret == NULL || (code != NULL && realm_user_code(realm, user, code));
}

static bool credentials_right(struct realm *realm, struct realm_user *user,
    const struct realm_request *request, struct realm_answer *answer)
{
    bool right = password_right(realm, user, realm_form_value(&request->form, "password"));
    if (realm->like != REALM_LIKE_24 && right && !user->enabled) {
        realm_answer_error(answer, 400, "invalid_grant", "Account disabled");
        return false;
    }
    right = right && code_right(realm, user, request);
    if (right)
        return true;
    realm_user_failed(realm, user);
    wrong_credentials(realm, answer);
    return false;
}

static void log_in(struct realm *realm, struct realm_client *client, struct realm_user *user,
    const struct realm_request *request, struct realm_answer *answer)
{
    if (user->action_count > 0) {
        realm_answer_error(answer, 400, "invalid_grant", "Account is not fully set up");
        return;
    }
    realm_user_succeeded(user);
    if (realm_json_flag(client->attributes, "tls.client.certificate.bound.access.tokens", false) &&
        request->certificate_subject == NULL) {
        realm_answer_error(answer, 400, "invalid_request",
            "Client Certification missing for MTLS HoK Token Binding");
        return;
    }
    struct realm_grant grant = {
        .user = user, .client = client, .scope = realm_form_value(&request->form, "scope")};
    realm_claims_scopes(&grant);
    struct realm_session *session =
        realm_session_open(realm, user, client, grant.scope, grant.offline);
    realm_token_answer(realm, request, &grant, session, answer);
    realm_claims_free(&grant);
}

/* Brute-force detection in 26: a second login of a user while one runs is refused, uncounted. */
static bool collides(const struct realm *realm, const struct realm_user *user)
{
    return user->running > 0 && realm->policy.brute_force && realm->like != REALM_LIKE_24;
}

static void authenticate(struct realm *realm, struct realm_client *client, const char *name,
    const struct realm_request *request, struct realm_answer *answer)
{
    struct realm_user *user = realm_user_find(realm, name);
    if (user == NULL) {
        if (realm->like != REALM_LIKE_24)
            password_right(realm, NULL, NULL);
        wrong_credentials(realm, answer);
    } else if (user->service_client != NULL) {
        if (realm->like == REALM_LIKE_24)
            realm_answer_unknown(realm, answer);
        else
            wrong_credentials(realm, answer);
    } else if (realm_user_locked(realm, user) || collides(realm, user)) {
        wrong_credentials(realm, answer);
    } else if (realm->like == REALM_LIKE_24 && !user->enabled) {
        realm_answer_error(answer, 400, "invalid_grant", "Account disabled");
    } else {
        user->running++;
        if (credentials_right(realm, user, request, answer))
            log_in(realm, client, user, request, answer);
        user->running--;
    }
}

void realm_grant_password(struct realm *realm, struct realm_client *client,
    const struct realm_request *request, struct realm_answer *answer)
{
    const char *name = realm_form_value(&request->form, "username");
    if (!client->direct_grants)
        realm_answer_error(
            answer, 400, "unauthorized_client", "Client not allowed for direct access grants");
    else if (client->consent)
        realm_answer_error(answer, 400, "invalid_client", "Client requires user consent");
    else if (!realm_token_scope_fits(client, request, answer))
        return;
    else if (name == NULL)
        realm_answer_error(answer, 401, "invalid_request", "Missing parameter: username");
    else
        authenticate(realm, client, name, request, answer);
}

static void refuse_refresh(struct realm_answer *answer, const char *description)
{
    realm_answer_error(answer, 400, "invalid_grant", description);
}

struct json_object *realm_grant_token(const struct realm *realm, const struct realm_client *client,
    const struct realm_request *request, const char *token, struct realm_answer *answer)
{
    struct json_object *claims = NULL;
    bool own = realm_keys_own(realm, token, &claims);
    const char *type = realm_json_text(claims, "typ", "");
    bool offline = realm_text_same(type, "Offline");
    char *issuer KC_AUTO_FREE = realm_issuer(realm, request);
    char *other KC_AUTO_FREE = realm_text_format("Invalid token issuer. Expected '%s'", issuer);
    if (!own || (!offline && !realm_text_same(type, "Refresh")))
        refuse_refresh(answer, "Invalid refresh token");
    else if (!realm_text_same(realm_json_text(claims, "iss", NULL), issuer))
        refuse_refresh(answer, other);
    else if (!realm_text_same(realm_json_text(claims, "azp", NULL), client->id))
        refuse_refresh(
            answer, "Invalid refresh token. Token client and authorized client don't match");
    else
        return claims;
    json_object_put(claims);
    return NULL;
}

/* The live session that the token belongs to, of somebody who may still have it. */
static struct realm_session *session_of(
    struct realm *realm, struct json_object *claims, struct realm_answer *answer)
{
    bool offline = realm_text_same(realm_json_text(claims, "typ", ""), "Offline");
    struct realm_session *session =
        realm_session_find(realm, realm_json_text(claims, "sid", ""), offline);
    if (!offline && realm_json_number(claims, "exp", 0) <= realm_now(realm))
        refuse_refresh(answer, "Token is not active");
    else if (session == NULL)
        refuse_refresh(answer, offline ? "Offline user session not found" : "Session not active");
    else if (!session->user->enabled)
        refuse_refresh(answer, "User disabled");
    else if (realm_json_number(claims, "iat", 0) < realm->not_before)
        refuse_refresh(answer, "Stale token");
    else
        return session;
    return NULL;
}

void realm_grant_refresh(struct realm *realm, struct realm_client *client,
    const struct realm_request *request, struct realm_answer *answer)
{
    const char *token = realm_form_value(&request->form, "refresh_token");
    if (token == NULL) {
        realm_answer_error(answer, 400, "invalid_request", "No refresh token");
        return;
    }
    struct json_object *claims REALM_AUTO_JSON =
        realm_grant_token(realm, client, request, token, answer);
    struct realm_session *session = claims ? session_of(realm, claims, answer) : NULL;
    if (session == NULL || !realm_token_scope_fits(client, request, answer))
        return;
    struct realm_grant grant = {
        .user = session->user, .client = client, .scope = session->scope_asked, .refreshed = true};
    realm_claims_scopes(&grant);
    session->refreshed = realm_now(realm);
    realm_token_answer(realm, request, &grant, session, answer);
    realm_claims_free(&grant);
}

void realm_grant_client(struct realm *realm, struct realm_client *client,
    const struct realm_request *request, struct realm_answer *answer)
{
    struct realm_user *user = realm_user_of_client(realm, client);
    if (client->is_public)
        realm_answer_error(answer, 401, "unauthorized_client",
            "Public client not allowed to retrieve service account");
    else if (!client->service_account || user == NULL)
        realm_answer_error(
            answer, 401, "unauthorized_client", "Client not enabled to retrieve service account");
    if (user == NULL || answer->status != 0 || !realm_token_scope_fits(client, request, answer))
        return;
    if (!user->enabled) {
        char *text KC_AUTO_FREE = realm_text_format("User '%s' disabled", user->name);
        realm_answer_error(answer, 401, "invalid_request", text);
        return;
    }
    struct realm_grant grant = {.user = user,
        .client = client,
        .scope = realm_form_value(&request->form, "scope"),
        .service = true};
    realm_claims_scopes(&grant);
    realm_token_answer(realm, request, &grant, NULL, answer);
    realm_claims_free(&grant);
}
