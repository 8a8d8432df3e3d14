/*
 * Filling: many more users and groups than a file would have, the same ones at each start.
 * Used by main, and by people where a filled-in user is looked at or put back.
 * Never makes a user or a group whose name the file has already.
 */
#include "realm/fill.h"

#include "common/cleanup.h"
#include "realm/people.h"
#include "realm/roles.h"
#include "realm/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_UID = 1900100000,
    PRIMARY_GID = 1900020000,
    FIRST_GID = 1900300000,
    PARENT_GID = 1900299999,
};

const char realm_fill_password[] = "fill-pass";

static void put_one(struct json_object *attributes, const char *name, const char *value)
{
    struct json_object *list = json_object_new_array_ext(1);
    json_object_array_add(list, json_object_new_string(value));
    json_object_object_add(attributes, name, list);
}

static void put_number(struct json_object *attributes, const char *name, size_t value)
{
    char *text KC_AUTO_FREE = realm_text_format("%zu", value);
    put_one(attributes, name, text);
}

struct json_object *realm_fill_attributes(const struct realm_user *user)
{
    struct json_object *attributes = json_object_new_object();
    char *home KC_AUTO_FREE = realm_text_format("/home/%s", user->name);
    put_number(attributes, "uidNumber", FIRST_UID + user->fill - 1);
    put_number(attributes, "gidNumber", PRIMARY_GID);
    put_one(attributes, "homeDirectory", home);
    put_one(attributes, "loginShell", "/bin/bash");
    return attributes;
}

/* One block has the name, the last name and the address; the name begins it. */
struct realm_user *realm_fill_user(const struct realm *realm, size_t number)
{
    struct realm_user *user = realm_text_room(1, sizeof(*user));
    char *block = realm_text_format("u%06zu %zu u%06zu@example.test", number, number, number);
    char *last = block + strcspn(block, " "), *mail = last + 1 + strcspn(last + 1, " ");
    *last++ = *mail++ = '\0';
    user->name = block;
    user->last_name = last;
    user->email = mail;
    user->first_name = "User";
    user->email_verified = user->enabled = true;
    user->password = realm_fill_password;
    user->fill = number;
    user->created_ms = realm_now_ms(realm);
    user->roles = realm_text_room(realm->role_count, sizeof(bool));
    realm_text_uuid(user->uuid);
    return user;
}

void realm_fill_free_names(struct realm_user *user)
{
    free((char *)(uintptr_t)user->name);
}

static void own_role(struct realm_user *user, struct realm_role *role)
{
    if (role == NULL)
        return;
    user->direct = realm_text_grow(user->direct, user->direct_count + 1, sizeof(*user->direct));
    user->direct[user->direct_count++] = role;
}

/* Everybody who was filled in, by number; NULL for a number that the file had already. */
static struct realm_user **by_number(const struct realm *realm)
{
    struct realm_user **list = realm_text_room(realm->fill.users, sizeof(*list));
    for (size_t i = 0; i < realm->user_count; i++)
        if (realm->users[i]->fill != 0)
            list[realm->users[i]->fill - 1] = realm->users[i];
    return list;
}

static void fill_group(
    const struct realm *realm, struct realm_group *group, struct realm_user **users)
{
    size_t count = realm->fill.users, members = realm->fill.members;
    for (size_t j = 0; j < members && j < count; j++) {
        struct realm_user *user = users[((group->fill - 1) * members + j) % count];
        if (user != NULL)
            realm_people_join(user, group);
    }
}

void realm_fill_links(struct realm *realm)
{
    struct realm_group *parent = realm_group_find(realm, "/fill");
    char *name KC_AUTO_FREE = realm_text_format("default-roles-%s", realm->name);
    char *lower KC_AUTO_FREE = realm_text_lower(name);
    struct realm_role *roles[] = {
        realm_role_find(realm, NULL, lower), realm_role_find(realm, NULL, "linux-login")};
    struct realm_user **users KC_AUTO_FREE = by_number(realm);
    for (size_t i = 0; i < realm->fill.users; i++) {
        if (users[i] == NULL)
            continue;
        users[i]->group_count = users[i]->direct_count = 0;
        own_role(users[i], roles[0]);
        own_role(users[i], roles[1]);
        if (parent != NULL)
            realm_people_join(users[i], parent);
    }
    for (size_t i = 0; i < realm->group_count; i++)
        if (realm->groups[i]->fill != 0)
            fill_group(realm, realm->groups[i], users);
    for (size_t i = 0; i < realm->fill.users; i++)
        if (users[i] != NULL)
            realm_people_hold(realm, users[i]);
}

static struct realm_group *new_group(
    struct realm *realm, struct realm_group *parent, char *name, size_t gid)
{
    struct realm_group *group = realm_people_group(realm, parent, name);
    group->owned = true;
    group->attributes = json_object_new_object();
    put_number(group->attributes, "gidNumber", gid);
    return group;
}

static void make_groups(struct realm *realm)
{
    struct realm_group *parent = realm_group_find(realm, "/fill");
    if (parent == NULL)
        parent = new_group(realm, NULL, realm_text_copy("fill"), PARENT_GID);
    for (size_t i = 1; i <= realm->fill.groups; i++) {
        char *path KC_AUTO_FREE = realm_text_format("/fill/g%04zu", i);
        if (realm_group_find(realm, path) != NULL)
            continue;
        struct realm_group *group =
            new_group(realm, parent, realm_text_format("g%04zu", i), FIRST_GID + i - 1);
        group->fill = i;
    }
}

enum kc_status realm_fill(struct realm *realm, size_t users, size_t groups, size_t members)
{
    if (users > REALM_FILL_USERS || groups > REALM_FILL_GROUPS ||
        (groups > 0 && members > REALM_FILL_MEMBERSHIPS / groups))
        return KC_TOO_LARGE;
    if (users == 0 && groups == 0)
        return KC_OK;
    realm->fill = (struct realm_fill){users, groups, members};
    make_groups(realm);
    realm_people_expect(realm, users);
    for (size_t i = 1; i <= users; i++) {
        char name[32];
        snprintf(name, sizeof(name), "u%06zu", i);
        if (realm_index_find(&realm->user_names, name) == NULL)
            realm_people_append(realm, realm_fill_user(realm, i));
    }
    realm_fill_links(realm);
    realm_people_arrange(realm);
    return KC_OK;
}
