/*
 * Making a JWS in compact form (RFC 7515 section 5.1): client assertions (RFC 7523 section 2.2).
 * Used by daemon/ to authenticate the client, by the demo realm, by tests.
 * Keys and secrets are borrowed and no copy of them stays behind.
 */
#ifndef JOSE_SIGN_H
#define JOSE_SIGN_H

#include "common/secret.h"
#include "common/status.h"

#include <json-c/json_object.h>
#include <openssl/evp.h>
#include <stddef.h>

/* Who signs, and what the header says. One of key and secret is set. */
struct jose_signer {
    EVP_PKEY *key;                  /* RS, PS, ES, EdDSA: a private key */
    const struct kc_secret *secret; /* HS: client_secret_jwt */
    const char *alg;                /* "RS256" ... */
    const char *kid;                /* NULL: none */
    const char *typ;                /* NULL: "JWT" */
};

/*
 * Signs `length` bytes. *ret_token is replaced by the token.
 * KC_TOKEN_ALG_NOT_ALLOWED: no such algorithm. KC_TOKEN_KEY_UNFIT: the key is of another kind,
 * curve or size, or the secret is empty. KC_NO_MEMORY, KC_SYSTEM (OpenSSL).
 */
enum kc_status jose_sign(const struct jose_signer *signer, const void *payload, size_t length,
    struct kc_secret *ret_token);

/* The same for a claims set, with typ "JWT". The key signs, or with the second the client's secret.
 */
enum kc_status jose_jws_sign(EVP_PKEY *key, const char *alg, const char *kid,
    struct json_object *payload, struct kc_secret *ret_token);
enum kc_status jose_jws_sign_secret(const struct kc_secret *secret, const char *alg,
    struct json_object *payload, struct kc_secret *ret_token);

/* The usual algorithm for a private key: RS256, ES256/384/512 by its curve, EdDSA; NULL: none. */
const char *jose_sign_alg_for(const EVP_PKEY *key);

/*
 * A private key from PEM text (PKCS 8 or the older forms), never asking for a passphrase.
 * KC_MALFORMED: no key, or an encrypted one. *ret_key is the caller's (EVP_PKEY_free).
 */
enum kc_status jose_sign_key_read(const struct kc_secret *pem, EVP_PKEY **ret_key);

#endif
