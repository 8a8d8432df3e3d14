/*
 * One signature against one key, on OpenSSL EVP.
 * Used by jws.c alone.
 * Anything but OpenSSL's own "yes" is a bad signature.
 */
#ifndef JOSE_VERIFY_H
#define JOSE_VERIFY_H

#include "jose/jwk.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Verifies with a key that fits the algorithm (jose_jwk_fits). RSA: RFC 8017 section 8, the
 * signature is as long as the modulus. ECDSA: r and s of full length behind each other (RFC 7518
 * section 3.4), both in 1..n-1; DER is refused. EdDSA: RFC 8032, RFC 8037. KC_TOKEN_BAD_SIGNATURE,
 * KC_NO_MEMORY.
 */
enum kc_status jose_verify(const struct jose_jwk *jwk, const struct jose_alg *alg,
    const void *message, size_t length, const uint8_t *signature, size_t signature_length);

#endif
