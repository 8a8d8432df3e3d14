/*
 * Claims: which scopes a grant gets, which roles show, and what the mappers write.
 * Used by token and introspect.
 * Never decides whether somebody may log in.
 */
#ifndef REALM_CLAIMS_H
#define REALM_CLAIMS_H

#include "realm/exchange.h"
#include "realm/realm.h"

/* Where a claim is to stand; the mapper's setting of that name says whether it does. */
enum realm_claims_for { REALM_CLAIMS_ACCESS, REALM_CLAIMS_ID };

struct realm_grant {
    struct realm_user *user;
    struct realm_client *client;
    const char *session_id; /* NULL: none */
    const char *scope;      /* the parameter; NULL: none */
    bool openid, offline, service, refreshed;
    struct realm_scope **scopes; /* those that the user gets */
    size_t scope_count;
};

/* Whether each name of the parameter is openid or a scope of the client. */
bool realm_claims_scope_known(const struct realm_client *client, const char *scope);

/* Works out the scopes of a grant; free them with realm_claims_free. */
void realm_claims_scopes(struct realm_grant *grant);
void realm_claims_free(struct realm_grant *grant);

/* The scope as the answer and the token name it; the caller frees. */
char *realm_claims_scope_text(const struct realm_grant *grant, bool all_names);

/* The claims of an access or ID token, exp and iat included. The caller owns them. */
struct json_object *realm_claims(const struct realm *realm, const struct realm_grant *grant,
    const char *issuer, enum realm_claims_for where, const char *address);

/* Seconds that the client's access tokens live. */
int64_t realm_claims_lifespan(const struct realm *realm, const struct realm_client *client);

#endif
