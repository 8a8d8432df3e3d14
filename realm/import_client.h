/*
 * Import of clients and client scopes.
 * Used by import and import_user.
 * Never invents: a scope that does not exist is left out.
 */
#ifndef REALM_IMPORT_CLIENT_H
#define REALM_IMPORT_CLIENT_H

#include "realm/realm.h"

void realm_import_scopes(struct realm *realm, struct json_object *file);

/* Clients without scopes of their own get the defaults that stand in `scopes`. */
void realm_import_clients(
    struct realm *realm, struct json_object *file, struct json_object *scopes);

/* Which roles a scope needs; only when the roles are there. */
void realm_import_scope_roles(struct realm *realm, struct json_object *file);

void realm_import_free_clients(struct realm *realm);

/* A client by its id; NULL where there is none. */
struct realm_client *realm_client_of(const struct realm *realm, const char *id);

#endif
