/*
 * Verifying a Keycloak access token (RFC 7519, RFC 8725, RFC 9068 where Keycloak follows it).
 * Used by daemon/ for each grant and by cli/ with the same code.
 * A token of another realm, client, user or purpose never passes, however good its signature.
 */
#ifndef JOSE_JWT_H
#define JOSE_JWT_H

#include "common/cleanup.h"
#include "common/status.h"
#include "jose/jwks.h"

#include <json-c/json_object.h>
#include <stddef.h>
#include <stdint.h>

struct jose_jwt;

/* What a token must be. Borrowed for the call. Times are seconds since the epoch. */
struct jwt_expect {
    const char *issuer;
    const char *client_id;      /* compared with azp */
    const char *audience;       /* NULL: aud is not looked at */
    const char *user;           /* PAM_USER */
    const char *username_claim; /* NULL: preferred_username */
    int64_t now;
    int64_t skew;              /* seconds that the clocks may differ, 0 or more */
    int64_t apart;             /* that iat may lie from now in a token that came just now; 0: it is
                                * an older one, whose iat tells nothing of the clocks */
    int64_t not_before_policy; /* the realm's; 0: none */
};

/*
 * Verifies a token and every claim that a login rests on, in this order, one status each:
 *   the signature           as jose_jws_verify
 *   header typ              absent, "JWT" or "at+jwt" (any case, "application/" before it allowed):
 *                           KC_TOKEN_WRONG_TYPE
 *   payload                 a JSON object: KC_TOKEN_MALFORMED
 *   iss                     == issuer: KC_TOKEN_WRONG_ISSUER
 *   typ                     == "Bearer": KC_TOKEN_WRONG_TYPE
 *   azp                     == client_id: KC_TOKEN_WRONG_CLIENT
 *   aud                     text == audience, or an array with it: KC_TOKEN_WRONG_AUDIENCE
 *   exp                     > now - skew: KC_TOKEN_EXPIRED
 *   nbf (optional)          <= now + skew: KC_TOKEN_NOT_YET_VALID
 *   iat (with `apart`)      no further from now; nor than skew where exp or nbf failed:
 *                           KC_TOKEN_CLOCK_SKEW
 *   iat (with a policy)     >= not_before_policy: KC_TOKEN_REVOKED
 *   sub (optional)          text
 *   the user name           == user: KC_TOKEN_WRONG_USER
 * Texts are compared whole, lengths included. KC_TOKEN_CLAIM_MISSING: a claim is not there;
 * KC_TOKEN_LIGHTWEIGHT: the user name is not there and nothing else is that a full token has;
 * KC_TOKEN_MALFORMED: a claim is of another type; KC_TOKEN_DUPLICATE_MEMBER: one of these stands
 * there twice. KC_CONFIG_INVALID: issuer, client_id or user is NULL or empty: unconfigured denies.
 * *ret_jwt is the caller's.
 */
enum kc_status jose_jwt_verify(const struct jose_jwks *keys, const void *token, size_t length,
    const struct jwt_expect *expect, struct jose_jwt **ret_jwt);

/*
 * The same for a person who looks into a token (kclogin token verify): issuer, client_id and user
 * may be NULL, and their claims are then not looked at. Nothing may be decided on its result.
 */
enum kc_status jose_jwt_examine(const struct jose_jwks *keys, const void *token, size_t length,
    const struct jwt_expect *expect, struct jose_jwt **ret_jwt);

/* The claims; read them through jose/json.h. Borrowed, as everything below. */
const struct json_object *jose_jwt_claims(const struct jose_jwt *jwt);

/* The claims as the realm spelled them; a NUL, not counted, stands behind them. */
const char *jose_jwt_payload(const struct jose_jwt *jwt, size_t *ret_length);

int64_t jose_jwt_expires(const struct jose_jwt *jwt); /* exp */
int64_t jose_jwt_issued(const struct jose_jwt *jwt);  /* iat; 0 where there is none */

/* sub, the realm's id of the user; "" where the realm leaves it out: no identity may be built on
 * "". */
const char *jose_jwt_subject(const struct jose_jwt *jwt);

void jose_jwt_free(struct jose_jwt *jwt);

static inline void jose_jwt_cleanup(struct jose_jwt **jwt)
{
    jose_jwt_free(*jwt);
}

#define JOSE_AUTO_JWT KC_CLEANUP(jose_jwt_cleanup)

#endif
