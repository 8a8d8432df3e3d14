/*
 * Signatures of RFC 7518, made and checked on OpenSSL's EVP.
 * Used by keys (the realm's own tokens) and assertion (what clients sign).
 * Knows no token, no claim and no key id.
 */
#include "realm/signature.h"

#include "realm/text.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

struct algorithm {
    const char *name, *alias;
    const char *curve;  /* for EC and OKP pairs */
    const char *digest; /* NULL: the key's own */
    size_t half;        /* bytes of r and of s */
    bool pss;
};

static const struct algorithm algorithms[] = {
    {"RS256", NULL, NULL, "SHA256", 0, false},
    {"RS384", NULL, NULL, "SHA384", 0, false},
    {"RS512", NULL, NULL, "SHA512", 0, false},
    {"PS256", NULL, NULL, "SHA256", 0, true},
    {"PS384", NULL, NULL, "SHA384", 0, true},
    {"PS512", NULL, NULL, "SHA512", 0, true},
    {"ES256", NULL, "P-256", "SHA256", 32, false},
    {"ES384", NULL, "P-384", "SHA384", 48, false},
    {"ES512", NULL, "P-521", "SHA512", 66, false},
    {"EdDSA", "Ed25519", "ED25519", NULL, 0, false},
    {"EdDSA", "Ed448", "ED448", NULL, 0, false},
    {"RSA-OAEP", NULL, NULL, NULL, 0, false},
    {"HS256", NULL, NULL, "SHA256", 0, false},
    {"HS384", NULL, NULL, "SHA384", 0, false},
    {"HS512", NULL, NULL, "SHA512", 0, false},
};

static const struct algorithm *find(const char *alg)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++)
        if (realm_text_same(algorithms[i].name, alg) || realm_text_same(algorithms[i].alias, alg))
            return &algorithms[i];
    return NULL;
}

const char *realm_signature_name(const char *alg)
{
    const struct algorithm *algorithm = find(alg);
    return algorithm ? algorithm->name : NULL;
}

const char *realm_signature_of_curve(const char *curve)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++)
        if (realm_text_same(algorithms[i].curve, curve))
            return algorithms[i].name;
    return "ES256";
}

EVP_PKEY *realm_signature_pair(const char *alg)
{
    const struct algorithm *algorithm = find(alg);
    if (algorithm == NULL)
        return NULL;
    if (algorithm->half > 0)
        return EVP_EC_gen(algorithm->curve);
    if (algorithm->curve != NULL)
        return EVP_PKEY_Q_keygen(NULL, NULL, algorithm->curve);
    return EVP_RSA_gen(2048);
}

static bool set_padding(EVP_PKEY_CTX *context, const struct algorithm *algorithm)
{
    return !algorithm->pss ||
           (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0);
}

/* RFC 7518 3.4: r and s, each of the curve's full size, instead of DER. */
static bool der_to_raw(const uint8_t *der, size_t length, size_t half, uint8_t *ret_raw)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)length);
    bool good = pair != NULL &&
                BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret_raw, (int)half) == (int)half &&
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), ret_raw + half, (int)half) == (int)half;
    ECDSA_SIG_free(pair);
    return good;
}

char *realm_signature_make(EVP_PKEY *pair, const char *alg, const char *input)
{
    const struct algorithm *algorithm = find(alg);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_context = NULL;
    uint8_t bytes[1024], raw[132];
    size_t length = sizeof(bytes);
    char *text = NULL;
    if (algorithm != NULL && context != NULL && pair != NULL &&
        EVP_DigestSignInit_ex(context, &key_context, algorithm->digest, NULL, NULL, pair, NULL) ==
            1 &&
        set_padding(key_context, algorithm) &&
        EVP_DigestSign(context, bytes, &length, (const uint8_t *)input, strlen(input)) == 1) {
        if (algorithm->half == 0)
            text = realm_text_base64url(bytes, length);
        else if (der_to_raw(bytes, length, algorithm->half, raw))
            text = realm_text_base64url(raw, 2 * algorithm->half);
    }
    EVP_MD_CTX_free(context);
    return text;
}

char *realm_signature_mac(const uint8_t *secret, size_t length, const char *alg, const char *input)
{
    const struct algorithm *algorithm = find(alg);
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (algorithm == NULL || strncmp(alg, "HS", 2) != 0 ||
        HMAC(EVP_get_digestbyname(algorithm->digest), secret, (int)length, (const uint8_t *)input,
            strlen(input), mac, &size) == NULL)
        return NULL;
    return realm_text_base64url(mac, size);
}

static uint8_t *raw_to_der(const uint8_t *raw, size_t half, size_t *ret_length)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, (int)half, NULL), *s = BN_bin2bn(raw + half, (int)half, NULL);
    uint8_t *der = NULL;
    int length = 0;
    if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
        length = i2d_ECDSA_SIG(pair, &der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(pair);
    *ret_length = length > 0 ? (size_t)length : 0;
    return length > 0 ? der : NULL;
}

bool realm_signature_check(EVP_PKEY *pair, const char *alg, const char *input, size_t input_length,
    const uint8_t *signature, size_t length)
{
    const struct algorithm *algorithm = find(alg);
    if (algorithm == NULL || (algorithm->half > 0 && length != 2 * algorithm->half))
        return false;
    uint8_t *der = NULL;
    if (algorithm->half > 0) {
        der = raw_to_der(signature, algorithm->half, &length);
        if (der == NULL)
            return false;
        signature = der;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_context = NULL;
    bool good =
        context != NULL &&
        EVP_DigestVerifyInit_ex(context, &key_context, algorithm->digest, NULL, NULL, pair, NULL) ==
            1 &&
        set_padding(key_context, algorithm) &&
        EVP_DigestVerify(context, signature, length, (const uint8_t *)input, input_length) == 1;
    EVP_MD_CTX_free(context);
    OPENSSL_free(der);
    return good;
}
