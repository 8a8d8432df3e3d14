/*
 * Import of clients and client scopes.
 * Used by import and import_user.
 * Never invents: a scope that does not exist is left out.
 */
#include "realm/import_client.h"

#include "realm/roles.h"
#include "realm/text.h"

#include <stdlib.h>

struct realm_client *realm_client_of(const struct realm *realm, const char *id)
{
    for (size_t i = 0; i < realm->client_count; i++)
        if (realm_text_same(realm->clients[i]->id, id))
            return realm->clients[i];
    return NULL;
}

void realm_import_scopes(struct realm *realm, struct json_object *file)
{
    struct json_object *list = realm_json_member(file, "clientScopes");
    for (size_t i = 0; i < realm_json_length(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        struct realm_scope *scope = realm_text_room(1, sizeof(*scope));
        scope->name = realm_json_text(entry, "name", "");
        scope->in_token =
            realm_json_flag(realm_json_member(entry, "attributes"), "include.in.token.scope", true);
        scope->mappers = realm_json_member(entry, "protocolMappers");
        realm->scopes =
            realm_text_grow(realm->scopes, realm->scope_count + 1, sizeof(*realm->scopes));
        realm->scopes[realm->scope_count++] = scope;
    }
}

static void scope_list(const struct realm *realm, struct json_object *names,
    struct realm_scope ***ret_list, size_t *ret_count)
{
    size_t length = realm_json_length(names);
    struct realm_scope **list = realm_text_room(length, sizeof(struct realm_scope *));
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        struct realm_scope *scope =
            realm_scope_find(realm, json_object_get_string(json_object_array_get_idx(names, i)));
        if (scope != NULL)
            list[count++] = scope;
    }
    *ret_list = list;
    *ret_count = count;
}

static void import_client(
    struct realm *realm, struct json_object *entry, struct json_object *scopes)
{
    struct realm_client *client = realm_text_room(1, sizeof(*client));
    client->id = realm_json_text(entry, "clientId", "");
    realm_text_uuid(client->uuid);
    client->protocol = realm_json_text(entry, "protocol", "openid-connect");
    client->authenticator = realm_json_text(entry, "clientAuthenticatorType", "client-secret");
    client->secret = realm_json_text(entry, "secret", NULL);
    client->enabled = realm_json_flag(entry, "enabled", true);
    client->is_public = realm_json_flag(entry, "publicClient", false);
    client->bearer_only = realm_json_flag(entry, "bearerOnly", false);
    client->direct_grants = realm_json_flag(entry, "directAccessGrantsEnabled", false);
    client->service_account = realm_json_flag(entry, "serviceAccountsEnabled", false);
    client->consent = realm_json_flag(entry, "consentRequired", false);
    client->full_scope = realm_json_flag(entry, "fullScopeAllowed", true);
    client->attributes = realm_json_member(entry, "attributes");
    client->mappers = realm_json_member(entry, "protocolMappers");
    struct json_object *defaults = realm_json_member(entry, "defaultClientScopes");
    struct json_object *optionals = realm_json_member(entry, "optionalClientScopes");
    scope_list(realm, defaults ? defaults : realm_json_member(scopes, "defaultDefaultClientScopes"),
        &client->defaults, &client->default_count);
    scope_list(realm,
        optionals ? optionals : realm_json_member(scopes, "defaultOptionalClientScopes"),
        &client->optionals, &client->optional_count);
    realm->clients =
        realm_text_grow(realm->clients, realm->client_count + 1, sizeof(*realm->clients));
    realm->clients[realm->client_count++] = client;
}

static void free_client(struct realm_client *client)
{
    free(client->defaults);
    free(client->optionals);
    free(client);
}

/* A client of the file takes the place of one that Keycloak would have made. */
static void drop_client(struct realm *realm, const char *id)
{
    for (size_t i = 0; i < realm->client_count; i++) {
        if (!realm_text_same(realm->clients[i]->id, id))
            continue;
        free_client(realm->clients[i]);
        realm->clients[i] = realm->clients[--realm->client_count];
        return;
    }
}

void realm_import_clients(struct realm *realm, struct json_object *file, struct json_object *scopes)
{
    struct json_object *list = realm_json_member(file, "clients");
    for (size_t i = 0; i < realm_json_length(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        drop_client(realm, realm_json_text(entry, "clientId", ""));
        import_client(realm, entry, scopes);
    }
}

static void need_role(struct realm *realm, const char *scope_name,
    const struct realm_client *client, struct json_object *names)
{
    struct realm_scope *scope = realm_scope_find(realm, scope_name);
    for (size_t i = 0; scope != NULL && i < realm_json_length(names); i++) {
        struct realm_role *role = realm_role_find(
            realm, client, json_object_get_string(json_object_array_get_idx(names, i)));
        if (role == NULL)
            continue;
        scope->roles =
            realm_text_grow(scope->roles, scope->role_count + 1, sizeof(struct realm_role *));
        scope->roles[scope->role_count++] = role;
    }
}

static void mappings_of(
    struct realm *realm, const struct realm_client *client, struct json_object *list)
{
    for (size_t i = 0; i < realm_json_length(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        need_role(realm, realm_json_text(entry, "clientScope", NULL), client,
            realm_json_member(entry, "roles"));
    }
}

void realm_import_scope_roles(struct realm *realm, struct json_object *file)
{
    mappings_of(realm, NULL, realm_json_member(file, "scopeMappings"));
    struct json_object *of_clients = realm_json_member(file, "clientScopeMappings");
    if (!json_object_is_type(of_clients, json_type_object))
        return;
    json_object_object_foreach(of_clients, id, list)
    {
        const struct realm_client *client = realm_client_of(realm, id);
        if (client != NULL)
            mappings_of(realm, client, list);
    }
}

void realm_import_free_clients(struct realm *realm)
{
    for (size_t i = 0; i < realm->client_count; i++)
        free_client(realm->clients[i]);
    free(realm->clients);
}
