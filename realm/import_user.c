/*
 * Import of users, and of lists of roles wherever the file has them.
 * Used by import.
 * Never invents: a role that does not exist is left out.
 */
#include "realm/import_user.h"

#include "realm/fill.h"
#include "realm/import_client.h"
#include "realm/people.h"
#include "realm/roles.h"
#include "realm/text.h"

#include <stdlib.h>
#include <string.h>

static void append(struct realm_role *role, struct realm_role ***roles, size_t *count)
{
    if (role == NULL)
        return;
    *roles = realm_text_grow(*roles, *count + 1, sizeof(struct realm_role *));
    (*roles)[(*count)++] = role;
}

void realm_import_role_list(const struct realm *realm, struct json_object *of_realm,
    struct json_object *of_clients, struct realm_role ***ret_roles, size_t *ret_count)
{
    struct realm_role **roles = NULL;
    size_t count = 0;
    for (size_t i = 0; i < realm_json_length(of_realm); i++)
        append(realm_role_find(
                   realm, NULL, json_object_get_string(json_object_array_get_idx(of_realm, i))),
            &roles, &count);
    if (json_object_is_type(of_clients, json_type_object)) {
        json_object_object_foreach(of_clients, id, names)
        {
            const struct realm_client *client = realm_client_of(realm, id);
            for (size_t i = 0; client != NULL && i < realm_json_length(names); i++)
                append(realm_role_find(realm, client,
                           json_object_get_string(json_object_array_get_idx(names, i))),
                    &roles, &count);
        }
    }
    *ret_roles = roles;
    *ret_count = count;
}

/* RFC 4648 base32; anything else ends it. */
static size_t base32(const char *text, uint8_t *ret_bytes)
{
    unsigned group = 0, bits = 0;
    size_t length = 0;
    for (; *text; text++) {
        unsigned value;
        if (*text >= 'A' && *text <= 'Z')
            value = (unsigned)(*text - 'A');
        else if (*text >= '2' && *text <= '7')
            value = (unsigned)(*text - '2') + 26;
        else
            break;
        group = (group << 5 | value) & 0xfff;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            ret_bytes[length++] = (uint8_t)(group >> bits);
        }
    }
    return length;
}

/* Without secretEncoding BASE32 the characters of the text are the key. */
static void import_totp(struct realm_user *user, struct json_object *credential)
{
    struct json_object *secret REALM_AUTO_JSON =
        json_tokener_parse(realm_json_text(credential, "secretData", "{}"));
    struct json_object *data REALM_AUTO_JSON =
        json_tokener_parse(realm_json_text(credential, "credentialData", "{}"));
    const char *value = realm_json_text(secret, "value", "");
    user->totp.secret = realm_text_room(strlen(value) + 1, 1);
    if (realm_text_same(realm_json_text(data, "secretEncoding", ""), "BASE32")) {
        user->totp.length = base32(value, user->totp.secret);
    } else {
        user->totp.length = strlen(value);
        memcpy(user->totp.secret, value, user->totp.length);
    }
    user->totp.digits = (unsigned)realm_json_number(data, "digits", 6);
    user->totp.period = (unsigned)realm_json_number(data, "period", 30);
    user->totp.last_step = -1;
}

static void import_credentials(struct realm_user *user, struct json_object *list)
{
    for (size_t i = 0; i < realm_json_length(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        const char *type = realm_json_text(entry, "type", "");
        if (realm_text_same(type, "otp") && user->totp.secret == NULL)
            import_totp(user, entry);
    }
}

void realm_import_user_links(const struct realm *realm, struct realm_user *user)
{
    struct json_object *paths = realm_json_member(user->entry, "groups");
    if (user->entry == NULL)
        return;
    free(user->direct);
    realm_import_role_list(realm, realm_json_member(user->entry, "realmRoles"),
        realm_json_member(user->entry, "clientRoles"), &user->direct, &user->direct_count);
    user->group_count = 0;
    for (size_t i = 0; i < realm_json_length(paths); i++) {
        struct realm_group *group =
            realm_group_find(realm, json_object_get_string(json_object_array_get_idx(paths, i)));
        if (group != NULL)
            realm_people_join(user, group);
    }
    realm_people_hold(realm, user);
}

/* Keycloak keeps user names in lower case. One that is so already stays: somebody may have it. */
static void lower_name(struct json_object *entry)
{
    const char *before = realm_json_text(entry, "username", NULL);
    char *name = realm_text_lower(before ? before : "");
    if (!realm_text_same(before, name))
        realm_json_put_text(entry, "username", name);
    free(name);
}

/* As at the start, but for the links. */
static void again_filled(struct realm_user *user)
{
    user->enabled = true;
    user->action_count = 0;
    user->password = realm_fill_password;
}

static void again_imported(struct realm_user *user)
{
    struct json_object *list = realm_json_member(user->entry, "credentials");
    user->enabled = realm_json_flag(user->entry, "enabled", false);
    user->action_count = realm_json_length(realm_json_member(user->entry, "requiredActions"));
    user->password = NULL;
    for (size_t i = 0; i < realm_json_length(list); i++) {
        struct json_object *credential = json_object_array_get_idx(list, i);
        if (realm_text_same(realm_json_text(credential, "type", ""), "password"))
            user->password = realm_json_text(credential, "value", NULL);
    }
}

void realm_import_user_again(struct realm_user *user)
{
    json_object_put(user->actions);
    user->actions = NULL;
    realm_user_set_attributes(user, NULL);
    user->attributes_owned = false;
    user->attributes = realm_json_member(user->entry, "attributes");
    if (user->entry == NULL)
        again_filled(user);
    else
        again_imported(user);
}

struct realm_user *realm_import_user(struct realm *realm, struct json_object *entry)
{
    struct realm_user *user = realm_text_room(1, sizeof(*user));
    lower_name(entry);
    user->entry = entry;
    user->name = realm_json_text(entry, "username", "");
    realm_text_uuid(user->uuid);
    user->created_ms = realm_json_number(entry, "createdTimestamp", realm_now_ms(realm));
    user->email = realm_json_text(entry, "email", NULL);
    user->first_name = realm_json_text(entry, "firstName", NULL);
    user->last_name = realm_json_text(entry, "lastName", NULL);
    user->email_verified = realm_json_flag(entry, "emailVerified", false);
    const char *service = realm_json_text(entry, "serviceAccountClientId", NULL);
    user->service_client = service ? realm_client_of(realm, service) : NULL;
    user->roles = realm_text_room(realm->role_count, sizeof(bool));
    realm_import_user_links(realm, user);
    import_credentials(user, realm_json_member(entry, "credentials"));
    realm_import_user_again(user);
    realm_people_expect(realm, 1);
    realm_people_append(realm, user);
    return user;
}

void realm_import_users(struct realm *realm, struct json_object *file)
{
    struct json_object *list = realm_json_member(file, "users");
    for (size_t i = 0; i < realm_json_length(list); i++)
        if (json_object_is_type(json_object_array_get_idx(list, i), json_type_object))
            realm_import_user(realm, json_object_array_get_idx(list, i));
}
