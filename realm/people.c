/*
 * People: users, groups and memberships in the order and under the names that they are asked for.
 * Used by import, fill and change, which put them there, and by the mappers.
 * Never frees somebody whom a session or a grant may still point at.
 */
#include "realm/people.h"

#include "realm/fill.h"
#include "realm/import_user.h"
#include "realm/roles.h"
#include "realm/text.h"

#include <stdlib.h>
#include <string.h>

static int by_user_name(const void *a, const void *b)
{
    const struct realm_user *one = *(struct realm_user *const *)a;
    const struct realm_user *two = *(struct realm_user *const *)b;
    return strcmp(one->name, two->name);
}

int realm_people_by_name(const void *a, const void *b)
{
    const struct realm_group *one = *(struct realm_group *const *)a;
    const struct realm_group *two = *(struct realm_group *const *)b;
    int names = strcmp(one->name, two->name);
    return names != 0 ? names : (one->order > two->order) - (one->order < two->order);
}

static void arrange_children(struct realm *realm)
{
    for (size_t i = 0; i < realm->group_count; i++)
        realm->groups[i]->child_count = 0;
    for (size_t i = 0; i < realm->group_count; i++)
        if (realm->groups[i]->parent != NULL)
            realm->groups[i]->parent->child_count++;
    for (size_t i = 0; i < realm->group_count; i++) {
        struct realm_group *group = realm->groups[i];
        group->children = realm_text_grow(group->children, group->child_count, sizeof(void *));
        group->child_count = 0;
    }
    for (size_t i = 0; i < realm->group_count; i++) {
        struct realm_group *parent = realm->groups[i]->parent;
        if (parent != NULL)
            parent->children[parent->child_count++] = realm->groups[i];
    }
}

static void arrange_members(struct realm *realm)
{
    for (size_t i = 0; i < realm->group_count; i++)
        realm->groups[i]->member_count = 0;
    for (size_t i = 0; i < realm->user_count; i++)
        for (size_t j = 0; j < realm->users[i]->group_count; j++)
            realm->users[i]->groups[j]->member_count++;
    for (size_t i = 0; i < realm->group_count; i++) {
        struct realm_group *group = realm->groups[i];
        group->members = realm_text_grow(group->members, group->member_count, sizeof(void *));
        group->member_count = 0;
    }
    for (size_t i = 0; i < realm->user_count; i++)
        for (size_t j = 0; j < realm->users[i]->group_count; j++) {
            struct realm_group *group = realm->users[i]->groups[j];
            group->members[group->member_count++] = realm->users[i];
        }
}

static void make_indexes(struct realm *realm)
{
    realm_index_free(&realm->user_names);
    realm_index_free(&realm->user_ids);
    realm_index_free(&realm->group_ids);
    realm_index_free(&realm->group_paths);
    for (size_t i = 0; i < realm->user_count; i++) {
        realm_index_put(&realm->user_names, realm->users[i]->name, realm->users[i]);
        realm_index_put(&realm->user_ids, realm->users[i]->uuid, realm->users[i]);
    }
    for (size_t i = 0; i < realm->group_count; i++) {
        realm_index_put(&realm->group_ids, realm->groups[i]->uuid, realm->groups[i]);
        realm_index_put(&realm->group_paths, realm->groups[i]->path, realm->groups[i]);
    }
}

void realm_people_arrange(struct realm *realm)
{
    if (realm->user_count > 0)
        qsort(realm->users, realm->user_count, sizeof(*realm->users), by_user_name);
    if (realm->group_count > 0)
        qsort(realm->groups, realm->group_count, sizeof(*realm->groups), realm_people_by_name);
    arrange_children(realm);
    arrange_members(realm);
    make_indexes(realm);
}

void realm_people_expect(struct realm *realm, size_t count)
{
    realm->users = realm_text_grow(realm->users, realm->user_count + count, sizeof(*realm->users));
}

void realm_people_append(struct realm *realm, struct realm_user *user)
{
    realm->users[realm->user_count++] = user;
}

struct realm_group *realm_people_group(
    struct realm *realm, struct realm_group *parent, const char *name)
{
    struct realm_group *group = realm_text_room(1, sizeof(*group));
    group->name = name;
    group->path = realm_text_format("%s/%s", parent ? parent->path : "", name);
    group->parent = parent;
    group->order = realm->group_count;
    realm_text_uuid(group->uuid);
    realm->groups = realm_text_grow(realm->groups, realm->group_count + 1, sizeof(*realm->groups));
    realm->groups[realm->group_count++] = group;
    realm_index_put(&realm->group_paths, group->path, group);
    return group;
}

