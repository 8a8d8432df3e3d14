/*
 * Client authentication, as Keycloak's client flow does it: secret, assertion, certificate.
 * Used by every endpoint that a client calls.
 * Never takes a client another way than the one that the client is set to.
 */
#ifndef REALM_CLIENT_AUTH_H
#define REALM_CLIENT_AUTH_H

#include "realm/exchange.h"

/* The client that asks; NULL when the answer has been filled in with the refusal. */
struct realm_client *realm_client_auth(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer);

#endif
