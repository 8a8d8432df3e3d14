/*
 * The Admin REST API: who may ask, and which resource a path below /admin/realms/NAME is.
 * Used by route and server; the files of the resources use the call.
 * Never changes anything itself: reads are here, admin_write and control do the writing.
 */
#include "realm/admin.h"

#include "common/cleanup.h"
#include "realm/admin_groups.h"
#include "realm/admin_users.h"
#include "realm/admin_write.h"
#include "realm/import_client.h"
#include "realm/keys.h"
#include "realm/roles.h"
#include "realm/sessions.h"
#include "realm/text.h"
#include "realm/users.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A star is any one word; two are all that follow. */
static const struct {
    const char *path;
    enum realm_endpoint endpoint;
    realm_admin_function *run;
} resources[] = {
    {"users", REALM_ENDPOINT_ADMIN_USERS, realm_admin_users},
    {"users/count", REALM_ENDPOINT_ADMIN_USERS, realm_admin_users_count},
    {"users/profile", REALM_ENDPOINT_ADMIN_OTHER, realm_admin_profile},
    {"users/*", REALM_ENDPOINT_ADMIN_USER, realm_admin_user},
    {"users/*/groups", REALM_ENDPOINT_ADMIN_USER_GROUPS, realm_admin_user_groups},
    {"users/*/role-mappings", REALM_ENDPOINT_ADMIN_ROLES, realm_admin_role_mappings},
    {"users/*/role-mappings/realm/composite", REALM_ENDPOINT_ADMIN_ROLES, realm_admin_realm_roles},
    {"users/*/role-mappings/clients/*/composite", REALM_ENDPOINT_ADMIN_ROLES,
        realm_admin_client_roles},
    {"groups", REALM_ENDPOINT_ADMIN_GROUPS, realm_admin_groups},
    {"groups/*", REALM_ENDPOINT_ADMIN_GROUP, realm_admin_group},
    {"groups/*/children", REALM_ENDPOINT_ADMIN_GROUP, realm_admin_children},
    {"groups/*/role-mappings", REALM_ENDPOINT_ADMIN_ROLES, realm_admin_group_mappings},
    {"groups/*/members", REALM_ENDPOINT_ADMIN_MEMBERS, realm_admin_members},
    {"group-by-path/**", REALM_ENDPOINT_ADMIN_GROUP, realm_admin_group_by_path},
    {"roles", REALM_ENDPOINT_ADMIN_ROLES, realm_admin_roles},
    {"clients", REALM_ENDPOINT_ADMIN_OTHER, realm_admin_clients},
    {"attack-detection/brute-force/users/*", REALM_ENDPOINT_ADMIN_OTHER, realm_admin_lock_state},
    /* other people's business, which no role of a directory reader covers */
    {"events", REALM_ENDPOINT_ADMIN_OTHER, realm_admin_forbid},
    {"admin-events", REALM_ENDPOINT_ADMIN_OTHER, realm_admin_forbid},
    {"clients/*", REALM_ENDPOINT_ADMIN_OTHER, realm_admin_forbid},
    {"roles/*/users", REALM_ENDPOINT_ADMIN_OTHER, realm_admin_forbid},
};

enum { RESOURCES = sizeof(resources) / sizeof(*resources) };

