/*
 * The realm's own keys: made at start, published as a JWKS, rotated on demand.
 * Used by token, discovery and control. Signing here shares no code with the verifier that kclogin
 * itself uses, so that one mistake cannot hide the other.
 */
#ifndef REALM_KEYS_H
#define REALM_KEYS_H

#include "common/status.h"
#include "realm/realm.h"

#include <openssl/evp.h>

/* Makes the keys that the file asks for, or the ones a fresh realm has. KC_SYSTEM. */
enum kc_status realm_keys_make(struct realm *realm);
void realm_keys_free(struct realm_keys *keys);

/* The published keys, {"keys": [...]}: active ones and passive ones. The caller owns it. */
struct json_object *realm_keys_published(const struct realm *realm);

/* The active RS256 key's public half, in base64 of DER; the caller frees. */
char *realm_keys_public(const struct realm *realm);

/*
 * A compact JWS over `payload` by the active key of `alg` (RS256, PS256, ES256, EdDSA and their
 * larger kin where a key can be made, HS256, HS512). `foreign`: signed by a key that nobody
 * publishes, under the right key's id. NULL where the realm has no such key; the caller frees.
 */
char *realm_keys_sign(
    struct realm *realm, const char *alg, const char *type, const char *payload, bool foreign);

/* Whether the text is a JWS by one of the realm's keys; then its payload, the caller's. */
bool realm_keys_own(const struct realm *realm, const char *token, struct json_object **ret_payload);

/* Puts a fresh key before the active one of `alg`; the old one stays published if `keep_old`. */
enum kc_status realm_keys_rotate(struct realm *realm, const char *alg, bool keep_old);

#endif
