/*
 * Client authentication at the realm's endpoints.
 * Used by grant.c and logout.c.
 * Must never copy a secret anywhere but into another struct kc_secret.
 */
#include "daemon/client_auth.h"
#include "common/base64.h"
#include "daemon/form.h"
#include "jose/json.h"
#include "jose/sign.h"

#include <string.h>

#define ASSERTION_SECONDS 60
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define JTI_BYTES 24

struct client_auth {
    unsigned references;
    enum client_auth_method method;
    char *client_id;
    char *certificate_file;
    struct kc_secret secret;
    struct kc_secret pem;
    EVP_PKEY *key; /* key-jwt */
    const char *alg;
};

static bool needs_secret(enum client_auth_method method)
{
    return method == CLIENT_AUTH_POST || method == CLIENT_AUTH_BASIC ||
           method == CLIENT_AUTH_SECRET_JWT;
}

static bool needs_key(enum client_auth_method method)
{
    return method == CLIENT_AUTH_KEY_JWT || method == CLIENT_AUTH_MTLS;
}

static bool is_complete(const struct client_auth_setting *setting)
{
    if (!setting->client_id || !*setting->client_id)
        return false;
    if (needs_secret(setting->method) && (!setting->secret || !setting->secret->length))
        return false;
    if (needs_key(setting->method) && (!setting->key || !setting->key->length))
        return false;
    return setting->method != CLIENT_AUTH_MTLS ||
           (setting->certificate_file && *setting->certificate_file);
}

/* What the method uses is copied, and nothing else: a secret of no use is not held. */
static enum kc_status fill(struct client_auth *client, const struct client_auth_setting *setting)
{
    enum kc_status status = KC_OK;
    client->references = 1;
    client->method = setting->method;
    client->client_id = strdup(setting->client_id);
    if (!client->client_id)
        return KC_NO_MEMORY;
    if (needs_secret(setting->method))
        status = kc_secret_set(&client->secret, setting->secret->bytes, setting->secret->length);
    if (status == KC_OK && setting->method == CLIENT_AUTH_MTLS) {
        client->certificate_file = strdup(setting->certificate_file);
        status = client->certificate_file
                     ? kc_secret_set(&client->pem, setting->key->bytes, setting->key->length)
                     : KC_NO_MEMORY;
    }
    if (status != KC_OK || !needs_key(setting->method))
        return status;
    status = jose_sign_key_read(setting->key, &client->key);
    if (status != KC_OK)
        return status == KC_NO_MEMORY ? status : KC_CONFIG_INVALID;
    client->alg = jose_sign_alg_for(client->key);
    if (!client->alg && setting->method == CLIENT_AUTH_KEY_JWT)
        return KC_CONFIG_INVALID;
    return KC_OK;
}

enum kc_status client_auth_new(
    const struct client_auth_setting *setting, struct client_auth **ret_client)
{
    if (!is_complete(setting))
        return KC_CONFIG_INVALID;
    struct client_auth *client = calloc(1, sizeof(*client));
    if (!client)
        return KC_NO_MEMORY;
    enum kc_status status = fill(client, setting);
    if (status != KC_OK) {
        client->references = 1;
        client_auth_unref(client);
        return status;
    }
    *ret_client = client;
    return KC_OK;
}

struct client_auth *client_auth_ref(struct client_auth *client)
{
    client->references++;
    return client;
}

void client_auth_unref(struct client_auth *client)
{
    if (!client || --client->references)
        return;
    free(client->client_id);
    free(client->certificate_file);
    kc_secret_wipe(&client->secret);
    kc_secret_wipe(&client->pem);
    EVP_PKEY_free(client->key);
    free(client);
}

const char *client_auth_id(const struct client_auth *client)
{
    return client->client_id;
}

enum client_auth_method client_auth_method(const struct client_auth *client)
{
    return client->method;
}

const struct kc_secret *client_auth_secret(const struct client_auth *client)
{
    return &client->secret;
}

const char *client_auth_certificate_file(const struct client_auth *client)
{
    return client->method == CLIENT_AUTH_MTLS ? client->certificate_file : NULL;
}

const struct kc_secret *client_auth_key(const struct client_auth *client)
{
    return client->method == CLIENT_AUTH_MTLS ? &client->pem : NULL;
}

