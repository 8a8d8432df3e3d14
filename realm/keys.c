/*
 * The realm's own keys: made at start, published as a JWKS, rotated on demand.
 * Used by token, discovery and control. Signing here shares no code with the verifier that kclogin
 * itself uses, so that one mistake cannot hide the other.
 */
#include "realm/keys.h"

#include "common/cleanup.h"
#include "realm/jwk.h"
#include "realm/signature.h"
#include "realm/text.h"

#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

struct key {
    const char *alg, *use;
    char *kid;
    EVP_PKEY *pair; /* NULL for a secret */
    uint8_t secret[128];
    size_t secret_length;
    int64_t priority;
    bool active;
};

struct realm_keys {
    struct key **list; /* by priority, highest first */
    size_t count;
    EVP_PKEY *foreign_rsa, *foreign_ec, *foreign_ed;
};

static void free_key(struct key *key)
{
    EVP_PKEY_free(key->pair);
    free(key->kid);
    free(key);
}

static void insert(struct realm_keys *keys, struct key *key)
{
    keys->list = realm_text_grow(keys->list, keys->count + 1, sizeof(struct key *));
    size_t at = keys->count++;
    while (at > 0 && keys->list[at - 1]->priority < key->priority) {
        keys->list[at] = keys->list[at - 1];
        at--;
    }
    keys->list[at] = key;
}

static enum kc_status add_pair(
    struct realm_keys *keys, const char *alg, int64_t priority, bool active)
{
    EVP_PKEY *pair = realm_signature_pair(alg);
    if (pair == NULL)
        return KC_SYSTEM;
    struct key *key = realm_text_room(1, sizeof(*key));
    key->alg = realm_signature_name(alg);
    key->use = strncmp(alg, "RSA-OAEP", 8) == 0 ? "enc" : "sig";
    key->pair = pair;
    key->kid = realm_jwk_kid(pair);
    key->priority = priority;
    key->active = active;
    insert(keys, key);
    return KC_OK;
}

static enum kc_status add_secret(
    struct realm_keys *keys, const char *alg, size_t length, int64_t priority)
{
    struct key *key = realm_text_room(1, sizeof(*key));
    key->alg = realm_signature_name(alg);
    key->use = "sig";
    key->secret_length = length > sizeof(key->secret) ? sizeof(key->secret) : length;
    key->priority = priority;
    key->active = true;
    key->kid = realm_text_room(37, 1);
    realm_text_uuid(key->kid);
    if (RAND_bytes(key->secret, (int)key->secret_length) != 1) {
        free_key(key);
        return KC_SYSTEM;
    }
    insert(keys, key);
    return KC_OK;
}

/* The first value of a component's setting; Keycloak keeps each as a list. */
static const char *setting(struct json_object *config, const char *name, const char *otherwise)
{
    struct json_object *list = realm_json_member(config, name);
    return realm_json_length(list) > 0 ? json_object_get_string(json_object_array_get_idx(list, 0))
                                       : otherwise;
}

static enum kc_status add_component(struct realm_keys *keys, struct json_object *component)
{
    const char *provider = realm_json_text(component, "providerId", "");
    struct json_object *config = realm_json_member(component, "config");
    int64_t priority = strtoll(setting(config, "priority", "0"), NULL, 10);
    bool active = realm_text_same(setting(config, "active", "true"), "true");
    if (!realm_text_same(setting(config, "enabled", "true"), "true"))
        return KC_OK;
    if (realm_text_same(provider, "rsa-generated"))
        return add_pair(keys, setting(config, "algorithm", "RS256"), priority, active);
    if (realm_text_same(provider, "rsa-enc-generated"))
        return add_pair(keys, "RSA-OAEP", priority, active);
    if (realm_text_same(provider, "ecdsa-generated"))
        return add_pair(keys,
            realm_signature_of_curve(setting(config, "ecdsaEllipticCurveKey", "P-256")), priority,
            active);
    if (realm_text_same(provider, "eddsa-generated"))
        return add_pair(
            keys, setting(config, "eddsaEllipticCurveKey", "Ed25519"), priority, active);
    if (realm_text_same(provider, "hmac-generated"))
        return add_secret(keys, setting(config, "algorithm", "HS512"),
            (size_t)strtoul(setting(config, "secretSize", "64"), NULL, 10), priority);
    return KC_OK;
}

static const struct key *active_key(const struct realm_keys *keys, const char *alg)
{
    for (size_t i = 0; i < keys->count; i++)
        if (keys->list[i]->active && realm_text_same(keys->list[i]->alg, alg))
            return keys->list[i];
    return NULL;
}

/* What a realm needs to work at all, where the file does not bring it. */
static enum kc_status add_missing(struct realm_keys *keys)
{
    enum kc_status status = KC_OK;
    if (active_key(keys, "RS256") == NULL)
        status = add_pair(keys, "RS256", 100, true);
    if (status == KC_OK && active_key(keys, "HS512") == NULL)
        status = add_secret(keys, "HS512", 128, 100);
    return status;
}

enum kc_status realm_keys_make(struct realm *realm)
{
    struct realm_keys *keys = realm_text_room(1, sizeof(*keys));
    enum kc_status status = KC_OK;
    struct json_object *list = realm_json_member(
        realm_json_member(realm->file, "components"), "org.keycloak.keys.KeyProvider");
    for (size_t i = 0; status == KC_OK && i < realm_json_length(list); i++)
        status = add_component(keys, json_object_array_get_idx(list, i));
    if (status == KC_OK)
        status = add_missing(keys);
    if (status != KC_OK) {
        realm_keys_free(keys);
        return status;
    }
    realm->keys = keys;
    return KC_OK;
}

