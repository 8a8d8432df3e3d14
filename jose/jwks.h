/*
 * A realm's signature keys from its JWKS document (RFC 7517 section 5), made ready once.
 * Used by daemon/ (refreshed in the background), by cli/, by jws.c.
 * The one source of keys: nothing in a token ever adds one.
 */
#ifndef JOSE_JWKS_H
#define JOSE_JWKS_H

#include "common/cleanup.h"
#include "common/status.h"
#include "jose/jwk.h"

#include <stddef.h>

struct jose_jwks;

/*
 * Reads a JWKS document of at most JOSE_JWKS_BYTES. Keys that cannot be used are left out and
 * counted, so that the realm's encryption key or one of a new kind does no harm; a set may be
 * empty. KC_MALFORMED: not JSON, or no array `keys` of objects. KC_TOO_LARGE: bytes, or over
 * JOSE_JWKS_KEYS keys. KC_TOKEN_DUPLICATE_MEMBER: two arrays `keys`. KC_NO_MEMORY.
 */
enum kc_status jose_jwks_read(const void *bytes, size_t length, struct jose_jwks **ret_jwks);

/* A second holder, and the end of one; the last frees the set. NULL is fine for both. Not threaded.
 */
struct jose_jwks *jose_jwks_ref(struct jose_jwks *jwks);
void jose_jwks_unref(struct jose_jwks *jwks);

size_t jose_jwks_count(const struct jose_jwks *jwks);   /* keys that can verify */
size_t jose_jwks_skipped(const struct jose_jwks *jwks); /* keys of the document that cannot */

/*
 * The key for a token. `kid` is compared whole; NULL is a token without one, which finds a key only
 * where exactly one fits. KC_TOKEN_KEY_UNKNOWN: no key of that kid. KC_TOKEN_KEY_UNFIT: the kid is
 * known, but its key does not fit the algorithm. No set (NULL) knows no key. *ret_jwk is borrowed.
 */
enum kc_status jose_jwks_find(const struct jose_jwks *jwks, const char *kid,
    const struct jose_alg *alg, const struct jose_jwk **ret_jwk);

static inline void jose_jwks_cleanup(struct jose_jwks **jwks)
{
    jose_jwks_unref(*jwks);
}

#define JOSE_AUTO_JWKS KC_CLEANUP(jose_jwks_cleanup)

#endif
