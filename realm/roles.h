/*
 * Roles, groups and scopes of the realm: found by name, expanded, counted together.
 * Used by import and by claims. Never changes after the import.
 */
#ifndef REALM_ROLES_H
#define REALM_ROLES_H

#include "realm/realm.h"

/* NULL where there is none; `client` NULL names a role of the realm. */
struct realm_role *realm_role_find(
    const struct realm *realm, const struct realm_client *client, const char *name);
struct realm_group *realm_group_find(const struct realm *realm, const char *path);
struct realm_scope *realm_scope_find(const struct realm *realm, const char *name);

/* Adds the role and all that it is composed of to a set. */
void realm_role_hold(bool *set, const struct realm_role *role);

/* Adds the roles of a group and of the groups above it. */
void realm_group_hold(bool *set, const struct realm_group *group);

/* Whether a user may have a scope: it names no role, or one that the user holds. */
bool realm_scope_permits(const struct realm_scope *scope, const bool *held);

#endif
