/*
 * The end of a session: logout and revocation; and the question whether it has ended.
 * Used by server.
 * Never acts on a token that the realm has not signed itself.
 */
#ifndef REALM_LOGOUT_H
#define REALM_LOGOUT_H

#include "realm/exchange.h"

/* POST .../logout with a refresh token: 204; without one the page that a browser would get. */
void realm_logout_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer);

/* POST .../revoke (RFC 7009). */
void realm_revoke_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer);

/* POST .../token/introspect (RFC 7662). */
void realm_introspect_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer);

#endif
