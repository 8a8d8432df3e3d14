/*
 * One public signature key from a JWK (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).
 * Used by jwks.c; the demo realm and registration use the export.
 * A symmetric key is never taken, and of a private one the private members are never read.
 */
#ifndef JOSE_JWK_H
#define JOSE_JWK_H

#include "common/status.h"
#include "jose/alg.h"

#include <json-c/json_object.h>
#include <openssl/evp.h>
#include <stdbool.h>

/* What jose_jwk_read found. Everything is owned by the structure. */
struct jose_jwk {
    char *kid;                  /* "" where the JWK has none */
    const struct jose_alg *alg; /* NULL where the JWK does not say */
    const char *curve;          /* JOSE's crv; NULL for RSA */
    size_t bits;                /* of the modulus; 0 for other keys */
    EVP_PKEY *key;
};

/*
 * Reads a JWK: RSA of 2048 to 16384 bits, EC P-256, P-384 or P-521, OKP Ed25519 or Ed448; `use`
 * absent or "sig"; key_ops absent or with "verify"; `alg` absent or one that the key fits.
 * KC_TOKEN_KEY_UNFIT: a key for something else, or of a kind or size that is not taken.
 * KC_MALFORMED, KC_TOKEN_DUPLICATE_MEMBER, KC_TOO_LARGE, KC_NO_MEMORY, KC_SYSTEM (OpenSSL).
 */
enum kc_status jose_jwk_read(const struct json_object *object, struct jose_jwk *ret_jwk);

/* Frees what jose_jwk_read filled in and leaves zeros. */
void jose_jwk_clear(struct jose_jwk *jwk);

/* Whether the key may verify that algorithm: its kind, its curve, and its own `alg` if it has one.
 */
bool jose_jwk_fits(const struct jose_jwk *jwk, const struct jose_alg *alg);

/*
 * The public half of a key as a JWK with kid, alg and use "sig" (kid and alg may be NULL).
 * *ret_object is the caller's. KC_TOKEN_KEY_UNFIT for a kind that jose_jwk_read does not take.
 */
enum kc_status jose_jwk_export(
    const EVP_PKEY *key, const char *kid, const char *alg, struct json_object **ret_object);

#endif