/* Compared as sent, for none of the words above needs an escape. */
static bool fits(const char *pattern, const char *path)
{
    while (*pattern != '\0') {
        if (strcmp(pattern, "**") == 0)
            return true;
        if (*pattern == '*') {
            size_t length = strcspn(path, "/");
            if (length == 0)
                return false;
            path += length;
            pattern++;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == '\0' || strcmp(path, "/") == 0;
}

static size_t resource_of(const char *path)
{
    size_t i = 0;
    while (i < RESOURCES && !fits(resources[i].path, path))
        i++;
    return i;
}

enum realm_endpoint realm_admin_kind(const char *below)
{
    const char *path = strncmp(below, "realms/", 7) == 0 ? strchr(below + 7, '/') : NULL;
    size_t i = path ? resource_of(path + 1) : (size_t)RESOURCES;
    return i < RESOURCES ? resources[i].endpoint : REALM_ENDPOINT_ADMIN_OTHER;
}

void realm_admin_forbid(struct realm_admin_call *call)
{
    if (call->realm->like == REALM_LIKE_24) {
        realm_answer_unknown(call->realm, call->answer);
        call->answer->status = 403;
    } else {
        realm_answer_error(call->answer, 403, "HTTP 403 Forbidden", NULL);
    }
}

void realm_admin_answer(struct realm_admin_call *call, struct json_object *document)
{
    const struct realm_fault *fault = &call->request->fault;
    if (json_object_is_type(document, json_type_object))
        realm_fault_set(fault, "members", document);
    for (size_t i = 0; i < realm_json_length(document); i++)
        if (json_object_is_type(json_object_array_get_idx(document, i), json_type_object))
            realm_fault_set(fault, "members", json_object_array_get_idx(document, i));
    realm_answer_json(call->answer, document, "no-cache");
    call->answer->type = "application/json;charset=UTF-8";
}

/* What follows "Bearer"; 24 does not mind more than one blank. */
static const char *bearer(const struct realm *realm, const char *authorization)
{
    if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0)
        return NULL;
    authorization += 7;
    if (realm->like == REALM_LIKE_24)
        authorization += strspn(authorization, " ");
    return authorization;
}

/* Whom a live access token of the realm's speaks for; NULL: nobody. */
static struct realm_user *caller_of(
    struct realm *realm, const struct realm_request *request, struct json_object *claims)
{
    char *issuer KC_AUTO_FREE = realm_issuer(realm, request);
    const char *sid = realm_json_text(claims, "sid", NULL);
    struct realm_session *session = sid ? realm_session_find(realm, sid, false) : NULL;
    if (sid != NULL && session == NULL)
        session = realm_session_find(realm, sid, true);
    struct realm_user *user =
        session ? session->user : realm_user_by_uuid(realm, realm_json_text(claims, "sub", NULL));
    bool good = realm_text_same(realm_json_text(claims, "typ", NULL), "Bearer") &&
                realm_text_same(realm_json_text(claims, "iss", NULL), issuer) &&
                realm_json_number(claims, "exp", 0) > realm_now(realm) &&
                realm_json_number(claims, "nbf", 0) <= realm_now(realm) &&
                realm_json_number(claims, "iat", 0) >= realm->not_before &&
                realm_json_member(realm->revoked, realm_json_text(claims, "jti", "")) == NULL;
    if (!good || (sid != NULL && session == NULL) || user == NULL || user->gone || !user->enabled)
        return NULL;
    return user;
}

static bool holds(const struct realm *realm, const struct realm_user *user, const char *name)
{
    const struct realm_role *role =
        realm_role_find(realm, realm_client_of(realm, "realm-management"), name);
    return role != NULL && user->roles[role->index];
}

/* The roles that count are those that the user has now, where the token's client may use them. */
static void read_roles(
    struct realm_admin_call *call, const struct realm_user *user, const struct realm_client *client)
{
    if (client == NULL || !client->full_scope)
        return;
    call->manage_users = holds(call->realm, user, "manage-users");
    call->view_users = call->manage_users || holds(call->realm, user, "view-users");
    call->query_users = call->view_users || holds(call->realm, user, "query-users");
    call->query_groups = call->view_users || holds(call->realm, user, "query-groups");
    call->view_clients =
        holds(call->realm, user, "manage-clients") || holds(call->realm, user, "view-clients");
    call->query_clients = call->view_clients || holds(call->realm, user, "query-clients");
}

static bool authorize(struct realm_admin_call *call)
{
    struct json_object *claims REALM_AUTO_JSON = NULL;
    struct realm *realm = call->realm;
    const char *token = bearer(realm, call->request->authorization);
    struct realm_user *user = NULL;
    if (token != NULL && realm_keys_own(realm, token, &claims))
        user = caller_of(realm, call->request, claims);
    if (user == NULL) {
        realm_answer_fault(realm, call->answer, 401, "HTTP 401 Unauthorized");
        return false;
    }
    read_roles(call, user, realm_client_of(realm, realm_json_text(claims, "azp", "")));
    return true;
}

/* Splits and decodes a path; a plus is a plus in it. False for a broken escape or too many words.
 */
static bool split(struct realm_admin_call *call, const char *path)
{
    const char *behind = path + strcspn(path, "/");
    if (!realm_form_decode_path(behind, strlen(behind), &call->rest))
        return false;
    while (*path != '\0') {
        size_t length = strcspn(path, "/");
        if (call->word_count == REALM_ADMIN_WORDS)
            return true; /* no resource has as many */
        if (!realm_form_decode_path(path, length, &call->words[call->word_count]))
            return false;
        call->word_count++;
        path += length + (path[length] == '/');
    }
    return true;
}

/* Users and groups are found before it is seen that they have no such part. */
static void no_resource(struct realm_admin_call *call)
{
    if (call->word_count >= 2 && strcmp(call->words[0], "users") == 0 &&
        realm_admin_user_of(call) == NULL)
        return;
    if (call->word_count >= 2 && strcmp(call->words[0], "groups") == 0 &&
        realm_admin_group_of(call) == NULL)
        return;
    realm_answer_fault(call->realm, call->answer, 404, "HTTP 404 Not Found");
}

/* No method but GET, and PUT of one. Whoever may not write is told that first. */
static void no_method(struct realm_admin_call *call, const char *pattern)
{
    const char *method = call->request->method;
    bool one = strcmp(pattern, "users/*") == 0 || strcmp(pattern, "groups/*") == 0;
    bool all = strcmp(pattern, "users") == 0 || strcmp(pattern, "groups") == 0;
    if (strncmp(pattern, "users/", 6) == 0 && realm_admin_user_of(call) == NULL)
        return;
    if (strncmp(pattern, "groups/", 7) == 0 && realm_admin_group_of(call) == NULL)
        return;
    if ((one && strcmp(method, "DELETE") == 0) ||
        (all && strcmp(method, "POST") == 0))
        realm_admin_forbid(call);
    else
        realm_answer_fault(call->realm, call->answer, 405, "HTTP 405 Method Not Allowed");
}

static void run(struct realm_admin_call *call, const char *path)
{
    const char *method = call->request->method;
    size_t i = resource_of(path);
    if (!split(call, path))
        realm_answer_fault(call->realm, call->answer, 400, "HTTP 400 Bad Request");
    else if (i == RESOURCES)
        no_resource(call);
    else if (strcmp(method, "GET") == 0 ||
             (strcmp(method, "HEAD") == 0 && call->realm->like != REALM_LIKE_24))
        resources[i].run(call);
    else if (strcmp(method, "PUT") == 0 && strcmp(resources[i].path, "users/*") == 0)
        realm_admin_put_user(call);
    else if (strcmp(method, "PUT") == 0 && strcmp(resources[i].path, "groups/*") == 0)
        realm_admin_put_group(call);
    else
        no_method(call, resources[i].path);
}

void realm_admin_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer)
{
    static const char realms[] = "realms/";
    struct realm_admin_call call = {.realm = realm, .request = request, .answer = answer};
    const char *below = request->below;
    size_t length = strlen(realm->name);
    if (!authorize(&call))
        return;
    if (strncmp(below, realms, strlen(realms)) != 0) {
        realm_answer_fault(realm, answer, 405, "HTTP 405 Method Not Allowed");
        return;
    }
    below += strlen(realms);
    if (strncmp(below, realm->name, length) != 0 || (below[length] != '/' && below[length] != '\0'))
        realm_answer_fault(realm, answer, 404, "Realm not found.");
    else
        run(&call, below + length + (below[length] == '/'));
    for (size_t i = 0; i < call.word_count; i++)
        free(call.words[i]);
    free(call.rest);
}
