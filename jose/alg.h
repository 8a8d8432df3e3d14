/*
 * The signature algorithms of JOSE (RFC 7518 section 3.1, RFC 8037) and what each demands of a key.
 * Used by jwk.c, jws.c and sign.c.
 * "none" is not in the table, and nothing adds to it at run time.
 */
#ifndef JOSE_ALG_H
#define JOSE_ALG_H

#include <stdbool.h>
#include <stddef.h>

enum jose_family {
    JOSE_RSA_PKCS1, /* RS256, RS384, RS512 */
    JOSE_RSA_PSS,   /* PS256, PS384, PS512: salt as long as the hash, MGF1 with the same hash */
    JOSE_ECDSA,     /* ES256, ES384, ES512 */
    JOSE_EDDSA,     /* EdDSA with Ed25519 or Ed448 */
    JOSE_HMAC,      /* HS256, HS384, HS512: made for client assertions, verified nowhere */
};

struct jose_alg {
    const char *name;
    enum jose_family family;
    const char *digest; /* OpenSSL's name; NULL for EdDSA */
    const char *curve;  /* JOSE's crv for ECDSA, else NULL */
    size_t half;        /* ECDSA: bytes of r and of s; HMAC: bytes of the tag; else 0 */
};

/* The algorithm of that name, compared whole; NULL for any other, "none" included. */
const struct jose_alg *jose_alg_find(const char *name, size_t length);

#endif