void realm_people_join(struct realm_user *user, struct realm_group *group)
{
    for (size_t i = 0; i < user->group_count; i++)
        if (user->groups[i] == group)
            return;
    user->groups = realm_text_grow(user->groups, user->group_count + 1, sizeof(*user->groups));
    user->groups[user->group_count++] = group;
}

void realm_people_leave(struct realm_user *user, const struct realm_group *group)
{
    for (size_t i = 0; i < user->group_count; i++)
        if (user->groups[i] == group) {
            user->groups[i] = user->groups[--user->group_count];
            return;
        }
}

void realm_people_hold(const struct realm *realm, struct realm_user *user)
{
    memset(user->roles, 0, realm->role_count * sizeof(*user->roles));
    for (size_t i = 0; i < user->direct_count; i++)
        realm_role_hold(user->roles, user->direct[i]);
    for (size_t i = 0; i < user->group_count; i++)
        realm_group_hold(user->roles, user->groups[i]);
}

void realm_people_remove(struct realm *realm, struct realm_user *user)
{
    size_t at = 0;
    while (at < realm->user_count && realm->users[at] != user)
        at++;
    if (at == realm->user_count)
        return;
    realm->users[at] = realm->users[--realm->user_count];
    realm->gone = realm_text_grow(realm->gone, realm->gone_count + 1, sizeof(*realm->gone));
    realm->gone[realm->gone_count++] = user;
    user->gone = true;
}

static void restore_name(struct realm_user *user)
{
    if (user->name_before != NULL)
        user->name = user->name_before;
    user->name_before = NULL;
}

void realm_people_again(struct realm *realm)
{
    if (!realm->people_changed)
        return;
    for (size_t i = realm->user_count; i-- > 0;)
        if (realm->users[i]->added)
            realm_people_remove(realm, realm->users[i]);
    size_t kept = 0;
    realm_people_expect(realm, realm->gone_count);
    for (size_t i = 0; i < realm->gone_count; i++) {
        if (realm->gone[i]->added) {
            realm->gone[kept++] = realm->gone[i];
            continue;
        }
        realm->gone[i]->gone = false;
        realm_people_append(realm, realm->gone[i]);
    }
    realm->gone_count = kept;
    for (size_t i = 0; i < realm->user_count; i++)
        restore_name(realm->users[i]);
    for (size_t i = 0; i < realm->user_count; i++)
        realm_import_user_links(realm, realm->users[i]);
    for (size_t i = 0; i < realm->group_count; i++) {
        json_object_put(realm->groups[i]->written);
        realm->groups[i]->written = NULL;
    }
    realm_fill_links(realm);
    realm_people_arrange(realm);
    realm->people_changed = false;
}

struct json_object *realm_user_attributes(const struct realm_user *user)
{
    if (user->fill != 0 && !user->attributes_owned)
        return realm_fill_attributes(user);
    return json_object_get(user->attributes);
}

struct json_object *realm_group_attributes(const struct realm_group *group)
{
    return group->written != NULL ? group->written : group->attributes;
}

void realm_user_set_attributes(struct realm_user *user, struct json_object *attributes)
{
    if (user->attributes_owned)
        json_object_put(user->attributes);
    user->attributes = attributes;
    user->attributes_owned = true;
}

static void free_user(struct realm_user *user)
{
    restore_name(user);
    if (user->attributes_owned)
        json_object_put(user->attributes);
    if (user->fill != 0)
        realm_fill_free_names(user);
    json_object_put(user->actions);
    free(user->totp.secret);
    free(user->groups);
    free(user->direct);
    free(user->roles);
    free(user);
}

void realm_people_free(struct realm *realm)
{
    for (size_t i = 0; i < realm->user_count; i++)
        free_user(realm->users[i]);
    for (size_t i = 0; i < realm->gone_count; i++)
        free_user(realm->gone[i]);
    for (size_t i = 0; i < realm->group_count; i++) {
        struct realm_group *group = realm->groups[i];
        json_object_put(group->written);
        if (group->owned) {
            json_object_put(group->attributes);
            free((char *)(uintptr_t)group->name);
        }
        free(group->roles);
        free(group->path);
        free(group->children);
        free(group->members);
        free(group);
    }
    free(realm->users);
    free(realm->gone);
    free(realm->groups);
    realm_index_free(&realm->user_names);
    realm_index_free(&realm->user_ids);
    realm_index_free(&realm->group_ids);
    realm_index_free(&realm->group_paths);
}
