/*
 * People: users, groups and memberships in the order and under the names that they are asked for.
 * Used by import, fill and change, which put them there, and by the mappers.
 * Never frees somebody whom a session or a grant may still point at.
 */
#ifndef REALM_PEOPLE_H
#define REALM_PEOPLE_H

#include "realm/realm.h"

/* Sorts users, groups, children and members, and makes the indexes anew: after every change. */
void realm_people_arrange(struct realm *realm);

/* For qsort, over pointers to groups: by name, equal names as they were made. */
int realm_people_by_name(const void *a, const void *b);

/* Makes room for `count` more users, and appends one; realm_people_arrange must follow. */
void realm_people_expect(struct realm *realm, size_t count);
void realm_people_append(struct realm *realm, struct realm_user *user);

/* A group below `parent` (NULL: at the top) that the realm owns. */
struct realm_group *realm_people_group(
    struct realm *realm, struct realm_group *parent, const char *name);

/* Direct memberships; both leave the effective roles as they are. */
void realm_people_join(struct realm_user *user, struct realm_group *group);
void realm_people_leave(struct realm_user *user, const struct realm_group *group);

/* Works the effective roles out from the user's own and those of groups. */
void realm_people_hold(const struct realm *realm, struct realm_user *user);

/* Takes somebody out of the realm; arranges nothing. */
void realm_people_remove(struct realm *realm, struct realm_user *user);

/* Everybody as the file and the options say: deleted ones are back, added ones gone. */
void realm_people_again(struct realm *realm);

/* The user's attributes, each a list of texts; NULL where there is none. The caller puts them. */
struct json_object *realm_user_attributes(const struct realm_user *user);

/* A group's attributes; NULL where there is none. Borrowed. */
struct json_object *realm_group_attributes(const struct realm_group *group);

/* Takes over the document as the attributes of somebody. */
void realm_user_set_attributes(struct realm_user *user, struct json_object *attributes);

void realm_people_free(struct realm *realm);

#endif
