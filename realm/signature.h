/*
 * Signatures of RFC 7518, made and checked on OpenSSL's EVP.
 * Used by keys (the realm's own tokens) and assertion (what clients sign).
 * Knows no token, no claim and no key id.
 */
#ifndef REALM_SIGNATURE_H
#define REALM_SIGNATURE_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The algorithm's name as a constant ("Ed25519" is EdDSA); NULL for one that is not known. */
const char *realm_signature_name(const char *alg);

/* ES256 for P-256 and so on. */
const char *realm_signature_of_curve(const char *curve);

/* A fresh key pair fit for the algorithm; NULL on failure. */
EVP_PKEY *realm_signature_pair(const char *alg);

/* The signature over `input` in base64url; NULL on failure. The caller frees. */
char *realm_signature_make(EVP_PKEY *pair, const char *alg, const char *input);
char *realm_signature_mac(const uint8_t *secret, size_t length, const char *alg, const char *input);

/* Whether `signature` (raw bytes) is the key's over `input`. */
bool realm_signature_check(EVP_PKEY *pair, const char *alg, const char *input, size_t input_length,
    const uint8_t *signature, size_t length);

#endif
