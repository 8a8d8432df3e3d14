/*
 * Representations: users, groups and roles as the Admin REST API writes them.
 * Used by the files of the Admin API alone.
 * Never shows what Keycloak's user profile hides from administrators.
 */
#ifndef REALM_REPRESENT_H
#define REALM_REPRESENT_H

#include "realm/realm.h"

enum realm_user_access {
    REALM_ACCESS_NONE, /* among the members of a group */
    REALM_ACCESS_LIST, /* found by a search */
    REALM_ACCESS_ONE,  /* asked for by id */
};

/* Attributes and what belongs to the login only where `full`; the caller owns the document. */
struct json_object *realm_represent_user(const struct realm *realm, const struct realm_user *user,
    bool full, enum realm_user_access access, bool manage);

struct realm_group_look {
    bool full, count, access, manage;
};

/* `subGroups` is empty. */
struct json_object *realm_represent_group(
    const struct realm_group *group, const struct realm_group_look *look);

struct json_object *realm_represent_role(const struct realm *realm, const struct realm_role *role);

/* The user profile, as the file has it; NULL where it has none. The caller owns it. */
struct json_object *realm_represent_profile(const struct realm *realm);

#endif
