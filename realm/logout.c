/*
 * The end of a session: logout and revocation; and the question whether it has ended.
 * Used by server.
 * Never acts on a token that the realm has not signed itself.
 */
#include "realm/logout.h"

#include "common/cleanup.h"
#include "realm/client_auth.h"
#include "realm/grants.h"
#include "realm/keys.h"
#include "realm/sessions.h"
#include "realm/text.h"

#include <string.h>

enum { REVOKED_LIMIT = 10000 };

static const char page[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>Sign out</title></head>\n"
    "<body><p>Do you want to log out?</p></body>\n</html>\n";

static void show_page(struct realm_answer *answer)
{
    answer->status = 200;
    answer->type = "text/html;charset=utf-8";
    answer->cache = "no-cache";
    answer->body = realm_text_copy(page);
    answer->length = strlen(page);
}

void realm_logout_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer)
{
    const char *token = realm_form_value(&request->form, "refresh_token");
    if (token == NULL) {
        show_page(answer);
        return;
    }
    struct realm_client *client = realm_client_auth(realm, request, answer);
    if (client == NULL)
        return;
    struct json_object *claims REALM_AUTO_JSON =
        realm_grant_token(realm, client, request, token, answer);
    if (claims == NULL)
        return;
    /* one that has ended already ends well too */
    realm_session_close(realm, realm_json_text(claims, "sid", ""),
        realm_text_same(realm_json_text(claims, "typ", ""), "Offline"));
    answer->status = 204;
    answer->cache = "no-cache";
}

static void empty(struct realm_answer *answer)
{
    realm_answer_free(answer);
    answer->status = 200;
}

static void remember_revoked(struct realm *realm, const char *id)
{
    if (json_object_object_length(realm->revoked) >= REVOKED_LIMIT) {
        json_object_put(realm->revoked);
        realm->revoked = json_object_new_object();
    }
    realm_json_put_flag(realm->revoked, id, true);
}

/* Logout works in a realm that is switched off; these do not. */
static bool realm_on(const struct realm *realm, struct realm_answer *answer)
{
    if (!realm->enabled)
        realm_answer_error(answer, 403, "access_denied", "Realm not enabled");
    return realm->enabled;
}

void realm_revoke_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer)
{
    struct realm_client *client =
        realm_on(realm, answer) ? realm_client_auth(realm, request, answer) : NULL;
    if (client == NULL)
        return;
    const char *token = realm_form_value(&request->form, "token");
    struct json_object *claims REALM_AUTO_JSON = NULL;
    if (token == NULL) {
        realm_answer_error(answer, 400, "invalid_request", "Token not provided");
        return;
    }
    bool own = realm_keys_own(realm, token, &claims);
    const char *type = realm_json_text(claims, "typ", "");
    bool offline = realm_text_same(type, "Offline");
    const char *id = realm_json_text(claims, "sid", "");
    if (own && !realm_text_same(realm_json_text(claims, "azp", NULL), client->id)) {
        realm_answer_error(answer, 400, "invalid_request", "Unmatching clients");
    } else if (own && realm_text_same(type, "Bearer")) {
        remember_revoked(realm, realm_json_text(claims, "jti", ""));
        empty(answer);
    } else if (own && realm_session_find(realm, id, offline) != NULL) {
        realm_session_close(realm, id, offline);
        empty(answer);
    } else {
        realm_answer_error(answer, 200, "invalid_token", "Invalid token");
    }
}

static bool names_audience(struct json_object *claims, const char *client)
{
    struct json_object *audience = realm_json_member(claims, "aud");
    if (json_object_is_type(audience, json_type_string))
        return realm_text_same(json_object_get_string(audience), client);
    for (size_t i = 0; i < realm_json_length(audience); i++)
        if (realm_text_same(json_object_get_string(json_object_array_get_idx(audience, i)), client))
            return true;
    return false;
}

static bool active(
    struct realm *realm, const struct realm_client *client, struct json_object *claims)
{
    const char *type = realm_json_text(claims, "typ", "");
    const char *id = realm_json_text(claims, "sid", NULL);
    struct realm_session *session =
        id ? realm_session_find(realm, id, realm_text_same(type, "Offline")) : NULL;
    if (id != NULL && session == NULL)
        session = realm_session_find(realm, id, true);
    if (realm->like != REALM_LIKE_24 && !names_audience(claims, client->id))
        return false;
    return (id == NULL || (session != NULL && session->user->enabled)) &&
           realm_json_number(claims, "exp", INT64_MAX) > realm_now(realm) &&
           realm_json_number(claims, "iat", 0) >= realm->not_before &&
           realm_json_member(realm->revoked, realm_json_text(claims, "jti", "")) == NULL;
}

void realm_introspect_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer)
{
    if (!realm_on(realm, answer))
        return;
    struct realm_client *client = realm_client_auth(realm, request, answer);
    const char *token = realm_form_value(&request->form, "token");
    if (client == NULL) {
        bool known = strncmp(answer->note, "unauthorized_client", 19) == 0;
        if (realm->like == REALM_LIKE_24)
            realm_answer_error(answer, 401, "invalid_request", "Authentication failed.");
        else if (known)
            realm_answer_error(answer, 401, "invalid_client", "Client authentication failed.");
    } else if (client->is_public) {
        realm_answer_error(answer, 403, "invalid_request", "Client not allowed.");
    } else if (token == NULL) {
        realm_answer_error(answer, 400, "invalid_request", "Token not provided.");
    }
    if (client == NULL || answer->status != 0)
        return;
    struct json_object *claims = NULL;
    if (!realm_keys_own(realm, token, &claims) || !active(realm, client, claims)) {
        json_object_put(claims);
        claims = json_object_new_object();
        realm_json_put_flag(claims, "active", false);
    } else {
        realm_json_put_text(claims, "client_id", realm_json_text(claims, "azp", ""));
        realm_json_put_text(claims, "username", realm_json_text(claims, "preferred_username", ""));
        realm_json_put_text(claims, "token_type", realm_json_text(claims, "typ", "Bearer"));
        realm_json_put_flag(claims, "active", true);
    }
    realm_answer_json(answer, claims, "no-cache");
}
