/*
 * The realm's discovery document (OpenID Connect Discovery 1.0, section 4), checked and kept.
 * Used by realm.c and by whoever needs an endpoint. Pure: no I/O.
 * Must never give out an endpoint of another scheme than the issuer's rules allow.
 */
#ifndef DAEMON_DISCOVERY_H
#define DAEMON_DISCOVERY_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>

#define DISCOVERY_BODY_MAX ((size_t)256 * 1024)

/* The endpoints that are used; NULL where the realm names none. */
struct discovery_endpoints {
    char *token;
    char *logout; /* end_session_endpoint */
    char *revocation;
    char *device;
};

/* Immutable, refcounted. */
struct discovery {
    unsigned references;
    char *issuer;
    char *jwks_uri;
    struct discovery_endpoints plain;
    struct discovery_endpoints mtls; /* mtls_endpoint_aliases, RFC 8705 section 5 */
};

/*
 * Reads a document. Its issuer must be `issuer` byte for byte (KC_REALM_WRONG_ISSUER); token
 * endpoint and JWKS must be there; every URL is https, or http where `allow_http`. An endpoint that
 * is not usable is an error, not an absence. KC_ANSWER_NOT_JSON, KC_ANSWER_MALFORMED,
 * KC_NO_MEMORY.
 */
enum kc_status discovery_parse(const void *bytes, size_t length, const char *issuer,
    bool allow_http, struct discovery **ret_discovery);

struct discovery *discovery_ref(struct discovery *discovery);
void discovery_unref(struct discovery *discovery);

/* The endpoint for a client: its mTLS alias where `mtls` and there is one. May be NULL. */
const char *discovery_token(const struct discovery *discovery, bool mtls);
const char *discovery_logout(const struct discovery *discovery, bool mtls);
const char *discovery_revocation(const struct discovery *discovery, bool mtls);

#endif
