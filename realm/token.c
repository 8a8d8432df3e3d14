/*
 * The token endpoint: which grant is asked for, and the answer that a grant ends in.
 * Used by server; the grants use the answer.
 * Never runs a grant before the client has been authenticated.
 */
#include "realm/token.h"

#include "common/cleanup.h"
#include "realm/client_auth.h"
#include "realm/grants.h"
#include "realm/keys.h"
#include "realm/text.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    realm_grant_function *run; /* NULL: known, and never granted here */
    const char *refusal;
} grants[] = {
    {"password", realm_grant_password, NULL},
    {"refresh_token", realm_grant_refresh, NULL},
    {"client_credentials", realm_grant_client, NULL},
    {"authorization_code", NULL, "Missing parameter: code"},
};

bool realm_token_scope_fits(const struct realm_client *client, const struct realm_request *request,
    struct realm_answer *answer)
{
    const char *scope = realm_form_value(&request->form, "scope");
    if (realm_claims_scope_known(client, scope))
        return true;
    char *text KC_AUTO_FREE = realm_text_format("Invalid scopes: %s", scope);
    realm_answer_error(answer, 400, "invalid_scope", text);
    return false;
}

/* DPoP (RFC 9449) as 26 demands it; proofs themselves are not checked, for none is taken. */
static bool proof_fits(const struct realm *realm, const struct realm_client *client,
    const struct realm_request *request, struct realm_answer *answer)
{
    if (realm->like == REALM_LIKE_24)
        return true;
    if (request->dpop != NULL)
        realm_answer_error(answer, 400, "invalid_request", "DPoP header verification failure");
    else if (realm_json_flag(client->attributes, "dpop.bound.access.tokens", false))
        realm_answer_error(answer, 400, "invalid_request", "DPoP proof is missing");
    else
        return true;
    return false;
}

void realm_token_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer)
{
    const char *wanted = realm_form_value(&request->form, "grant_type");
    size_t i = 0, count = sizeof(grants) / sizeof(*grants);
    while (i < count && !realm_text_same(grants[i].name, wanted))
        i++;
    if (request->origin != NULL && realm->like != REALM_LIKE_24)
        realm_answer_error(answer, 403, "Invalid origin", NULL);
    else if (!realm->enabled)
        realm_answer_error(answer, 403, "access_denied", "Realm not enabled");
    else if (wanted == NULL)
        realm_answer_error(answer, 400, "invalid_request", "Missing form parameter: grant_type");
    else if (i == count)
        realm_answer_error(answer, 400, "unsupported_grant_type", "Unsupported grant_type");
    if (answer->status != 0)
        return;
    struct realm_client *client = realm_client_auth(realm, request, answer);
    if (client == NULL)
        return;
    if (realm_form_duplicate(&request->form))
        realm_answer_error(answer, 400, "invalid_request", "duplicated parameter");
    else if (!proof_fits(realm, client, request, answer))
        return;
    else if (grants[i].run == NULL)
        realm_answer_error(answer, 400, "invalid_request", grants[i].refusal);
    else
        grants[i].run(realm, client, request, answer);
}

static void twist_claims(const struct realm *realm, const struct realm_fault *fault,
    const char *issuer, struct json_object *claims)
{
    int64_t now = realm_now(realm);
    char *other KC_AUTO_FREE = realm_text_format("%s-of-somebody-else", issuer);
    switch (fault->kind) {
    case REALM_FAULT_EXPIRED:
        realm_json_put_number(claims, "exp", now - 60);
        realm_json_put_number(claims, "iat", now - 360);
        break;
    case REALM_FAULT_NOT_YET:
        realm_json_put_number(claims, "nbf", now + 3600);
        break;
    case REALM_FAULT_WRONG_ISSUER:
        realm_json_put_text(claims, "iss", other);
        break;
    case REALM_FAULT_WRONG_CLIENT:
        realm_json_put_text(claims, "azp", "another-client");
        break;
    default:
        realm_fault_set(fault, "claims", claims);
    }
}

static const char *attribute(
    const struct realm_client *client, const char *name, const char *otherwise)
{
    const char *value = realm_json_text(client->attributes, name, NULL);
    return value != NULL && *value != '\0' ? value : otherwise;
}

/* A member that stands there already a second time, as some versions of Keycloak write `sub`. */
static char *twice(const char *payload, const char *member)
{
    return realm_text_format("%.*s,\"%s\":\"another\"}", (int)strlen(payload) - 1, payload, member);
}

