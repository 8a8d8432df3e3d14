/*
 * Representations: users, groups and roles as the Admin REST API writes them.
 * Used by the files of the Admin API alone.
 * Never shows what Keycloak's user profile hides from administrators.
 */
#include "realm/represent.h"

#include "realm/people.h"
#include "realm/text.h"

#include <stdlib.h>
#include <string.h>

struct json_object *realm_represent_profile(const struct realm *realm)
{
    struct json_object *list = realm_json_member(realm_json_member(realm->file, "components"),
        "org.keycloak.userprofile.UserProfileProvider");
    struct json_object *texts = realm_json_member(
        realm_json_member(
            realm_json_length(list) ? json_object_array_get_idx(list, 0) : NULL, "config"),
        "kc.user.profile.config");
    if (realm_json_length(texts) == 0)
        return NULL;
    return json_tokener_parse(json_object_get_string(json_object_array_get_idx(texts, 0)));
}

static bool admin_views(struct json_object *attribute)
{
    struct json_object *permissions = realm_json_member(attribute, "permissions");
    struct json_object *view = realm_json_member(permissions, "view");
    for (size_t i = 0; i < realm_json_length(view); i++)
        if (realm_text_same(json_object_get_string(json_object_array_get_idx(view, i)), "admin"))
            return true;
    return permissions == NULL;
}

static bool declared(struct json_object *profile, const char *name)
{
    struct json_object *list = realm_json_member(profile, "attributes");
    for (size_t i = 0; i < realm_json_length(list); i++) {
        struct json_object *attribute = json_object_array_get_idx(list, i);
        if (realm_text_same(realm_json_text(attribute, "name", NULL), name))
            return admin_views(attribute);
    }
    return false;
}

/* 24 hides what is not declared from who asks for one user only. */
static bool hides(
    const struct realm *realm, struct json_object *profile, enum realm_user_access access)
{
    const char *policy = realm_json_text(profile, "unmanagedAttributePolicy", "DISABLED");
    bool shown = realm_text_same(policy, "ENABLED") || realm_text_same(policy, "ADMIN_EDIT") ||
                 realm_text_same(policy, "ADMIN_VIEW");
    return !shown && (realm->like != REALM_LIKE_24 || access == REALM_ACCESS_ONE);
}

static void put_attributes(const struct realm *realm, const struct realm_user *user,
    enum realm_user_access access, struct json_object *document)
{
    struct json_object *attributes REALM_AUTO_JSON = realm_user_attributes(user);
    struct json_object *profile = realm->profile, *shown = json_object_new_object();
    bool hide = hides(realm, profile, access);
    if (json_object_is_type(attributes, json_type_object)) {
        json_object_object_foreach(attributes, name, values)
        {
            if (realm_json_length(values) > 0 && (!hide || declared(profile, name)))
                json_object_object_add(shown, name, json_object_get(values));
        }
    }
    if (json_object_object_length(shown) > 0)
        json_object_object_add(document, "attributes", shown);
    else
        json_object_put(shown);
}

static void put_access(const struct realm *realm, enum realm_user_access access, bool manage,
    struct json_object *document)
{
    struct json_object *flags = json_object_new_object();
    if (access == REALM_ACCESS_ONE || realm->like == REALM_LIKE_24) {
        realm_json_put_flag(flags, "manageGroupMembership", manage);
        realm_json_put_flag(flags, "view", true);
        realm_json_put_flag(flags, "mapRoles", manage);
        realm_json_put_flag(flags, "impersonate", false);
        if (realm->like != REALM_LIKE_24)
            realm_json_put_flag(flags, "resetPassword", manage);
    }
    realm_json_put_flag(flags, "manage", manage);
    json_object_object_add(document, "access", flags);
}

static struct json_object *actions_of(const struct realm_user *user)
{
    struct json_object *list =
        user->actions ? user->actions : realm_json_member(user->entry, "requiredActions");
    return json_object_is_type(list, json_type_array) ? json_object_get(list)
                                                      : json_object_new_array();
}

static void put_if(struct json_object *document, const char *name, const char *value)
{
    if (value != NULL)
        realm_json_put_text(document, name, value);
}

