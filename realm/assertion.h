/*
 * Client assertions (RFC 7523): private_key_jwt and client_secret_jwt.
 * Used by client_auth alone.
 * Never takes one twice.
 */
#ifndef REALM_ASSERTION_H
#define REALM_ASSERTION_H

#include "realm/exchange.h"

/* The client that an assertion names as its subject; NULL without one. The caller frees. */
char *realm_assertion_client(const struct realm_request *request);

/* Whether the request's assertion is the client's; else the answer says why not. */
bool realm_assertion_check(struct realm *realm, const struct realm_client *client,
    const struct realm_request *request, struct realm_answer *answer);

#endif
