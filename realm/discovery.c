/*
 * What the realm says about itself: discovery, keys, the realm's own page.
 * Used by server.
 * Says all that Keycloak says, of endpoints too that this realm does not have.
 */
#include "realm/discovery.h"

#include "common/cleanup.h"
#include "realm/keys.h"
#include "realm/text.h"

#include <stdlib.h>

static const struct {
    const char *member, *path;
    bool alias; /* stands among the mtls_endpoint_aliases too */
} endpoints[] = {
    {"authorization_endpoint", "/protocol/openid-connect/auth", false},
    {"token_endpoint", "/protocol/openid-connect/token", true},
    {"introspection_endpoint", "/protocol/openid-connect/token/introspect", true},
    {"userinfo_endpoint", "/protocol/openid-connect/userinfo", true},
    {"end_session_endpoint", "/protocol/openid-connect/logout", false},
    {"jwks_uri", "/protocol/openid-connect/certs", false},
    {"check_session_iframe", "/protocol/openid-connect/login-status-iframe.html", false},
    {"registration_endpoint", "/clients-registrations/openid-connect", true},
    {"revocation_endpoint", "/protocol/openid-connect/revoke", true},
    {"device_authorization_endpoint", "/protocol/openid-connect/auth/device", true},
    {"pushed_authorization_request_endpoint", "/protocol/openid-connect/ext/par/request", true},
    {"backchannel_authentication_endpoint", "/protocol/openid-connect/ext/ciba/auth", true},
};

#define SIGNING                                                                                    \
    "[\"PS384\",\"RS384\",\"EdDSA\",\"ES384\",\"HS256\",\"HS512\",\"ES256\",\"RS256\",\"HS384\","  \
    "\"ES512\",\"PS256\",\"PS512\",\"RS512\"]"
#define METHODS                                                                                    \
    "[\"private_key_jwt\",\"client_secret_basic\",\"client_secret_post\",\"tls_client_auth\","     \
    "\"client_secret_jwt\"]"
#define PROOFS                                                                                     \
    "[\"PS384\",\"RS384\",\"EdDSA\",\"ES384\",\"ES256\",\"RS256\",\"ES512\",\"PS256\",\"PS512\","  \
    "\"RS512\"]"

#define WRAPPING "[\"RSA-OAEP\",\"RSA-OAEP-256\",\"RSA1_5\"]"
#define CIPHERS                                                                                    \
    "[\"A256GCM\",\"A192GCM\",\"A128GCM\",\"A128CBC-HS256\",\"A192CBC-HS384\","                    \
    "\"A256CBC-HS512\"]"

/* What does not depend on the realm. `only`: the version that says it; 0 for both. */
static const struct {
    const char *member, *json;
    int only;
} constants[] = {
    {"frontchannel_logout_session_supported", "true", 0},
    {"frontchannel_logout_supported", "true", 0},
    {"grant_types_supported",
        "[\"authorization_code\",\"client_credentials\",\"implicit\",\"password\",\"refresh_"
        "token\","
        "\"urn:ietf:params:oauth:grant-type:device_code\",\"urn:openid:params:grant-type:ciba\"]",
        0},
    {"acr_values_supported", "[\"0\",\"1\"]", 0},
    {"response_types_supported", "[\"code\",\"none\",\"id_token\",\"token\",\"id_token token\"]",
        0},
    {"subject_types_supported", "[\"public\",\"pairwise\"]", 0},
    {"prompt_values_supported", "[\"none\",\"login\",\"consent\"]", REALM_LIKE_26},
    {"id_token_signing_alg_values_supported", SIGNING, 0},
    {"userinfo_signing_alg_values_supported", SIGNING, 0},
    {"request_object_signing_alg_values_supported", SIGNING, 0},
    {"id_token_encryption_alg_values_supported", WRAPPING, 0},
    {"id_token_encryption_enc_values_supported", CIPHERS, 0},
    {"userinfo_encryption_alg_values_supported", WRAPPING, 0},
    {"userinfo_encryption_enc_values_supported", CIPHERS, 0},
    {"request_object_encryption_alg_values_supported", WRAPPING, 0},
    {"request_object_encryption_enc_values_supported", CIPHERS, 0},
    {"authorization_signing_alg_values_supported", SIGNING, 0},
    {"authorization_encryption_alg_values_supported", WRAPPING, 0},
    {"authorization_encryption_enc_values_supported", CIPHERS, 0},
    {"response_modes_supported", "[\"query\",\"fragment\",\"form_post\"]", 0},
    {"token_endpoint_auth_methods_supported", METHODS, 0},
    {"token_endpoint_auth_signing_alg_values_supported", SIGNING, 0},
    {"introspection_endpoint_auth_methods_supported", METHODS, 0},
    {"introspection_endpoint_auth_signing_alg_values_supported", SIGNING, 0},
    {"revocation_endpoint_auth_methods_supported", METHODS, 0},
    {"revocation_endpoint_auth_signing_alg_values_supported", SIGNING, 0},
    {"claims_supported",
        "[\"iss\",\"sub\",\"aud\",\"exp\",\"iat\",\"auth_time\",\"name\",\"given_name\","
        "\"family_name\",\"preferred_username\",\"email\",\"acr\",\"azp\",\"nonce\"]",
        0},
    {"claim_types_supported", "[\"normal\"]", 0},
    {"claims_parameter_supported", "true", 0},
    {"request_parameter_supported", "true", 0},
    {"request_uri_parameter_supported", "true", 0},
    {"require_request_uri_registration", "true", 0},
    {"code_challenge_methods_supported", "[\"plain\",\"S256\"]", 0},
    {"tls_client_certificate_bound_access_tokens", "true", 0},
    {"dpop_signing_alg_values_supported", PROOFS, REALM_LIKE_26},
    {"backchannel_logout_supported", "true", 0},
    {"backchannel_logout_session_supported", "true", 0},
    {"backchannel_token_delivery_modes_supported", "[\"poll\",\"ping\"]", 0},
    {"backchannel_authentication_request_signing_alg_values_supported", PROOFS, 0},
    {"require_pushed_authorization_requests", "false", 0},
    {"authorization_response_iss_parameter_supported", "true", 0},
};

