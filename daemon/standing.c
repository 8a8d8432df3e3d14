/*
 * A user's standing: what the realm's directory says of one user now, in the form of a token's
 * claims. The calls and what they show were taken from Keycloak 24.0.5 and 26.7.0.
 * Used by evidence.c. Must never leave out what it could not see as if it were not there.
 */
#include "daemon/standing.h"

#include "daemon/admin.h"
#include "daemon/standing_claims.h"
#include "daemon/clock.h"
#include "daemon/inquiry.h"
#include "jose/json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE 1024u
#define PAGE 100u
#define HOLDERS_MAX 16u                  /* groups that are asked for a client's id */
#define HIDDEN_US (60 * CLOCK_SECOND_US) /* a client that is not shown is asked for again after */

/* What is asked for, in order; the middle ones only for clients whose ids are not known. */
enum step { GROUPS, REALM_ROLES, CLIENT_LIST, OWN_MAPPINGS, GROUP_MAPPINGS, CLIENT_ROLES };

struct standing {
    struct standing_request request;
    char *id; /* the realm's; NULL before the inquiry's end */
    struct inquiry *inquiry;
    struct admin_request *asked;
    enum step step;
    unsigned first; /* of the page of groups that is under way */
    size_t client;  /* whose list or roles are asked for */
    char *holders[HOLDERS_MAX]; /* ids of groups that give roles of such a client */
    size_t holder_count, holder;
    struct json_object *claims;
    standing_done *done;
    void *userdata;
};

static void standing_free(struct standing *standing)
{
    if (standing->inquiry)
        inquiry_cancel(standing->inquiry);
    if (standing->asked)
        admin_cancel(standing->asked);
    for (size_t i = 0; i < standing->holder_count; i++)
        free(standing->holders[i]);
    json_object_put(standing->claims);
    free(standing->id);
    free(standing);
}

static void finish(struct standing *standing, enum kc_status status, const char *detail)
{
    standing->done(standing->userdata, status, detail, status == KC_OK ? standing->claims : NULL);
    standing_free(standing);
}

static struct client_id *current_client(const struct standing *standing)
{
    return &standing->request.clients->items[standing->client];
}

/* --- the ids of clients --- */

static bool all_clients_known(const struct standing *standing)
{
    const struct client_ids *clients = standing->request.clients;
    for (size_t i = 0; i < clients->count; i++)
        if (!*clients->items[i].id)
            return false;
    return true;
}

/* A group that gives roles of a client whose id is not known may tell it. */
static void note_holder(struct standing *standing, const struct json_object *group)
{
    struct client_ids *clients = standing->request.clients;
    struct json_object *roles, *names;
    const char *id;
    if (standing->holder_count >= HOLDERS_MAX ||
        jose_json_object(group, "clientRoles", &roles) != KC_OK ||
        jose_json_string(group, "id", PERSON_ID_MAX, &id, NULL) != KC_OK)
        return;
    for (size_t i = 0; i < clients->count; i++)
        if (!*clients->items[i].id &&
            jose_json_array(roles, clients->items[i].name, &names) == KC_OK) {
            char *copy = strdup(id);
            if (copy)
                standing->holders[standing->holder_count++] = copy;
            return;
        }
}

/* The answer to clients?clientId=NAME: to whom may not see clients 24 shows none, and 26 refuses. */
static void learn_from_list(struct standing *standing, const struct json_object *list)
{
    struct client_id *client = current_client(standing);
    const char *name, *id;
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        const struct json_object *item = json_object_array_get_idx(list, i);
        if (jose_json_string(item, "clientId", ACCESS_NAME_MAX, &name, NULL) == KC_OK &&
            strcmp(name, client->name) == 0 &&
            jose_json_string(item, "id", PERSON_ID_MAX, &id, NULL) == KC_OK)
            snprintf(client->id, sizeof client->id, "%s", id);
    }
    if (!*client->id)
        client->hidden_us = clock_us() + HIDDEN_US;
}

static void learn_from_mappings(struct standing *standing, const struct json_object *answer)
{
    struct json_object *mappings;
    if (jose_json_object(answer, "clientMappings", &mappings) == KC_OK)
        client_ids_learn(standing->request.clients, mappings);
}

/* --- the steps --- */

static enum kc_status append(char path[PATH_SIZE], const char *text)
{
    const size_t length = strlen(path);
    return snprintf(path + length, PATH_SIZE - length, "%s", text) < (int)(PATH_SIZE - length)
               ? KC_OK
               : KC_TOO_LARGE;
}

static enum kc_status make_path(const struct standing *standing, char path[PATH_SIZE])
{
    const bool of_user = standing->step != CLIENT_LIST && standing->step != GROUP_MAPPINGS;
    char query[128] = "/role-mappings";
    snprintf(path, PATH_SIZE, "%s",
        of_user                            ? "/users/"
        : standing->step == CLIENT_LIST    ? "/clients?clientId="
                                           : "/groups/");
    enum kc_status status = admin_escape(of_user ? standing->id
                                         : standing->step == CLIENT_LIST
                                             ? current_client(standing)->name
                                             : standing->holders[standing->holder],
        path, PATH_SIZE);
    switch (standing->step) {
    case GROUPS:
        snprintf(query, sizeof query, "/groups?briefRepresentation=%s&first=%u&max=%u",
            all_clients_known(standing) ? "true" : "false", standing->first, PAGE);
        break;
    case REALM_ROLES:
        snprintf(query, sizeof query, "/role-mappings/realm/composite");
        break;
    case CLIENT_LIST:
        *query = '\0';
        break;
    case CLIENT_ROLES:
        snprintf(query, sizeof query, "/role-mappings/clients/");
        break;
    case OWN_MAPPINGS:
    case GROUP_MAPPINGS:
        break;
    }
    if (status == KC_OK)
        status = append(path, query);
    if (status == KC_OK && standing->step == CLIENT_ROLES) {
        status = admin_escape(current_client(standing)->id, path, PATH_SIZE);
        if (status == KC_OK)
            status = append(path, "/composite");
    }
    return status;
}

