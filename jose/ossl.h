/*
 * OpenSSL's objects with clean-up attributes, and its errors as status codes.
 * Used inside jose/ only.
 * OpenSSL's error queue is always left empty: nobody else's call may trip over our failure.
 */
#ifndef JOSE_OSSL_H
#define JOSE_OSSL_H

#include "common/cleanup.h"
#include "common/status.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

static inline void ossl_bn_free(BIGNUM **number)
{
    BN_clear_free(*number);
}

static inline void ossl_builder_free(OSSL_PARAM_BLD **builder)
{
    OSSL_PARAM_BLD_free(*builder);
}

static inline void ossl_params_free(OSSL_PARAM **params)
{
    OSSL_PARAM_free(*params);
}

static inline void ossl_digest_free(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

static inline void ossl_context_free(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static inline void ossl_ecdsa_free(ECDSA_SIG **signature)
{
    ECDSA_SIG_free(*signature);
}

static inline void ossl_key_free(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

#define OSSL_AUTO_BN KC_CLEANUP(ossl_bn_free)
#define OSSL_AUTO_BUILDER KC_CLEANUP(ossl_builder_free)
#define OSSL_AUTO_PARAMS KC_CLEANUP(ossl_params_free)
#define OSSL_AUTO_DIGEST KC_CLEANUP(ossl_digest_free)
#define OSSL_AUTO_CONTEXT KC_CLEANUP(ossl_context_free)
#define OSSL_AUTO_ECDSA KC_CLEANUP(ossl_ecdsa_free)
#define OSSL_AUTO_KEY KC_CLEANUP(ossl_key_free)

/* Empties the error queue: KC_NO_MEMORY where it says that memory was short, else `status`. */
enum kc_status ossl_failed(enum kc_status status);

/* A public key of that type from the builder's parameters. KC_TOKEN_KEY_UNFIT, KC_NO_MEMORY. */
enum kc_status ossl_key_build(const char *type, OSSL_PARAM_BLD *builder, EVP_PKEY **ret_key);

/* Whether an EC key's point is on its curve. KC_TOKEN_KEY_UNFIT, KC_NO_MEMORY. */
enum kc_status ossl_point_check(EVP_PKEY *key);

#endif
