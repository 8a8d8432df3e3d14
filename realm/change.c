/*
 * Changes to people while the realm runs: what an administrator would do to users and groups.
 * Used by control.
 * Never changes the file's own entries: a reset puts everybody back.
 */
#include "realm/change.h"

#include "realm/fill.h"
#include "realm/import_user.h"
#include "realm/people.h"
#include "realm/roles.h"
#include "realm/sessions.h"
#include "realm/text.h"
#include "realm/users.h"

#include <stdlib.h>
#include <string.h>

enum { ADDED_LIMIT = 100000 };

/* What the realm's texts point at lives as long as the realm does. */
static struct json_object *keep(struct realm *realm, struct json_object *value)
{
    struct json_object *kept = realm_json_member(realm->file, " kept");
    if (kept == NULL) {
        kept = json_object_new_array();
        json_object_object_add(realm->file, " kept", kept);
    }
    json_object_array_add(kept, value);
    return value;
}

static struct json_object *copy(struct json_object *from)
{
    struct json_object *to = NULL;
    if (from != NULL)
        json_object_deep_copy(from, &to, NULL);
    return to;
}

static void change_attributes(struct realm_user *user, struct json_object *changes)
{
    struct json_object *before REALM_AUTO_JSON = realm_user_attributes(user);
    struct json_object *after = before ? copy(before) : json_object_new_object();
    json_object_object_foreach(changes, name, values)
    {
        if (values == NULL)
            json_object_object_del(after, name);
        else
            json_object_object_add(after, name, copy(values));
    }
    realm_user_set_attributes(user, after);
}

static void drop_role(struct realm_user *user, const struct realm_role *role)
{
    for (size_t i = 0; i < user->direct_count; i++)
        if (user->direct[i] == role) {
            user->direct[i] = user->direct[--user->direct_count];
            return;
        }
}

static void change_roles(
    struct realm *realm, struct realm_user *user, struct json_object *body, bool give)
{
    struct realm_role **roles = NULL;
    size_t count = 0;
    realm_import_role_list(realm,
        realm_json_member(body, give ? "giveRealmRoles" : "takeRealmRoles"),
        realm_json_member(body, give ? "giveClientRoles" : "takeClientRoles"), &roles, &count);
    for (size_t i = 0; i < count; i++) {
        drop_role(user, roles[i]);
        if (!give)
            continue;
        user->direct = realm_text_grow(user->direct, user->direct_count + 1, sizeof(*user->direct));
        user->direct[user->direct_count++] = roles[i];
    }
    free(roles);
}

static const char *change_groups(
    struct realm *realm, struct realm_user *user, struct json_object *paths, bool join)
{
    for (size_t i = 0; i < realm_json_length(paths); i++) {
        struct realm_group *group =
            realm_group_find(realm, json_object_get_string(json_object_array_get_idx(paths, i)));
        if (group == NULL)
            return "no such group";
        if (join)
            realm_people_join(user, group);
        else
            realm_people_leave(user, group);
    }
    return NULL;
}

/* Roles and memberships; a change of either costs the order of everything. */
static const char *change_links(
    struct realm *realm, struct realm_user *user, struct json_object *body)
{
    static const char *const members[] = {"giveRealmRoles", "giveClientRoles", "takeRealmRoles",
        "takeClientRoles", "joinGroups", "leaveGroups"};
    bool any = false;
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
        any = any || realm_json_member(body, members[i]) != NULL;
    if (!any)
        return NULL;
    realm->people_changed = true;
    change_roles(realm, user, body, false);
    change_roles(realm, user, body, true);
    const char *refusal = change_groups(realm, user, realm_json_member(body, "leaveGroups"), false);
    if (refusal == NULL)
        refusal = change_groups(realm, user, realm_json_member(body, "joinGroups"), true);
    realm_people_hold(realm, user);
    realm_people_arrange(realm);
    return refusal;
}

static void close_sessions(struct realm *realm, const struct realm_user *user)
{
    for (struct realm_session *s = realm->sessions, *next; s != NULL; s = next) {
        next = s->next;
        if (s->user == user)
            realm_session_close(realm, s->id, s->offline);
    }
}

