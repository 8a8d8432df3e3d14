/*
 * The public half of a key as a JWK.
 * Used by the demo realm for its JWKS, by registration, by tests.
 * Must never write a private member: only public parameters are asked for.
 */
#include "jose/jwk.h"

#include "common/base64.h"
#include "jose/json.h"
#include "jose/limits.h"
#include "jose/ossl.h"

#include <openssl/core_names.h>
#include <string.h>

static enum kc_status add_octets(
    struct json_object *object, const char *name, const uint8_t *bytes, size_t length)
{
    char text[JOSE_RSA_BITS_MAX / 8 / 3 * 4 + 8];
    enum kc_status status = kc_base64url_encode(bytes, length, text, sizeof text);
    return status == KC_OK ? jose_json_add_text(object, name, text) : status;
}

/* A number of the key, in `width` bytes or, where that is 0, in as few as it takes. */
static enum kc_status add_number(struct json_object *object, const char *name, const EVP_PKEY *key,
    const char *parameter, size_t width)
{
    uint8_t bytes[JOSE_RSA_BITS_MAX / 8];
    OSSL_AUTO_BN BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param(key, parameter, &number) != 1)
        return ossl_failed(KC_TOKEN_KEY_UNFIT);
    size_t length = width ? width : (size_t)BN_num_bytes(number);
    if (length > sizeof bytes || BN_bn2binpad(number, bytes, (int)length) < 0)
        return ossl_failed(KC_TOKEN_KEY_UNFIT);
    return add_octets(object, name, bytes, length);
}

static enum kc_status export_rsa(struct json_object *object, const EVP_PKEY *key)
{
    enum kc_status status = jose_json_add_text(object, "kty", "RSA");
    if (status == KC_OK)
        status = add_number(object, "n", key, OSSL_PKEY_PARAM_RSA_N, 0);
    return status == KC_OK ? add_number(object, "e", key, OSSL_PKEY_PARAM_RSA_E, 0) : status;
}

static enum kc_status export_ec(struct json_object *object, const EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);
    const char *curve = bits == 256 ? "P-256" : bits == 384 ? "P-384" : "P-521";
    size_t field = bits == 256 ? 32 : bits == 384 ? 48 : 66;
    enum kc_status status = jose_json_add_text(object, "kty", "EC");
    if (status == KC_OK)
        status = jose_json_add_text(object, "crv", curve);
    if (status == KC_OK)
        status = add_number(object, "x", key, OSSL_PKEY_PARAM_EC_PUB_X, field);
    return status == KC_OK ? add_number(object, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y, field) : status;
}

static enum kc_status export_okp(struct json_object *object, const EVP_PKEY *key)
{
    uint8_t bytes[57];
    size_t length = sizeof bytes;
    if (EVP_PKEY_get_raw_public_key(key, bytes, &length) != 1)
        return ossl_failed(KC_TOKEN_KEY_UNFIT);
    enum kc_status status = jose_json_add_text(object, "kty", "OKP");
    if (status == KC_OK)
        status =
            jose_json_add_text(object, "crv", EVP_PKEY_is_a(key, "ED448") ? "Ed448" : "Ed25519");
    return status == KC_OK ? add_octets(object, "x", bytes, length) : status;
}

static enum kc_status export_key(struct json_object *object, const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "RSA"))
        return export_rsa(object, key);
    if (EVP_PKEY_is_a(key, "EC"))
        return export_ec(object, key);
    if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
        return export_okp(object, key);
    return KC_TOKEN_KEY_UNFIT;
}

enum kc_status jose_jwk_export(
    const EVP_PKEY *key, const char *kid, const char *alg, struct json_object **ret_object)
{
    JOSE_AUTO_JSON struct json_object *object = json_object_new_object();
    if (!object)
        return KC_NO_MEMORY;
    enum kc_status status = kid ? jose_json_add_text(object, "kid", kid) : KC_OK;
    if (status == KC_OK && alg)
        status = jose_json_add_text(object, "alg", alg);
    if (status == KC_OK)
        status = jose_json_add_text(object, "use", "sig");
    if (status == KC_OK)
        status = export_key(object, key);
    if (status != KC_OK)
        return status;
    /* Whatever this key is, it is offered only if it would be taken. */
    KC_CLEANUP(jose_jwk_clear) struct jose_jwk taken = {NULL, NULL, NULL, 0, NULL};
    status = jose_jwk_read(object, &taken);
    if (status == KC_OK)
        *ret_object = KC_TAKE(object);
    return status;
}
