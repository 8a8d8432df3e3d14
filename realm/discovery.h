/*
 * What the realm says about itself: discovery, keys, the realm's own page.
 * Used by server.
 * Says all that Keycloak says, of endpoints too that this realm does not have.
 */
#ifndef REALM_DISCOVERY_H
#define REALM_DISCOVERY_H

#include "realm/exchange.h"

/* GET .../.well-known/openid-configuration */
void realm_discovery_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer);

/* GET .../protocol/openid-connect/certs */
void realm_certs_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer);

/* GET .../realms/NAME */
void realm_about_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer);

#endif
