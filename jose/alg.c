/*
 * The table of signature algorithms.
 * Used by jwk.c, jws.c and sign.c.
 * Must never hold a row for "none".
 */
#include "jose/alg.h"

#include <string.h>

static const struct jose_alg algorithms[] = {
    {"RS256", JOSE_RSA_PKCS1, "SHA256", NULL, 0},
    {"RS384", JOSE_RSA_PKCS1, "SHA384", NULL, 0},
    {"RS512", JOSE_RSA_PKCS1, "SHA512", NULL, 0},
    {"PS256", JOSE_RSA_PSS, "SHA256", NULL, 0},
    {"PS384", JOSE_RSA_PSS, "SHA384", NULL, 0},
    {"PS512", JOSE_RSA_PSS, "SHA512", NULL, 0},
    {"ES256", JOSE_ECDSA, "SHA256", "P-256", 32},
    {"ES384", JOSE_ECDSA, "SHA384", "P-384", 48},
    {"ES512", JOSE_ECDSA, "SHA512", "P-521", 66},
    {"EdDSA", JOSE_EDDSA, NULL, NULL, 0},
    {"HS256", JOSE_HMAC, "SHA256", NULL, 32},
    {"HS384", JOSE_HMAC, "SHA384", NULL, 48},
    {"HS512", JOSE_HMAC, "SHA512", NULL, 64},
};

const struct jose_alg *jose_alg_find(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (strlen(algorithms[i].name) == length && memcmp(algorithms[i].name, name, length) == 0)
            return &algorithms[i];
    return NULL;
}
