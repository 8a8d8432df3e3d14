/*
 * Makes keys, key sets and tokens for tests, well-formed or not.
 * Used by the tests of jose/ and by its fuzz seeds.
 * Signs by itself, without jose/sign.c, so that one half of jose/ does not vouch for the other.
 */
#ifndef TESTS_JOSE_FORGE_H
#define TESTS_JOSE_FORGE_H

#include "jose/jwks.h"

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

/* A key by kind: "RSA-2048" "RSA-1024" "P-256" ... "ED25519" "ED448"; the same at each call. */
EVP_PKEY *forge_key(const char *kind);

/* Another key of the kind. */
EVP_PKEY *forge_other_key(const char *kind);

/* The kind of key that an algorithm takes. */
const char *forge_kind(const char *alg);

/* A set from the text of a JWKS document; the test fails where it is refused. */
struct jose_jwks *forge_set(const char *document);

/* A set of one key with kid "k1", with or without (NULL) an alg. */
struct jose_jwks *forge_set_of(EVP_PKEY *key, const char *alg);

/* The JWK of a key with more members before its end, e.g. `"use":"enc"`. Memory of the caller. */
char *forge_jwk(EVP_PKEY *key, const char *members);

/* Bytes in base64url. Memory of the caller. */
char *forge_encode(const void *bytes, size_t length);

/* A signature by that algorithm over a text, in JOSE's form. Returns its length. */
size_t forge_sign(EVP_PKEY *key, const char *alg, const char *input, uint8_t *to, size_t room);

/* header.payload.signature with any header. Memory of the caller. */
char *forge_token(const char *header, const char *payload, EVP_PKEY *key, const char *alg);

/* The same with a payload of any bytes, and with a signature given as bytes. */
char *forge_assemble(const char *header, const void *payload, size_t length,
    const uint8_t *signature, size_t signature_length);

/* Text by format. Memory of the caller. */
char *forge_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