struct json_object *realm_represent_user(const struct realm *realm, const struct realm_user *user,
    bool full, enum realm_user_access access, bool manage)
{
    struct json_object *document = json_object_new_object();
    realm_json_put_text(document, "id", user->uuid);
    realm_json_put_text(document, "username", user->name);
    put_if(document, "firstName", user->first_name);
    put_if(document, "lastName", user->last_name);
    put_if(document, "email", user->email);
    realm_json_put_flag(document, "emailVerified", user->email_verified);
    if (full)
        put_attributes(realm, user, access, document);
    realm_json_put_flag(document, "enabled", user->enabled);
    if (realm->like != REALM_LIKE_24)
        realm_json_put_number(document, "createdTimestamp", user->created_ms);
    if (full) {
        realm_json_put_flag(document, "totp", user->totp.secret != NULL);
        json_object_object_add(document, "disableableCredentialTypes", json_object_new_array());
        json_object_object_add(document, "requiredActions", actions_of(user));
        realm_json_put_number(document, "notBefore", 0);
    }
    if (access != REALM_ACCESS_NONE)
        put_access(realm, access, manage, document);
    return document;
}

static void put_group_roles(const struct realm_group *group, struct json_object *document)
{
    struct json_object *of_realm = json_object_new_array(), *of_clients = json_object_new_object();
    for (size_t i = 0; i < group->role_count; i++) {
        const struct realm_role *role = group->roles[i];
        struct json_object *list = of_realm;
        if (role->client != NULL) {
            list = realm_json_member(of_clients, role->client->id);
            if (list == NULL) {
                list = json_object_new_array();
                json_object_object_add(of_clients, role->client->id, list);
            }
        }
        json_object_array_add(list, json_object_new_string(role->name));
    }
    json_object_object_add(document, "realmRoles", of_realm);
    json_object_object_add(document, "clientRoles", of_clients);
}

struct json_object *realm_represent_group(
    const struct realm_group *group, const struct realm_group_look *look)
{
    struct json_object *document = json_object_new_object();
    realm_json_put_text(document, "id", group->uuid);
    realm_json_put_text(document, "name", group->name);
    realm_json_put_text(document, "path", group->path);
    if (group->parent != NULL)
        realm_json_put_text(document, "parentId", group->parent->uuid);
    if (look->count)
        realm_json_put_number(document, "subGroupCount", (int64_t)group->child_count);
    json_object_object_add(document, "subGroups", json_object_new_array());
    if (look->full) {
        json_object_object_add(document, "attributes",
            realm_group_attributes(group) ? json_object_get(realm_group_attributes(group))
                                          : json_object_new_object());
        put_group_roles(group, document);
    }
    if (look->access) {
        struct json_object *flags = json_object_new_object();
        realm_json_put_flag(flags, "view", true);
        realm_json_put_flag(flags, "viewMembers", true);
        realm_json_put_flag(flags, "manageMembers", look->manage);
        realm_json_put_flag(flags, "manage", look->manage);
        realm_json_put_flag(flags, "manageMembership", look->manage);
        json_object_object_add(document, "access", flags);
    }
    return document;
}

/* The descriptions of Keycloak's own roles are keys of its translations. */
static void put_description(const struct realm_role *role, struct json_object *document)
{
    const char *name = role->name;
    char *text = NULL;
    if (role->description != NULL)
        text = realm_text_copy(role->description);
    else if (!role->builtin)
        return;
    else if (strncmp(name, "default-roles-", 14) == 0)
        text = realm_text_copy("${role_default-roles}");
    else if (strcmp(name, "offline_access") == 0)
        text = realm_text_copy("${role_offline-access}");
    else
        text = realm_text_format("${role_%s}", name);
    realm_json_put_text(document, "description", text);
    free(text);
}

struct json_object *realm_represent_role(const struct realm *realm, const struct realm_role *role)
{
    struct json_object *document = json_object_new_object();
    realm_json_put_text(document, "id", role->uuid);
    realm_json_put_text(document, "name", role->name);
    put_description(role, document);
    realm_json_put_flag(document, "composite", role->part_count > 0);
    realm_json_put_flag(document, "clientRole", role->client != NULL);
    realm_json_put_text(document, "containerId", role->client ? role->client->uuid : realm->uuid);
    return document;
}