static void put_constants(const struct realm *realm, struct json_object *document)
{
    for (size_t i = 0; i < sizeof(constants) / sizeof(*constants); i++)
        if (constants[i].only == 0 || constants[i].only == (int)realm->like)
            json_object_object_add(
                document, constants[i].member, json_tokener_parse(constants[i].json));
}

static void put_scopes(const struct realm *realm, struct json_object *document)
{
    struct json_object *list = json_object_new_array();
    json_object_array_add(list, json_object_new_string("openid"));
    for (size_t i = 0; i < realm->scope_count; i++)
        json_object_array_add(list, json_object_new_string(realm->scopes[i]->name));
    json_object_object_add(document, "scopes_supported", list);
}

void realm_discovery_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer)
{
    struct json_object *document = json_object_new_object();
    struct json_object *aliases = json_object_new_object();
    char *issuer KC_AUTO_FREE = realm_issuer(realm, request);
    char *other KC_AUTO_FREE = realm_text_format("%s-of-somebody-else", issuer);
    realm_json_put_text(
        document, "issuer", request->fault.kind == REALM_FAULT_WRONG_ISSUER ? other : issuer);
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(*endpoints); i++) {
        char *url KC_AUTO_FREE = realm_text_format("%s%s", issuer, endpoints[i].path);
        realm_json_put_text(document, endpoints[i].member, url);
        if (endpoints[i].alias)
            realm_json_put_text(aliases, endpoints[i].member, url);
    }
    put_constants(realm, document);
    put_scopes(realm, document);
    json_object_object_add(document, "mtls_endpoint_aliases", aliases);
    realm_fault_set(&request->fault, "members", document);
    realm_answer_json(answer, document, "no-cache, must-revalidate, no-transform, no-store");
    if (realm->like == REALM_LIKE_24)
        answer->type = "application/json;charset=UTF-8";
}

void realm_certs_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer)
{
    struct json_object *document = realm_keys_published(realm);
    realm_fault_set(&request->fault, "members", document);
    realm_answer_json(answer, document, "no-cache");
    if (realm->like == REALM_LIKE_24)
        answer->type = "application/json;charset=UTF-8";
}

void realm_about_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer)
{
    struct json_object *document = json_object_new_object();
    char *issuer KC_AUTO_FREE = realm_issuer(realm, request);
    char *service KC_AUTO_FREE = realm_text_format("%s/protocol/openid-connect", issuer);
    char *account KC_AUTO_FREE = realm_text_format("%s/account", issuer);
    char *key KC_AUTO_FREE = realm_keys_public(realm);
    realm_json_put_text(document, "realm", realm->name);
    realm_json_put_text(document, "public_key", key);
    realm_json_put_text(document, "token-service", service);
    realm_json_put_text(document, "account-service", account);
    realm_json_put_number(document, "tokens-not-before", realm->not_before);
    realm_answer_json(answer, document, "no-cache");
    answer->type = "application/json;charset=UTF-8";
}
