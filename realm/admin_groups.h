/*
 * Groups in the Admin REST API: searches, one group by id or path, children, members.
 * Used by admin alone.
 * Never tells more than the caller's roles permit.
 */
#ifndef REALM_ADMIN_GROUPS_H
#define REALM_ADMIN_GROUPS_H

#include "realm/admin.h"

realm_admin_function realm_admin_groups;
realm_admin_function realm_admin_group;
realm_admin_function realm_admin_group_by_path;
realm_admin_function realm_admin_children;
realm_admin_function realm_admin_members;
realm_admin_function realm_admin_group_mappings;

/* The group that the path names; NULL, and the answer, where there is none. */
struct realm_group *realm_admin_group_of(struct realm_admin_call *call);

#endif
