/*
 * Changes by the Admin REST API: a user or a group replaced as a whole.
 * Used by admin alone.
 * Never takes what Keycloak's user profile would not, nor from somebody without manage-users.
 */
#ifndef REALM_ADMIN_WRITE_H
#define REALM_ADMIN_WRITE_H

#include "realm/admin.h"

/* PUT of users/ID and groups/ID: attributes, and whether a user is enabled; other members of the
 * representation are read and left. */
realm_admin_function realm_admin_put_user;
realm_admin_function realm_admin_put_group;

#endif
