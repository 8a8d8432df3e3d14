/*
 * Public keys as JWK (RFC 7517): written for the realm's own, read for those of clients.
 * Used by keys and assertion.
 * Never writes a private member.
 */
#include "realm/jwk.h"

#include "realm/text.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

char *realm_jwk_kid(EVP_PKEY *pair)
{
    unsigned char *der = NULL, digest[SHA256_DIGEST_LENGTH];
    int length = i2d_PUBKEY(pair, &der);
    SHA256(der, length > 0 ? (size_t)length : 0, digest);
    OPENSSL_free(der);
    return realm_text_base64url(digest, sizeof(digest));
}

/* A number of the key, in as many bytes as it has or, where size is not 0, in `size`. */
static void put_number(
    struct json_object *jwk, const char *member, EVP_PKEY *pair, const char *parameter, size_t size)
{
    BIGNUM *number = NULL;
    uint8_t bytes[1024];
    if (EVP_PKEY_get_bn_param(pair, parameter, &number) == 1) {
        int length = size ? (int)size : BN_num_bytes(number);
        if (length <= (int)sizeof(bytes) && BN_bn2binpad(number, bytes, length) == length) {
            char *text = realm_text_base64url(bytes, (size_t)length);
            realm_json_put_text(jwk, member, text);
            free(text);
        }
    }
    BN_free(number);
}

static X509 *self_signed(EVP_PKEY *pair, const char *name)
{
    X509 *certificate = X509_new();
    if (certificate == NULL)
        return NULL;
    X509_NAME *subject = X509_get_subject_name(certificate);
    if (ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) != 1 ||
        X509_gmtime_adj(X509_getm_notBefore(certificate), -100) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(certificate), 315360000L) == NULL ||
        X509_NAME_add_entry_by_txt(
            subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) != 1 ||
        X509_set_issuer_name(certificate, subject) != 1 ||
        X509_set_pubkey(certificate, pair) != 1 ||
        X509_sign(certificate, pair, EVP_sha256()) == 0) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

static void put_certificate(struct json_object *jwk, EVP_PKEY *pair, const char *name)
{
    X509 *certificate = self_signed(pair, name);
    unsigned char *der = NULL, digest[SHA256_DIGEST_LENGTH];
    int length = certificate ? i2d_X509(certificate, &der) : 0;
    if (length > 0) {
        char *text = realm_text_base64(der, (size_t)length);
        struct json_object *chain = json_object_new_array();
        json_object_array_add(chain, json_object_new_string(text));
        json_object_object_add(jwk, "x5c", chain);
        free(text);
        SHA1(der, (size_t)length, digest);
        text = realm_text_base64url(digest, SHA_DIGEST_LENGTH);
        realm_json_put_text(jwk, "x5t", text);
        free(text);
        SHA256(der, (size_t)length, digest);
        text = realm_text_base64url(digest, SHA256_DIGEST_LENGTH);
        realm_json_put_text(jwk, "x5t#S256", text);
        free(text);
    }
    OPENSSL_free(der);
    X509_free(certificate);
}

static void put_ec(struct json_object *jwk, EVP_PKEY *pair)
{
    int bits = EVP_PKEY_get_bits(pair);
    size_t size = (size_t)(bits + 7) / 8;
    realm_json_put_text(jwk, "crv", bits > 400 ? "P-521" : bits > 300 ? "P-384" : "P-256");
    put_number(jwk, "x", pair, OSSL_PKEY_PARAM_EC_PUB_X, size);
    put_number(jwk, "y", pair, OSSL_PKEY_PARAM_EC_PUB_Y, size);
}

static void put_okp(struct json_object *jwk, EVP_PKEY *pair)
{
    uint8_t bytes[64];
    size_t length = sizeof(bytes);
    realm_json_put_text(jwk, "crv", EVP_PKEY_is_a(pair, "ED448") ? "Ed448" : "Ed25519");
    if (EVP_PKEY_get_raw_public_key(pair, bytes, &length) == 1) {
        char *text = realm_text_base64url(bytes, length);
        realm_json_put_text(jwk, "x", text);
        free(text);
    }
}

struct json_object *realm_jwk_public(
    EVP_PKEY *pair, const char *kid, const char *alg, const char *use, const char *realm_name)
{
    struct json_object *jwk = json_object_new_object();
    bool rsa = EVP_PKEY_is_a(pair, "RSA"), ec = EVP_PKEY_is_a(pair, "EC");
    realm_json_put_text(jwk, "kid", kid);
    realm_json_put_text(jwk, "kty", rsa ? "RSA" : ec ? "EC" : "OKP");
    realm_json_put_text(jwk, "alg", alg);
    realm_json_put_text(jwk, "use", use);
    if (rsa) {
        put_certificate(jwk, pair, realm_name);
        put_number(jwk, "n", pair, OSSL_PKEY_PARAM_RSA_N, 0);
        put_number(jwk, "e", pair, OSSL_PKEY_PARAM_RSA_E, 0);
    } else if (ec) {
        put_ec(jwk, pair);
    } else {
        put_okp(jwk, pair);
    }
    return jwk;
}

static bool member_bytes(
    struct json_object *jwk, const char *name, uint8_t **ret_bytes, size_t *ret_length)
{
    const char *text = realm_json_text(jwk, name, NULL);
    return text != NULL && realm_text_decode(text, strlen(text), ret_bytes, ret_length);
}

static EVP_PKEY *from_parameters(const char *type, OSSL_PARAM_BLD *builder)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (parameters == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return key;
}

static EVP_PKEY *read_rsa(const uint8_t *n, size_t n_length, const uint8_t *e, size_t e_length)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn(n, (int)n_length, NULL),
           *exponent = BN_bin2bn(e, (int)e_length, NULL);
    EVP_PKEY *key = NULL;
    if (OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        key = from_parameters("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

static EVP_PKEY *read_ec(const uint8_t *x, size_t x_length, const uint8_t *y, size_t y_length)
{
    uint8_t point[65] = {4};
    if (x_length != 32 || y_length != 32)
        return NULL;
    memcpy(point + 1, x, 32);
    memcpy(point + 33, y, 32);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) ==
            1)
        key = from_parameters("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

EVP_PKEY *realm_jwk_read(struct json_object *jwk)
{
    const char *type = realm_json_text(jwk, "kty", "");
    bool rsa = realm_text_same(type, "RSA"), okp = realm_text_same(type, "OKP");
    uint8_t *first = NULL, *second = NULL;
    size_t first_length = 0, second_length = 0;
    EVP_PKEY *key = NULL;
    if (member_bytes(jwk, rsa ? "n" : "x", &first, &first_length) &&
        (okp || member_bytes(jwk, rsa ? "e" : "y", &second, &second_length))) {
        if (rsa)
            key = read_rsa(first, first_length, second, second_length);
        else if (okp)
            key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, first, first_length);
        else if (realm_text_same(realm_json_text(jwk, "crv", ""), "P-256"))
            key = read_ec(first, first_length, second, second_length);
    }
    free(first);
    free(second);
    return key;
}