/* Whether the step has something to ask about; false: it is over. */
static bool has_more(struct standing *standing)
{
    const struct client_ids *clients = standing->request.clients;
    switch (standing->step) {
    case GROUPS:
    case REALM_ROLES:
        return true;
    case CLIENT_LIST:
        while (standing->client < clients->count &&
               (*current_client(standing)->id || clock_us() < current_client(standing)->hidden_us))
            standing->client++;
        return standing->client < clients->count;
    case OWN_MAPPINGS:
        return !all_clients_known(standing);
    case GROUP_MAPPINGS:
        return standing->holder < standing->holder_count && !all_clients_known(standing);
    case CLIENT_ROLES:
        while (standing->client < clients->count && !*current_client(standing)->id)
            standing->client++;
        return standing->client < clients->count;
    }
    return false;
}

static void ask(struct standing *standing);

static void next_step(struct standing *standing)
{
    if (standing->step == CLIENT_ROLES) {
        finish(standing, KC_OK, "");
        return;
    }
    standing->step++;
    standing->client = 0;
    ask(standing);
}

/* An answer to a step that judges: what it says goes into the claims. */
static enum kc_status take(struct standing *standing, const struct json_object *list)
{
    if (standing->step == REALM_ROLES)
        return standing_claims_put_realm_roles(standing->claims, list);
    if (standing->step == CLIENT_ROLES)
        return standing_claims_put_client_roles(standing->claims, current_client(standing)->name, list);
    const enum kc_status status = standing_claims_add_groups(standing->claims, list);
    for (size_t i = 0; status == KC_OK && i < json_object_array_length(list); i++)
        note_holder(standing, json_object_array_get_idx(list, i));
    return status;
}

/* An answer to a step that only looks for ids of clients: what it does not show is not known. */
static void look(struct standing *standing, const struct json_object *answer)
{
    if (standing->step == CLIENT_LIST)
        learn_from_list(standing, json_object_is_type(answer, json_type_array) ? answer : NULL);
    else
        learn_from_mappings(standing, answer);
    standing->holder += standing->step == GROUP_MAPPINGS;
    if (standing->step == OWN_MAPPINGS)
        next_step(standing);
    else
        ask(standing);
}

static void on_answer(
    void *userdata, enum kc_status status, const char *detail, const struct json_object *answer)
{
    struct standing *standing = userdata;
    const bool looks = standing->step == CLIENT_LIST || standing->step == OWN_MAPPINGS ||
                       standing->step == GROUP_MAPPINGS;
    standing->asked = NULL;
    if (looks && (status == KC_OK || status == KC_HTTP_FORBIDDEN || status == KC_NOT_FOUND)) {
        look(standing, status == KC_OK ? answer : NULL);
        return;
    }
    if (status == KC_HTTP_FORBIDDEN)
        status = KC_DIRECTORY_FORBIDDEN;
    if (status == KC_NOT_FOUND && standing->step == CLIENT_ROLES) {
        *current_client(standing)->id = '\0'; /* the client is gone, or was made again */
        ask(standing);
        return;
    }
    if (status == KC_NOT_FOUND)
        status = KC_USER_UNKNOWN;
    if (status == KC_OK)
        status = take(standing, answer);
    if (status != KC_OK) {
        finish(standing, status, detail);
        return;
    }
    if (standing->step == GROUPS && json_object_array_length(answer) >= PAGE) {
        standing->first += PAGE;
        ask(standing);
        return;
    }
    standing->client += standing->step == CLIENT_ROLES;
    if (standing->step == CLIENT_ROLES)
        ask(standing);
    else
        next_step(standing);
}

static void ask(struct standing *standing)
{
    char path[PATH_SIZE];
    if (!has_more(standing)) {
        next_step(standing);
        return;
    }
    enum kc_status status = make_path(standing, path);
    if (status == KC_OK)
        status = admin_get(directory_admin(standing->request.directory), path,
            standing->request.deadline_us, on_answer, standing, &standing->asked);
    if (status != KC_OK)
        finish(standing, status, "");
}

static void on_person(
    void *userdata, enum kc_status status, const char *detail, struct inquiry_answer *answer)
{
    struct standing *standing = userdata;
    standing->inquiry = NULL;
    if (status == KC_OK && answer->uid != standing->request.uid)
        status = KC_NO_EVIDENCE;
    if (status == KC_OK && !answer->person->enabled)
        status = KC_ACCOUNT_DISABLED;
    if (status != KC_OK) {
        finish(standing, status, detail);
        return;
    }
    standing->id = KC_TAKE(answer->person->id);
    ask(standing);
}

enum kc_status standing_begin(const struct standing_request *request, standing_done *done,
    void *userdata, struct standing **ret_standing)
{
    struct standing *standing = calloc(1, sizeof *standing);
    if (!standing)
        return KC_NO_MEMORY;
    standing->request = *request;
    standing->request.user = NULL; /* the inquiry has it */
    standing->done = done;
    standing->userdata = userdata;
    enum kc_status status = standing_claims_new(&standing->claims);
    if (status == KC_OK)
        status = inquiry_begin(request->directory, request->user, request->deadline_us, on_person,
            standing, &standing->inquiry);
    if (status == KC_OK)
        *ret_standing = standing;
    else
        standing_free(standing);
    return status;
}

void standing_cancel(struct standing *standing)
{
    standing_free(standing);
}
