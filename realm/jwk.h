/*
 * Public keys as JWK (RFC 7517): written for the realm's own, read for those of clients.
 * Used by keys and assertion.
 * Never writes a private member.
 */
#ifndef REALM_JWK_H
#define REALM_JWK_H

#include <json-c/json.h>
#include <openssl/evp.h>

/* Keycloak's key id: base64url of SHA-256 over the public key's DER. The caller frees. */
char *realm_jwk_kid(EVP_PKEY *pair);

/* The public half, with a self-signed certificate for RSA, as Keycloak publishes it. */
struct json_object *realm_jwk_public(
    EVP_PKEY *pair, const char *kid, const char *alg, const char *use, const char *realm_name);

/* A public key from a JWK (RSA, EC P-256, Ed25519); NULL on anything else. */
EVP_PKEY *realm_jwk_read(struct json_object *jwk);

#endif
