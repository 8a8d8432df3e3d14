/*
 * What the files of jose/ share about OpenSSL.
 * Used by jwk.c, jwk_export.c, sign.c and verify.c.
 * Must never leave an entry in OpenSSL's error queue.
 */
#include "jose/ossl.h"

#include <openssl/err.h>

enum kc_status ossl_failed(enum kc_status status)
{
    unsigned long code;
    while ((code = ERR_get_error()) != 0)
        if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
            status = KC_NO_MEMORY;
    return status;
}

enum kc_status ossl_key_build(const char *type, OSSL_PARAM_BLD *builder, EVP_PKEY **ret_key)
{
    OSSL_AUTO_PARAMS OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    OSSL_AUTO_CONTEXT EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_AUTO_KEY EVP_PKEY *key = NULL;
    if (!params || !maker)
        return ossl_failed(KC_NO_MEMORY);
    if (EVP_PKEY_fromdata_init(maker) != 1 ||
        EVP_PKEY_fromdata(maker, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return ossl_failed(KC_TOKEN_KEY_UNFIT);
    *ret_key = KC_TAKE(key);
    return KC_OK;
}

enum kc_status ossl_point_check(EVP_PKEY *key)
{
    OSSL_AUTO_CONTEXT EVP_PKEY_CTX *checker = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (!checker)
        return ossl_failed(KC_NO_MEMORY);
    return EVP_PKEY_public_check_quick(checker) == 1 ? KC_OK : ossl_failed(KC_TOKEN_KEY_UNFIT);
}
