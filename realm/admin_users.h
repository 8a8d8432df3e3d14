/*
 * Users in the Admin REST API: searches, one user, groups, roles, the state of its lock.
 * Used by admin alone.
 * Never tells more of a user than the caller's roles permit.
 */
#ifndef REALM_ADMIN_USERS_H
#define REALM_ADMIN_USERS_H

#include "realm/admin.h"

realm_admin_function realm_admin_users;
realm_admin_function realm_admin_users_count;
realm_admin_function realm_admin_profile;
realm_admin_function realm_admin_user;
realm_admin_function realm_admin_user_groups;
realm_admin_function realm_admin_lock_state;

/* admin_roles.c */
realm_admin_function realm_admin_role_mappings;
realm_admin_function realm_admin_realm_roles;
realm_admin_function realm_admin_client_roles;
realm_admin_function realm_admin_roles;
realm_admin_function realm_admin_clients;

/* The user that the path names; NULL, and the answer, where there is none. */
struct realm_user *realm_admin_user_of(struct realm_admin_call *call);

#endif
