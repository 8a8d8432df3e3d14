/*
 * Roles, groups and scopes of the realm: found by name, expanded, counted together.
 * Used by import and by claims. Never changes after the import.
 */
#include "realm/roles.h"

#include "realm/text.h"

struct realm_role *realm_role_find(
    const struct realm *realm, const struct realm_client *client, const char *name)
{
    for (size_t i = 0; i < realm->role_count; i++)
        if (realm->roles[i]->client == client && realm_text_same(realm->roles[i]->name, name))
            return realm->roles[i];
    return NULL;
}

struct realm_group *realm_group_find(const struct realm *realm, const char *path)
{
    return realm_index_find(&realm->group_paths, path);
}

struct realm_scope *realm_scope_find(const struct realm *realm, const char *name)
{
    for (size_t i = 0; i < realm->scope_count; i++)
        if (realm_text_same(realm->scopes[i]->name, name))
            return realm->scopes[i];
    return NULL;
}

void realm_role_hold(bool *set, const struct realm_role *role)
{
    if (set[role->index])
        return;
    set[role->index] = true;
    for (size_t i = 0; i < role->part_count; i++)
        realm_role_hold(set, role->parts[i]);
}

void realm_group_hold(bool *set, const struct realm_group *group)
{
    for (; group != NULL; group = group->parent)
        for (size_t i = 0; i < group->role_count; i++)
            realm_role_hold(set, group->roles[i]);
}

bool realm_scope_permits(const struct realm_scope *scope, const bool *held)
{
    for (size_t i = 0; i < scope->role_count; i++)
        if (held[scope->roles[i]->index])
            return true;
    return scope->role_count == 0;
}