static char *sign(struct realm *realm, const struct realm_request *request, const char *alg,
    const char *type, struct json_object *claims)
{
    const char *payload = json_object_to_json_string_ext(
        claims, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    char *doubled KC_AUTO_FREE =
        request->fault.kind == REALM_FAULT_DUPLICATE
            ? twice(payload, realm_json_text(request->fault.document, "member", "sub"))
            : NULL;
    return realm_keys_sign(realm, alg, type, doubled ? doubled : payload,
        request->fault.kind == REALM_FAULT_WRONG_KEY);
}

static char *access_token(struct realm *realm, const struct realm_request *request,
    const struct realm_grant *grant, const char *issuer)
{
    struct json_object *claims REALM_AUTO_JSON =
        realm_claims(realm, grant, issuer, REALM_CLAIMS_ACCESS, request->address);
    twist_claims(realm, &request->fault, issuer, claims);
    bool at_jwt = realm->like != REALM_LIKE_24 && realm_json_flag(grant->client->attributes,
                                                      "access.token.header.type.rfc9068", false);
    return sign(realm, request,
        attribute(grant->client, "access.token.signed.response.alg", "RS256"),
        at_jwt ? "at+jwt" : "JWT", claims);
}

/* OpenID Connect Core 3.1.3.6: the left half of the hash of the access token. */
static void put_hash(struct json_object *claims, const char *alg, const char *token)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    const EVP_MD *hash = strstr(alg, "512")   ? EVP_sha512()
                         : strstr(alg, "384") ? EVP_sha384()
                                              : EVP_sha256();
    EVP_Digest(token, strlen(token), digest, &length, hash, NULL);
    char *text KC_AUTO_FREE = realm_text_base64url(digest, length / 2);
    realm_json_put_text(claims, "at_hash", text);
}

static char *id_token(struct realm *realm, const struct realm_request *request,
    const struct realm_grant *grant, const char *issuer, const char *access)
{
    struct json_object *claims REALM_AUTO_JSON =
        realm_claims(realm, grant, issuer, REALM_CLAIMS_ID, request->address);
    const char *alg = attribute(grant->client, "id.token.signed.response.alg", "RS256");
    put_hash(claims, alg, access);
    return sign(realm, request, alg, "JWT", claims);
}

/* Opaque to everybody else: signed with a key of the realm's own that is never published. */
static char *refresh_token(struct realm *realm, const struct realm_grant *grant,
    const struct realm_session *session, const char *issuer)
{
    struct json_object *claims REALM_AUTO_JSON = json_object_new_object();
    char uuid[37];
    realm_text_uuid(uuid);
    int64_t now = realm_now(realm);
    if (!session->offline)
        realm_json_put_number(claims, "exp", now + realm->policy.session_idle);
    realm_json_put_number(claims, "iat", now);
    realm_json_put_text(claims, "jti", uuid);
    realm_json_put_text(claims, "iss", issuer);
    realm_json_put_text(claims, "aud", issuer);
    realm_json_put_text(claims, "sub", grant->user->uuid);
    realm_json_put_text(claims, "typ", session->offline ? "Offline" : "Refresh");
    realm_json_put_text(claims, "azp", grant->client->id);
    if (realm->like == REALM_LIKE_24)
        realm_json_put_text(claims, "session_state", session->id);
    realm_json_put_text(claims, "sid", session->id);
    char *scope KC_AUTO_FREE = realm_claims_scope_text(grant, realm->like != REALM_LIKE_24);
    realm_json_put_text(claims, "scope", scope);
    return realm_keys_sign(realm, "HS512", "JWT",
        json_object_to_json_string_ext(
            claims, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
        false);
}

static void put_refresh(struct realm *realm, const struct realm_grant *grant,
    const struct realm_session *session, const char *issuer, struct json_object *document)
{
    bool wanted =
        session != NULL && realm_json_flag(grant->client->attributes, "use.refresh.tokens", true);
    realm_json_put_number(document, "refresh_expires_in",
        wanted && !session->offline ? realm->policy.session_idle : 0);
    if (!wanted)
        return;
    char *token KC_AUTO_FREE = refresh_token(realm, grant, session, issuer);
    if (token != NULL)
        realm_json_put_text(document, "refresh_token", token);
}

void realm_token_answer(struct realm *realm, const struct realm_request *request,
    struct realm_grant *grant, struct realm_session *session, struct realm_answer *answer)
{
    char *issuer KC_AUTO_FREE = realm_issuer(realm, request);
    grant->session_id = session ? session->id : NULL;
    char *access KC_AUTO_FREE = access_token(realm, request, grant, issuer);
    if (access == NULL) {
        realm_answer_error(
            answer, 500, "unknown_error", "For more on this error consult the server log.");
        return;
    }
    struct json_object *document = json_object_new_object();
    realm_json_put_text(document, "access_token", access);
    realm_json_put_number(document, "expires_in", realm_claims_lifespan(realm, grant->client));
    put_refresh(realm, grant, session, issuer, document);
    realm_json_put_text(document, "token_type",
        realm_json_flag(grant->client->attributes, "token.response.type.bearer.lower-case", false)
            ? "bearer"
            : "Bearer");
    if (grant->openid) {
        char *id KC_AUTO_FREE = id_token(realm, request, grant, issuer, access);
        if (id != NULL)
            realm_json_put_text(document, "id_token", id);
    }
    realm_json_put_number(document, "not-before-policy", realm->not_before);
    if (session != NULL)
        realm_json_put_text(document, "session_state", session->id);
    char *scope KC_AUTO_FREE = realm_claims_scope_text(grant, false);
    realm_json_put_text(document, "scope", scope);
    realm_fault_set(&request->fault, "members", document);
    realm_answer_json(answer, document, NULL);
}
