/*
 * One signature against one key: RSA, ECDSA, EdDSA.
 * Used by jws.c.
 * Must never take a result other than 1 for success, nor a second spelling of a signature.
 */
#include "jose/verify.h"

#include "jose/ossl.h"

#include <openssl/rsa.h>
#include <openssl/core_names.h>

#define ECDSA_DER_BYTES 160 /* two integers of 67 bytes and their headers */

static enum kc_status run(const struct jose_jwk *jwk, const struct jose_alg *alg,
    const void *message, size_t length, const uint8_t *signature, size_t signature_length)
{
    OSSL_AUTO_DIGEST EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL; /* the context's own */
    if (!context)
        return ossl_failed(KC_NO_MEMORY);
    if (EVP_DigestVerifyInit_ex(context, &options, alg->digest, NULL, NULL, jwk->key, NULL) != 1)
        return ossl_failed(KC_SYSTEM);
    /* RFC 7518 section 3.5: MGF1 takes the signature's hash unless it is told otherwise. */
    if (alg->family == JOSE_RSA_PSS &&
        (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
            EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1))
        return ossl_failed(KC_SYSTEM);
    int result = EVP_DigestVerify(context, signature, signature_length, message, length);
    return result == 1 ? KC_OK : ossl_failed(KC_TOKEN_BAD_SIGNATURE);
}

/* Whether 1 <= number < order. */
static bool in_range(const BIGNUM *number, const BIGNUM *order)
{
    return !BN_is_zero(number) && !BN_is_negative(number) && BN_cmp(number, order) < 0;
}

/* The curve's order; the caller's. */
static BIGNUM *order_of(const EVP_PKEY *key)
{
    BIGNUM *order = NULL;
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_ORDER, &order) != 1)
        return NULL;
    return order;
}

/* r and s as OpenSSL wants them: a DER sequence of two integers. */
static enum kc_status to_der(const struct jose_jwk *jwk, const uint8_t *signature, size_t half,
    uint8_t *der, size_t *ret_length)
{
    OSSL_AUTO_BN BIGNUM *order = order_of(jwk->key);
    OSSL_AUTO_BN BIGNUM *r = BN_bin2bn(signature, (int)half, NULL);
    OSSL_AUTO_BN BIGNUM *s = BN_bin2bn(signature + half, (int)half, NULL);
    OSSL_AUTO_ECDSA ECDSA_SIG *pair = ECDSA_SIG_new();
    if (!order || !r || !s || !pair)
        return ossl_failed(KC_NO_MEMORY);
    if (!in_range(r, order) || !in_range(s, order))
        return KC_TOKEN_BAD_SIGNATURE;
    if (ECDSA_SIG_set0(pair, r, s) != 1)
        return ossl_failed(KC_NO_MEMORY);
    (void)KC_TAKE(r);
    (void)KC_TAKE(s);
    int needed = i2d_ECDSA_SIG(pair, NULL);
    if (needed <= 0 || needed > ECDSA_DER_BYTES)
        return ossl_failed(KC_TOKEN_BAD_SIGNATURE);
    if (i2d_ECDSA_SIG(pair, &der) != needed)
        return ossl_failed(KC_NO_MEMORY);
    *ret_length = (size_t)needed;
    return KC_OK;
}

static enum kc_status verify_ecdsa(const struct jose_jwk *jwk, const struct jose_alg *alg,
    const void *message, size_t length, const uint8_t *signature, size_t signature_length)
{
    uint8_t der[ECDSA_DER_BYTES];
    size_t der_length = 0;
    if (signature_length != 2 * alg->half)
        return KC_TOKEN_BAD_SIGNATURE;
    enum kc_status status = to_der(jwk, signature, alg->half, der, &der_length);
    return status == KC_OK ? run(jwk, alg, message, length, der, der_length) : status;
}

enum kc_status jose_verify(const struct jose_jwk *jwk, const struct jose_alg *alg,
    const void *message, size_t length, const uint8_t *signature, size_t signature_length)
{
    if (!jose_jwk_fits(jwk, alg))
        return KC_TOKEN_KEY_UNFIT;
    if (alg->family == JOSE_ECDSA)
        return verify_ecdsa(jwk, alg, message, length, signature, signature_length);
    if (jwk->bits && signature_length != (jwk->bits + 7) / 8)
        return KC_TOKEN_BAD_SIGNATURE;
    return run(jwk, alg, message, length, signature, signature_length);
}
