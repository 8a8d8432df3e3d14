/*
 * Import of users, and of lists of roles wherever the file has them.
 * Used by import.
 * Never invents: a role that does not exist is left out.
 */
#ifndef REALM_IMPORT_USER_H
#define REALM_IMPORT_USER_H

#include "realm/realm.h"

void realm_import_users(struct realm *realm, struct json_object *file);

/* Roles by name, of the realm and of clients; a name that does not exist is left out. */
void realm_import_role_list(const struct realm *realm, struct json_object *of_realm,
    struct json_object *of_clients, struct realm_role ***ret_roles, size_t *ret_count);

/* Puts back what control can change: password, actions, attributes, whether enabled. */
void realm_import_user_again(struct realm_user *user);

/* One more user; `entry`, as in a file, must outlive it. realm_people_arrange must follow. */
struct realm_user *realm_import_user(struct realm *realm, struct json_object *entry);

/* Puts back the roles and memberships that the file says. */
void realm_import_user_links(const struct realm *realm, struct realm_user *user);

#endif