static void remove_user(struct realm *realm, struct realm_user *user)
{
    close_sessions(realm, user);
    realm_people_remove(realm, user);
    realm->people_changed = true;
}

/* Deleted, and made once more as the file has it: the same name, another id. */
static struct realm_user *make_again(struct realm *realm, struct realm_user *old)
{
    remove_user(realm, old);
    if (old->entry != NULL)
        return realm_import_user(realm, old->entry);
    struct realm_user *user = realm_fill_user(realm, old->fill);
    user->direct = realm_text_room(old->direct_count, sizeof(*user->direct));
    for (; user->direct_count < old->direct_count; user->direct_count++)
        user->direct[user->direct_count] = old->direct[user->direct_count];
    for (size_t i = 0; i < old->group_count; i++)
        realm_people_join(user, old->groups[i]);
    realm_people_hold(realm, user);
    realm_people_expect(realm, 1);
    realm_people_append(realm, user);
    return user;
}

/* Somebody new, described as in a realm file, or made again; the reason why not, or NULL. */
static const char *make(
    struct realm *realm, struct json_object *body, bool again, struct realm_user **user)
{
    if (again && *user == NULL)
        return "no such user";
    if (!again && *user != NULL)
        return "there is one already";
    if (realm->user_count + realm->gone_count > ADDED_LIMIT + realm->fill.users)
        return "too many users";
    *user = again ? make_again(realm, *user) : realm_import_user(realm, keep(realm, copy(body)));
    (*user)->added = true;
    realm->people_changed = true;
    realm_people_arrange(realm);
    return NULL;
}

static struct realm_user *user_in(const struct realm *realm, struct json_object *body)
{
    return realm_user_find(realm, realm_json_text(body, "username", ""));
}

/* The same user, the same id, another name; the reason why not, or NULL. */
static const char *rename_user(
    struct realm *realm, struct json_object *body, struct realm_user *user)
{
    const char *name = realm_json_text(body, "newUsername", NULL);
    if (name == NULL)
        return NULL;
    char *lower = realm_text_lower(name);
    const char *kept = json_object_get_string(keep(realm, json_object_new_string(lower)));
    free(lower);
    if (realm_user_find(realm, kept) != NULL)
        return "there is one already";
    if (user->name_before == NULL)
        user->name_before = user->name;
    user->name = kept;
    realm->people_changed = true;
    realm_people_arrange(realm);
    return NULL;
}

const char *realm_change_user(struct realm *realm, struct json_object *body)
{
    struct realm_user *user = user_in(realm, body);
    bool again = realm_json_flag(body, "again", false);
    bool create = realm_json_flag(body, "create", false);
    if (again || create) {
        const char *unmade = make(realm, body, again, &user);
        if (unmade != NULL || create)
            return unmade;
    }
    if (user == NULL)
        return "no such user";
    const char *refusal = rename_user(realm, body, user);
    if (refusal != NULL)
        return refusal;
    user->enabled = realm_json_flag(body, "enabled", user->enabled);
    const char *password = realm_json_text(body, "password", NULL);
    if (password != NULL)
        user->password = json_object_get_string(keep(realm, json_object_new_string(password)));
    struct json_object *actions = realm_json_member(body, "requiredActions");
    if (json_object_is_type(actions, json_type_array)) {
        json_object_put(user->actions);
        user->actions = copy(actions);
        user->action_count = realm_json_length(actions);
    }
    struct json_object *attributes = realm_json_member(body, "attributes");
    if (json_object_is_type(attributes, json_type_object))
        change_attributes(user, attributes);
    return change_links(realm, user, body);
}

const char *realm_change_delete_user(struct realm *realm, struct json_object *body)
{
    struct realm_user *user = user_in(realm, body);
    if (user == NULL)
        return "no such user";
    remove_user(realm, user);
    realm_people_arrange(realm);
    return NULL;
}

const char *realm_change_group(struct realm *realm, struct json_object *body)
{
    struct realm_group *group = realm_group_find(realm, realm_json_text(body, "path", ""));
    if (group == NULL)
        return "no such group";
    if (realm_json_flag(body, "again", false)) {
        realm_text_uuid(group->uuid);
        realm_people_arrange(realm);
    }
    return NULL;
}
