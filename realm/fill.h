/*
 * Filling: many more users and groups than a file would have, the same ones at each start.
 * Used by main, and by people where a filled-in user is looked at or put back.
 * Never makes a user or a group whose name the file has already.
 */
#ifndef REALM_FILL_H
#define REALM_FILL_H

#include "common/status.h"
#include "realm/realm.h"

enum {
    REALM_FILL_USERS = 1000000,
    REALM_FILL_GROUPS = 100000,
    REALM_FILL_MEMBERSHIPS = 10000000, /* groups times members */
};

/*
 * Makes `users` users u000001, ... and the group /fill, whose members they all are, with `groups`
 * groups g0001, ... below it that have `members` of them each, evenly. KC_TOO_LARGE for more than
 * the limits above. Once for a realm.
 */
enum kc_status realm_fill(struct realm *realm, size_t users, size_t groups, size_t members);

/* The memberships and roles of all who were filled in, as at the start. */
void realm_fill_links(struct realm *realm);

/* A fresh user of the same number and name, with an id of its own. */
struct realm_user *realm_fill_user(const struct realm *realm, size_t number);

/* What is not kept, for want of memory: the attributes of a number. The caller puts them. */
struct json_object *realm_fill_attributes(const struct realm_user *user);

void realm_fill_free_names(struct realm_user *user);

/* The one password of all who are filled in. */
extern const char realm_fill_password[];

#endif
