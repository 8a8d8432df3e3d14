/*
 * The grants: password, refresh token, client credentials.
 * Used by token.
 * Never opens a session before all credentials are right.
 */
#ifndef REALM_GRANTS_H
#define REALM_GRANTS_H

#include "realm/exchange.h"

/* Each is called with the realm locked and leaves it locked. */
typedef void realm_grant_function(struct realm *realm, struct realm_client *client,
    const struct realm_request *request, struct realm_answer *answer);

/* RFC 6749 4.3, with Keycloak's one-time code; unlocks the realm while the password is hashed. */
realm_grant_function realm_grant_password;

/* RFC 6749 6. */
realm_grant_function realm_grant_refresh;

/* RFC 6749 4.4. */
realm_grant_function realm_grant_client;

/* The claims of a refresh token of the client's, which the caller owns; else NULL and the answer.
 */
struct json_object *realm_grant_token(const struct realm *realm, const struct realm_client *client,
    const struct realm_request *request, const char *token, struct realm_answer *answer);

#endif