/* RFC 6749 2.3.1: id and secret are form-encoded before they are joined; Keycloak decodes both. */
static enum kc_status basic(const struct client_auth *client, struct kc_secret *ret_value)
{
    static const char scheme[] = "Basic ";
    KC_AUTO_SECRET struct kc_secret pair = KC_SECRET_INIT;
    KC_AUTO_SECRET struct kc_secret value = KC_SECRET_INIT;
    enum kc_status status = form_encode(&pair, client->client_id, strlen(client->client_id));
    if (status == KC_OK)
        status = kc_secret_append(&pair, ":", 1);
    if (status == KC_OK)
        status = form_encode(&pair, client->secret.bytes, client->secret.length);
    size_t length = kc_base64_encoded_length(pair.length);
    if (status == KC_OK)
        status = kc_secret_reserve(&value, sizeof(scheme) + length);
    if (status == KC_OK)
        status = kc_secret_append(&value, scheme, sizeof(scheme) - 1);
    if (status == KC_OK)
        status = kc_base64_encode(
            pair.bytes, pair.length, (char *)value.bytes + value.length, length + 1);
    if (status != KC_OK)
        return status;
    value.length += length;
    kc_secret_wipe(ret_value);
    *ret_value = kc_secret_take(&value);
    return KC_OK;
}

static bool put_text(struct json_object *claims, const char *name, const char *text)
{
    struct json_object *value = json_object_new_string(text);
    return value && json_object_object_add(claims, name, value) == 0;
}

static bool put_time(struct json_object *claims, const char *name, int64_t seconds)
{
    struct json_object *value = json_object_new_int64(seconds);
    return value && json_object_object_add(claims, name, value) == 0;
}

/* RFC 7523 section 3. One audience, and iat with exp: Keycloak 26.2 and later insist on both. */
static enum kc_status make_claims(const struct client_auth *client, const char *issuer, int64_t now,
    struct json_object **ret_claims)
{
    KC_AUTO_SECRET struct kc_secret random = KC_SECRET_INIT;
    char jti[JTI_BYTES * 2];
    enum kc_status status = kc_secret_random(&random, JTI_BYTES);
    if (status == KC_OK)
        status = kc_base64url_encode(random.bytes, random.length, jti, sizeof(jti));
    if (status != KC_OK)
        return status;
    JOSE_AUTO_JSON struct json_object *claims = json_object_new_object();
    if (!claims || !put_text(claims, "iss", client->client_id) ||
        !put_text(claims, "sub", client->client_id) || !put_text(claims, "aud", issuer) ||
        !put_text(claims, "jti", jti) || !put_time(claims, "iat", now) ||
        !put_time(claims, "exp", now + ASSERTION_SECONDS))
        return KC_NO_MEMORY;
    *ret_claims = KC_TAKE(claims);
    return KC_OK;
}

static enum kc_status add_assertion(
    const struct client_auth *client, const char *issuer, int64_t now, struct kc_secret *form)
{
    JOSE_AUTO_JSON struct json_object *claims = NULL;
    KC_AUTO_SECRET struct kc_secret assertion = KC_SECRET_INIT;
    enum kc_status status = make_claims(client, issuer, now, &claims);
    if (status == KC_OK && client->method == CLIENT_AUTH_SECRET_JWT)
        status = jose_jws_sign_secret(&client->secret, "HS256", claims, &assertion);
    else if (status == KC_OK)
        status = jose_jws_sign(client->key, client->alg, NULL, claims, &assertion);
    if (status == KC_OK)
        status = form_add_text(form, "client_assertion_type", ASSERTION_TYPE);
    if (status == KC_OK)
        status = form_add(form, "client_assertion", assertion.bytes, assertion.length);
    return status;
}

enum kc_status client_auth_apply(const struct client_auth *client, const char *issuer, int64_t now,
    struct kc_secret *form, struct kc_secret *ret_authorization)
{
    enum kc_status status;
    switch (client->method) {
    case CLIENT_AUTH_BASIC:
        return basic(client, ret_authorization);
    case CLIENT_AUTH_SECRET_JWT:
    case CLIENT_AUTH_KEY_JWT:
        return add_assertion(client, issuer, now, form);
    case CLIENT_AUTH_POST:
        status = form_add_text(form, "client_id", client->client_id);
        if (status == KC_OK)
            status = form_add(form, "client_secret", client->secret.bytes, client->secret.length);
        return status;
    case CLIENT_AUTH_NONE:
    case CLIENT_AUTH_MTLS:
        return form_add_text(form, "client_id", client->client_id);
    }
    return KC_CONFIG_INVALID;
}
