/*
 * Protocol mappers: what Keycloak's own ones write into a token.
 * Used by claims alone.
 * Never guesses: a mapper that is not in the table writes nothing.
 */
#ifndef REALM_MAPPERS_H
#define REALM_MAPPERS_H

#include "realm/claims.h"

/*
 * Runs the mappers of the grant's scopes and of its client. `light`: a lightweight token, into
 * which only those write that say so.
 */
void realm_mappers_run(const struct realm *realm, const struct realm_grant *grant,
    struct json_object *claims, enum realm_claims_for where, bool light);

#endif
