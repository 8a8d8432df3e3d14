/*
 * Verifying a JWS in compact form (RFC 7515 section 5.2, RFC 8725 section 3).
 * Used by jwt.c, and by cli/ for payloads that are not claims.
 * The payload of a token whose signature did not verify is never given out.
 */
#ifndef JOSE_JWS_H
#define JOSE_JWS_H

#include "common/cleanup.h"
#include "common/status.h"
#include "jose/jwks.h"

#include <json-c/json_object.h>
#include <stddef.h>

struct jose_jws;

/*
 * Verifies `length` bytes of compact JWS against the keys. Taken are RS, PS and ES with 256, 384
 * and 512 bits, and EdDSA. jwk, jku, x5u and x5c in the header are never looked at.
 * KC_TOKEN_MALFORMED: not three parts of strict base64url, a header that is no JSON object, over
 *   JOSE_TOKEN_BYTES, or a header member of the wrong type.
 * KC_TOKEN_DUPLICATE_MEMBER: a header member that is read (alg, crit, kid, typ) stands there twice.
 * KC_TOKEN_ALG_NOT_ALLOWED: "none" or any other algorithm. KC_TOKEN_SYMMETRIC: HS256, HS384, HS512.
 * KC_TOKEN_CRITICAL_HEADER: `crit` is there (no extension is understood).
 * KC_TOKEN_KEY_UNKNOWN, KC_TOKEN_KEY_UNFIT: as jose_jwks_find. KC_TOKEN_BAD_SIGNATURE.
 * KC_NO_MEMORY, KC_SYSTEM.
 */
enum kc_status jose_jws_verify(
    const struct jose_jwks *keys, const void *token, size_t length, struct jose_jws **ret_jws);

/* The verified payload; a NUL, not counted, stands behind it. Both are borrowed. */
const void *jose_jws_payload(const struct jose_jws *jws, size_t *ret_length);

/* The header's `typ`; NULL where it has none. */
const char *jose_jws_typ(const struct jose_jws *jws);

void jose_jws_free(struct jose_jws *jws);

static inline void jose_jws_cleanup(struct jose_jws **jws)
{
    jose_jws_free(*jws);
}

#define JOSE_AUTO_JWS KC_CLEANUP(jose_jws_cleanup)

#endif
