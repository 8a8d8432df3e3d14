/*
 * The token endpoint: which grant is asked for, and the answer that a grant ends in.
 * Used by server; the grants use the answer.
 * Never runs a grant before the client has been authenticated.
 */
#ifndef REALM_TOKEN_H
#define REALM_TOKEN_H

#include "realm/claims.h"
#include "realm/exchange.h"
#include "realm/sessions.h"

/* POST .../protocol/openid-connect/token. The realm is locked; a grant may unlock it for a time. */
void realm_token_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer);

/* 200 with the tokens of a grant. `session` NULL: no session and no refresh token. */
void realm_token_answer(struct realm *realm, const struct realm_request *request,
    struct realm_grant *grant, struct realm_session *session, struct realm_answer *answer);

/* Refuses a scope parameter that the client may not ask for. */
bool realm_token_scope_fits(const struct realm_client *client, const struct realm_request *request,
    struct realm_answer *answer);

#endif
