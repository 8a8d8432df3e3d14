/*
 * Roles of users, and clients, in the Admin REST API.
 * Used by admin alone.
 * Never tells more than the caller's roles permit.
 */
#include "realm/admin_groups.h"
#include "realm/admin_users.h"
#include "realm/represent.h"
#include "realm/text.h"
#include "realm/users.h"

#include <string.h>

/* A client that is not there is found out before anybody's right to look. */
static const struct realm_client *client_of(struct realm_admin_call *call)
{
    for (size_t i = 0; i < call->realm->client_count; i++)
        if (strcmp(call->realm->clients[i]->uuid, call->words[4]) == 0)
            return call->realm->clients[i];
    realm_answer_fault(call->realm, call->answer, 404, "Client not found");
    return NULL;
}

static void answer_effective(
    struct realm_admin_call *call, const struct realm_user *user, const struct realm_client *client)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < call->realm->role_count; i++)
        if (user->roles[i] && call->realm->roles[i]->client == client)
            json_object_array_add(list, realm_represent_role(call->realm, call->realm->roles[i]));
    realm_admin_answer(call, list);
}

void realm_admin_realm_roles(struct realm_admin_call *call)
{
    const struct realm_user *user = realm_admin_user_of(call);
    if (user == NULL)
        return;
    if (call->view_users)
        answer_effective(call, user, NULL);
    else
        realm_admin_forbid(call);
}

void realm_admin_client_roles(struct realm_admin_call *call)
{
    const struct realm_user *user = realm_admin_user_of(call);
    const struct realm_client *client = user ? client_of(call) : NULL;
    if (client == NULL)
        return;
    if (call->view_users)
        answer_effective(call, user, client);
    else
        realm_admin_forbid(call);
}

static struct json_object *mappings_at(
    struct json_object *clients, const struct realm_client *client)
{
    struct json_object *entry = realm_json_member(clients, client->id);
    if (entry != NULL)
        return realm_json_member(entry, "mappings");
    struct json_object *list = json_object_new_array();
    entry = json_object_new_object();
    realm_json_put_text(entry, "id", client->uuid);
    realm_json_put_text(entry, "client", client->id);
    json_object_object_add(entry, "mappings", list);
    json_object_object_add(clients, client->id, entry);
    return list;
}

static void answer_mappings(
    struct realm_admin_call *call, struct realm_role *const *roles, size_t count)
{
    struct json_object *of_realm = json_object_new_array(), *of_clients = json_object_new_object();
    for (size_t i = 0; i < count; i++) {
        const struct realm_role *role = roles[i];
        struct json_object *list = role->client ? mappings_at(of_clients, role->client) : of_realm;
        json_object_array_add(list, realm_represent_role(call->realm, role));
    }
    struct json_object *document = json_object_new_object();
    if (realm_json_length(of_realm) > 0)
        json_object_object_add(document, "realmMappings", json_object_get(of_realm));
    if (json_object_object_length(of_clients) > 0)
        json_object_object_add(document, "clientMappings", json_object_get(of_clients));
    json_object_put(of_realm);
    json_object_put(of_clients);
    realm_admin_answer(call, document);
}

/* The user's own roles alone, neither those of groups nor what they are composed of. */
void realm_admin_role_mappings(struct realm_admin_call *call)
{
    const struct realm_user *user = realm_admin_user_of(call);
    if (user == NULL)
        return;
    if (call->view_users)
        answer_mappings(call, user->direct, user->direct_count);
    else
        realm_admin_forbid(call);
}

/* The same of a group. */
void realm_admin_group_mappings(struct realm_admin_call *call)
{
    const struct realm_group *group = realm_admin_group_of(call);
    if (group == NULL)
        return;
    if (call->view_users)
        answer_mappings(call, group->roles, group->role_count);
    else
        realm_admin_forbid(call);
}

/* 24 tells a directory's reader which roles there are; 26 does not. */
void realm_admin_roles(struct realm_admin_call *call)
{
    if (!call->query_users || call->realm->like != REALM_LIKE_24) {
        realm_admin_forbid(call);
        return;
    }
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < call->realm->role_count; i++)
        if (call->realm->roles[i]->client == NULL)
            json_object_array_add(list, realm_represent_role(call->realm, call->realm->roles[i]));
    realm_admin_answer(call, list);
}

/* 24 shows nothing where 26 refuses. */
void realm_admin_clients(struct realm_admin_call *call)
{
    const char *id = realm_form_value(&call->request->query, "clientId");
    bool part = realm_admin_flag(call, "search", false);
    bool reader = call->realm->like == REALM_LIKE_24 && call->query_users;
    if (!call->query_clients && !reader) {
        realm_admin_forbid(call);
        return;
    }
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; call->view_clients && i < call->realm->client_count; i++) {
        const struct realm_client *client = call->realm->clients[i];
        bool fits =
            id == NULL || *id == '\0' ||
            (part ? realm_admin_contains(client->id, id, true) : strcmp(client->id, id) == 0);
        if (!fits)
            continue;
        struct json_object *document = json_object_new_object();
        realm_json_put_text(document, "id", client->uuid);
        realm_json_put_text(document, "clientId", client->id);
        realm_json_put_flag(document, "enabled", client->enabled);
        realm_json_put_flag(document, "publicClient", client->is_public);
        realm_json_put_flag(document, "serviceAccountsEnabled", client->service_account);
        realm_json_put_text(document, "protocol", client->protocol);
        json_object_array_add(list, document);
    }
    realm_admin_answer(call, list);
}
