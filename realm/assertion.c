/*
 * Client assertions (RFC 7523): private_key_jwt and client_secret_jwt.
 * Used by client_auth alone.
 * Never takes one twice.
 */
#include "realm/assertion.h"

#include "common/cleanup.h"
#include "realm/jwk.h"
#include "realm/signature.h"
#include "realm/text.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AGE_LIMIT = 60, SKEW = 15, SPENT_LIMIT = 10000, SPENT_SECONDS = 120 };

static const char type_wanted[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

struct parts {
    struct json_object *header, *claims;
    const char *input; /* of the signature: what stands before the last dot */
    size_t input_length;
    uint8_t *signature;
    size_t signature_length;
};

struct check {
    struct realm *realm;
    const struct realm_client *client;
    const struct realm_request *request;
    struct realm_answer *answer;
    struct parts parts;
    bool by_secret;
};

static void free_parts(struct parts *parts)
{
    json_object_put(parts->header);
    json_object_put(parts->claims);
    free(parts->signature);
}

static struct json_object *object_of(const char *text, size_t length)
{
    uint8_t *plain KC_AUTO_FREE = NULL;
    size_t size = 0;
    if (!realm_text_decode(text, length, &plain, &size))
        return NULL;
    struct json_object *object = json_tokener_parse((const char *)plain);
    if (!json_object_is_type(object, json_type_object)) {
        json_object_put(object);
        return NULL;
    }
    return object;
}

/* Two faults are told apart, because Keycloak's texts tell them apart. */
static bool read_parts(const char *token, struct parts *ret_parts, bool *ret_three)
{
    const char *first = strchr(token, '.'), *second = first ? strchr(first + 1, '.') : NULL;
    *ret_three = second != NULL && strchr(second + 1, '.') == NULL;
    if (!*ret_three)
        return false;
    ret_parts->header = object_of(token, (size_t)(first - token));
    ret_parts->claims = object_of(first + 1, (size_t)(second - first - 1));
    ret_parts->input = token;
    ret_parts->input_length = (size_t)(second - token);
    return ret_parts->header != NULL && ret_parts->claims != NULL &&
           realm_text_decode(
               second + 1, strlen(second + 1), &ret_parts->signature, &ret_parts->signature_length);
}

char *realm_assertion_client(const struct realm_request *request)
{
    const char *type = realm_form_value(&request->form, "client_assertion_type");
    const char *token = realm_form_value(&request->form, "client_assertion");
    struct parts parts = {0};
    bool three;
    char *client = NULL;
    if (realm_text_same(type, type_wanted) && token != NULL && read_parts(token, &parts, &three)) {
        const char *subject = realm_json_text(parts.claims, "sub", NULL);
        client = subject ? realm_text_copy(subject) : NULL;
    }
    free_parts(&parts);
    return client;
}

static bool refuse(struct check *check, const char *description)
{
    realm_answer_error(check->answer, 400, "invalid_client", description);
    return false;
}

/* The wrapped texts of 24.0.5, and of both versions where parsing or the signature fails. */
static bool refuse_wrapped(struct check *check, const char *reason)
{
    char *text KC_AUTO_FREE = realm_text_format(
        check->by_secret ? "Client authentication with client secret signed JWT failed: %s"
                         : "Client authentication with signed JWT failed: %s",
        reason);
    realm_answer_error(
        check->answer, 400, check->by_secret ? "unauthorized_client" : "invalid_client", text);
    return false;
}

/* What 26 says plainly and 24 says wrapped. */
static bool refuse_by_version(struct check *check, const char *in_26, const char *in_24)
{
    return check->realm->like == REALM_LIKE_24 ? refuse_wrapped(check, in_24)
                                               : refuse(check, in_26);
}

static bool parameters_fit(struct check *check)
{
    const struct realm_form *form = &check->request->form;
    const char *type = realm_form_value(form, "client_assertion_type");
    const char *token = realm_form_value(form, "client_assertion");
    bool three = false;
    if (type == NULL)
        return refuse(check, "Parameter client_assertion_type is missing");
    if (strcmp(type, type_wanted) != 0) {
        char *text KC_AUTO_FREE = realm_text_format(
            "Parameter client_assertion_type has value '%.200s' but expected is '%s'", type,
            type_wanted);
        return refuse(check, text);
    }
    if (token == NULL)
        return refuse(check, "client_assertion parameter missing");
    if (read_parts(token, &check->parts, &three))
        return true;
    if (!three)
        return refuse_wrapped(check, "java.lang.IllegalArgumentException: Parsing error");
    return refuse_wrapped(
        check, check->realm->like == REALM_LIKE_24
                   ? "java.lang.RuntimeException: Illegal base64url string!"
                   : "java.lang.IllegalArgumentException: Input byte[] should at least have 2 "
                     "bytes for base64 bytes");
}

static bool names_fit(struct check *check)
{
    const char *issuer = realm_json_text(check->parts.claims, "iss", NULL);
    const char *subject = realm_json_text(check->parts.claims, "sub", NULL);
    bool known = realm_text_same(subject, check->client->id);
    if (realm_text_same(issuer, subject) && known)
        return true;
    if (check->realm->like == REALM_LIKE_24)
        return refuse_wrapped(check, subject == NULL
                                         ? "Can't identify client. Subject missing on JWT token"
                                         : "Issuer mismatch. The issuer should match the subject");
    realm_answer_error(
        check->answer, 401, "invalid_client", "Invalid client or Invalid client credentials");
    return false;
}

static EVP_PKEY *certificate_key(const struct realm_client *client)
{
    const char *text = realm_json_text(client->attributes, "jwt.credential.certificate", NULL);
    uint8_t *der KC_AUTO_FREE = NULL;
    size_t length = 0;
    if (text == NULL || !realm_text_decode(text, strlen(text), &der, &length))
        return NULL;
    const uint8_t *at = der;
    X509 *certificate = d2i_X509(NULL, &at, (long)length);
    EVP_PKEY *key = certificate ? X509_get_pubkey(certificate) : NULL;
    X509_free(certificate);
    return key;
}

static EVP_PKEY *listed_key(const char *list, const char *kid)
{
    struct json_object *set REALM_AUTO_JSON = json_tokener_parse(list);
    struct json_object *keys = realm_json_member(set, "keys");
    for (size_t i = 0; i < realm_json_length(keys); i++) {
        struct json_object *jwk = json_object_array_get_idx(keys, i);
        if (kid == NULL || realm_text_same(realm_json_text(jwk, "kid", NULL), kid))
            return realm_jwk_read(jwk);
    }
    return NULL;
}

/* The client's key for this header: by its id, or the only one; NULL where none fits. */
static EVP_PKEY *key_for(const struct check *check)
{
    const char *kid = realm_json_text(check->parts.header, "kid", NULL);
    const char *list = realm_json_text(check->client->attributes, "jwks.string", NULL);
    if (list != NULL)
        return listed_key(list, kid);
    EVP_PKEY *key = certificate_key(check->client);
    char *own KC_AUTO_FREE = key ? realm_jwk_kid(key) : NULL;
    if (kid != NULL && !realm_text_same(kid, own)) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

static bool alg_fits(struct check *check, const char *alg)
{
    const char *only =
        realm_json_text(check->client->attributes, "token.endpoint.auth.signing.alg", NULL);
    bool known = realm_signature_name(alg) != NULL &&
                 (strncmp(alg, "HS", 2) == 0) == check->by_secret && strcmp(alg, "RSA-OAEP") != 0;
    if (known && (only == NULL || strcmp(only, alg) == 0))
        return true;
    if (check->realm->like != REALM_LIKE_24)
        return refuse(check, "Invalid signature algorithm");
    if (only != NULL)
        return refuse(check, "invalid signature algorithm");
    return refuse_wrapped(check, check->by_secret
                                     ? "Signature on JWT token by client secret failed validation"
                                     : "Signature on JWT token failed validation");
}

static bool key_type_fits(EVP_PKEY *key, const char *alg)
{
    return EVP_PKEY_is_a(key, alg[0] != 'E' ? "RSA" : alg[1] == 'S' ? "EC" : "ED25519");
}

static bool mac_fits(struct check *check, const char *alg)
{
    const char *secret = check->client->secret ? check->client->secret : "";
    char *input KC_AUTO_FREE =
        realm_text_format("%.*s", (int)check->parts.input_length, check->parts.input);
    char *right KC_AUTO_FREE =
        realm_signature_mac((const uint8_t *)secret, strlen(secret), alg, input);
    return realm_text_same(right, check->parts.input + check->parts.input_length + 1);
}

static bool signature_fits(struct check *check)
{
    const char *alg = realm_json_text(check->parts.header, "alg", "");
    if (!alg_fits(check, alg))
        return false;
    if (check->by_secret)
        return mac_fits(check, alg) ||
               refuse_wrapped(check, "Signature on JWT token by client secret  failed validation");
    EVP_PKEY *key = key_for(check);
    if (key == NULL)
        return refuse(check, "Unable to load public key");
    bool good = key_type_fits(key, alg) &&
                realm_signature_check(key, alg, check->parts.input, check->parts.input_length,
                    check->parts.signature, check->parts.signature_length);
    EVP_PKEY_free(key);
    return good || refuse_wrapped(check, "Signature on JWT token failed validation");
}

static bool audience_known(const struct check *check, const char *audience)
{
    static const char *const tails[] = {"", "/protocol/openid-connect/token",
        "/protocol/openid-connect/token/introspect", "/protocol/openid-connect/ext/par/request",
        "/protocol/openid-connect/ext/ciba/auth"};
    char *issuer KC_AUTO_FREE = realm_issuer(check->realm, check->request);
    size_t length = strlen(issuer);
    if (audience == NULL || strncmp(audience, issuer, length) != 0)
        return false;
    for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++)
        if (strcmp(audience + length, tails[i]) == 0)
            return true;
    return false;
}

static bool audience_text_24(struct check *check, const char *audience)
{
    char *issuer KC_AUTO_FREE = realm_issuer(check->realm, check->request);
    char *text KC_AUTO_FREE =
        check->by_secret
            ? realm_text_format("Token audience doesn't match domain. Realm issuer is '%s' but "
                                "audience from token is '[%s]'",
                  issuer, audience)
            : realm_text_format(
                  "Token audience doesn't match domain. Expected audiences are any of [%s, "
                  "%s/protocol/openid-connect/token, %s/protocol/openid-connect/ext/par/request, "
                  "%s/protocol/openid-connect/ext/ciba/auth] but audience from token is '[%s]'",
                  issuer, issuer, issuer, issuer, audience);
    return refuse_wrapped(check, text);
}

static bool audience_fits(struct check *check)
{
    struct json_object *audience = realm_json_member(check->parts.claims, "aud");
    size_t count = realm_json_length(audience);
    bool known = json_object_is_type(audience, json_type_string) &&
                 audience_known(check, json_object_get_string(audience));
    for (size_t i = 0; i < count; i++)
        known = known || audience_known(
                             check, json_object_get_string(json_object_array_get_idx(audience, i)));
    if (count > 1 && check->realm->like != REALM_LIKE_24)
        return refuse(check, "Multiple audiences not allowed");
    if (known)
        return true;
    if (check->realm->like != REALM_LIKE_24)
        return refuse(check, "Invalid token audience");
    if (audience == NULL)
        return refuse_wrapped(check, "null");
    return audience_text_24(check,
        json_object_is_type(audience, json_type_string) ? json_object_get_string(audience) : "");
}

/* 24: nothing is required but a moment; 26: age and distance are bounded (2 in the design). */
static bool times_fit(struct check *check)
{
    struct json_object *claims = check->parts.claims;
    int64_t now = realm_now(check->realm);
    int64_t expires = realm_json_number(claims, "exp", -1);
    int64_t issued = realm_json_number(claims, "iat", -1);
    int64_t from = realm_json_number(claims, "nbf", 0);
    bool is_24 = check->realm->like == REALM_LIKE_24;
    if (is_24 && expires < 0)
        return (issued >= now - 10 && from <= now) || refuse_wrapped(check, "Token is not active");
    if (expires < 0)
        return refuse(check, "Token exp claim is required");
    if (expires <= now || from > now + (is_24 ? 0 : SKEW))
        return refuse_by_version(check, "Token is not active", "Token is not active");
    if (is_24)
        return true;
    if (issued < 0)
        return expires <= now + AGE_LIMIT + SKEW ||
               refuse(check, "Token expiration is too far in the future and iat claim not present "
                             "in token");
    if (issued > now + SKEW)
        return refuse(check, "Token was issued in the future");
    return issued >= now - AGE_LIMIT ||
           refuse(check, "Token was issued too far in the past to be used now");
}

/* Forgets the ids that are older than any assertion may be, once there are many. */
static void prune(struct realm *realm)
{
    int64_t oldest = realm_now(realm) - SPENT_SECONDS;
    if (json_object_object_length(realm->spent) < SPENT_LIMIT)
        return;
    struct json_object *kept = json_object_new_object();
    json_object_object_foreach(realm->spent, key, when)
    {
        if (json_object_get_int64(when) > oldest)
            json_object_object_add(kept, key, json_object_get(when));
    }
    json_object_put(realm->spent);
    realm->spent = kept;
}

static bool unspent(struct check *check)
{
    const char *id = realm_json_text(check->parts.claims, "jti", NULL);
    if (id == NULL)
        return refuse_by_version(check, "Token jti claim is required", "Missing ID on the token");
    char *key KC_AUTO_FREE = realm_text_format("%s %s", check->client->id, id);
    if (realm_json_member(check->realm->spent, key) != NULL)
        return refuse_by_version(check, "Token reuse detected", "Token reuse detected");
    prune(check->realm);
    realm_json_put_number(check->realm->spent, key, realm_now(check->realm));
    return true;
}

bool realm_assertion_check(struct realm *realm, const struct realm_client *client,
    const struct realm_request *request, struct realm_answer *answer)
{
    struct check check = {.realm = realm,
        .client = client,
        .request = request,
        .answer = answer,
        .by_secret = strcmp(client->authenticator, "client-secret-jwt") == 0};
    bool good = parameters_fit(&check) && names_fit(&check) && signature_fits(&check) &&
                audience_fits(&check) && times_fit(&check) && unspent(&check);
    free_parts(&check.parts);
    return good;
}