void realm_keys_free(struct realm_keys *keys)
{
    if (keys == NULL)
        return;
    for (size_t i = 0; i < keys->count; i++)
        free_key(keys->list[i]);
    EVP_PKEY_free(keys->foreign_rsa);
    EVP_PKEY_free(keys->foreign_ec);
    EVP_PKEY_free(keys->foreign_ed);
    free(keys->list);
    free(keys);
}

struct json_object *realm_keys_published(const struct realm *realm)
{
    struct json_object *set = json_object_new_object(), *list = json_object_new_array();
    json_object_object_add(set, "keys", list);
    for (size_t i = 0; i < realm->keys->count; i++) {
        const struct key *key = realm->keys->list[i];
        if (key->pair != NULL)
            json_object_array_add(
                list, realm_jwk_public(key->pair, key->kid, key->alg, key->use, realm->name));
    }
    return set;
}

char *realm_keys_public(const struct realm *realm)
{
    const struct key *key = active_key(realm->keys, "RS256");
    unsigned char *der = NULL;
    int length = key ? i2d_PUBKEY(key->pair, &der) : 0;
    char *text = length > 0 ? realm_text_base64(der, (size_t)length) : realm_text_copy("");
    OPENSSL_free(der);
    return text;
}

/* A key of the same kind that nobody publishes; made when first asked for. */
static EVP_PKEY *foreign_pair(struct realm_keys *keys, const char *alg)
{
    EVP_PKEY **slot = alg[0] == 'E' && alg[1] == 'd' ? &keys->foreign_ed
                      : alg[0] == 'E'                ? &keys->foreign_ec
                                                     : &keys->foreign_rsa;
    if (*slot == NULL)
        *slot = realm_signature_pair(alg);
    return *slot;
}

char *realm_keys_sign(
    struct realm *realm, const char *alg, const char *type, const char *payload, bool foreign)
{
    const struct key *key = active_key(realm->keys, alg);
    if (key == NULL && realm_signature_name(alg) != NULL && strncmp(alg, "HS", 2) != 0 &&
        add_pair(realm->keys, alg, -100, true) == KC_OK)
        key = active_key(realm->keys, alg);
    if (key == NULL)
        return NULL;
    /* the blanks are Keycloak's own */
    char *header = realm_text_format(
        "{\"alg\":\"%s\",\"typ\" : \"%s\",\"kid\" : \"%s\"}", alg, type, key->kid);
    char *head = realm_text_base64url(header, strlen(header));
    char *body = realm_text_base64url(payload, strlen(payload));
    char *input = realm_text_format("%s.%s", head, body);
    char *signature =
        key->pair
            ? realm_signature_make(foreign ? foreign_pair(realm->keys, alg) : key->pair, alg, input)
            : realm_signature_mac(key->secret, key->secret_length - foreign, alg, input);
    char *token = signature ? realm_text_format("%s.%s", input, signature) : NULL;
    free(header);
    free(head);
    free(body);
    free(input);
    free(signature);
    return token;
}

static struct json_object *decoded(const char *text, size_t length)
{
    uint8_t *plain KC_AUTO_FREE = NULL;
    size_t size = 0;
    return realm_text_decode(text, length, &plain, &size) ? json_tokener_parse((const char *)plain)
                                                          : NULL;
}

static bool signed_by(const struct key *key, const char *token, const char *last)
{
    char *input KC_AUTO_FREE = realm_text_format("%.*s", (int)(last - token), token);
    if (key->pair == NULL) {
        char *right KC_AUTO_FREE =
            realm_signature_mac(key->secret, key->secret_length, key->alg, input);
        return realm_text_same(right, last + 1);
    }
    uint8_t *signature KC_AUTO_FREE = NULL;
    size_t length = 0;
    return realm_text_decode(last + 1, strlen(last + 1), &signature, &length) &&
           realm_signature_check(key->pair, key->alg, input, strlen(input), signature, length);
}

bool realm_keys_own(const struct realm *realm, const char *token, struct json_object **ret_payload)
{
    const char *first = strchr(token, '.'), *last = strrchr(token, '.');
    if (first == NULL || first == last)
        return false;
    struct json_object *header REALM_AUTO_JSON = decoded(token, (size_t)(first - token));
    const char *kid = realm_json_text(header, "kid", NULL);
    for (size_t i = 0; i < realm->keys->count; i++) {
        if (!realm_text_same(realm->keys->list[i]->kid, kid) ||
            !signed_by(realm->keys->list[i], token, last))
            continue;
        *ret_payload = decoded(first + 1, (size_t)(last - first - 1));
        return *ret_payload != NULL;
    }
    return false;
}

enum kc_status realm_keys_rotate(struct realm *realm, const char *alg, bool keep_old)
{
    struct realm_keys *keys = realm->keys;
    if (realm_signature_name(alg) == NULL || strncmp(alg, "HS", 2) == 0)
        return KC_MALFORMED;
    int64_t top = keys->count > 0 ? keys->list[0]->priority : 0;
    const char *name = realm_signature_name(alg);
    for (size_t i = 0; i < keys->count;) {
        struct key *key = keys->list[i];
        if (!realm_text_same(key->alg, name) || key->pair == NULL) {
            i++;
            continue;
        }
        key->active = false;
        if (keep_old) {
            i++;
            continue;
        }
        free_key(key);
        memmove(keys->list + i, keys->list + i + 1, (--keys->count - i) * sizeof(*keys->list));
    }
    return add_pair(keys, alg, top + 1, true);
}
