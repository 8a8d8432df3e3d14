/*
 * Whether this client may see users at all: to one that may not, the realm looks empty.
 * Used by the directory: before a sweep, and before an empty answer is believed.
 * Must never take silence or a refusal for sight.
 */
#include "daemon/sight.h"

#include "daemon/clock.h"
#include "daemon/directory_internal.h"
#include "jose/json.h"

#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE 2048u
#define NAME_SIZE 300u
#define REQUEST_US (10 * CLOCK_SECOND_US)

struct sight {
    struct directory *directory;
    struct admin_request *request;
    uint32_t until; /* seconds of CLOCK_MONOTONIC */
    LIST_HEAD(, sight_wait) waits;
};

enum kc_status sight_new(struct directory *directory, struct sight **ret_sight)
{
    struct sight *sight = calloc(1, sizeof *sight);
    if (!sight)
        return KC_NO_MEMORY;
    sight->directory = directory;
    *ret_sight = sight;
    return KC_OK;
}

void sight_cancel(struct sight_wait *wait)
{
    if (!wait->sight)
        return;
    LIST_REMOVE(wait, link);
    wait->sight = NULL;
}

bool sight_is_fresh(const struct sight *sight)
{
    return directory_now() < sight->until;
}

static void end(struct sight *sight, enum kc_status status, const char *detail)
{
    LIST_HEAD(, sight_wait) ended = LIST_HEAD_INITIALIZER(ended);
    struct sight_wait *wait;
    while ((wait = LIST_FIRST(&sight->waits))) {
        LIST_REMOVE(wait, link);
        LIST_INSERT_HEAD(&ended, wait, link);
    }
    while ((wait = LIST_FIRST(&ended))) { /* one that is cancelled meanwhile leaves this list */
        sight_cancel(wait);
        wait->done(wait->userdata, status, detail);
    }
}

void sight_reset(struct sight *sight)
{
    if (sight->request)
        admin_cancel(sight->request);
    sight->request = NULL;
    sight->until = 0;
    end(sight, KC_NOT_READY, "");
}

void sight_free(struct sight *sight)
{
    if (!sight)
        return;
    sight_reset(sight);
    free(sight);
}

/* The client's own service account: it is always there, and found like any user. */
static enum kc_status self_name(const struct config *config, char *name, size_t size)
{
    const char *client = config->directory.client.client_id ? config->directory.client.client_id
                                                            : config->realm.client.client_id;
    if (snprintf(name, size, "service-account-%s", client) >= (int)size)
        return KC_TOO_LARGE;
    for (char *at = name; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return KC_OK;
}

/* 200 with an empty list is what a client with query-users alone gets for everything. */
static enum kc_status judge(const struct sight *sight, const struct json_object *answer)
{
    char name[NAME_SIZE];
    const char *username;
    if (!json_object_is_type(answer, json_type_array))
        return KC_ANSWER_MALFORMED;
    if (json_object_array_length(answer) == 0)
        return KC_DIRECTORY_FORBIDDEN;
    return self_name(sight->directory->daemon->config, name, sizeof name) == KC_OK &&
                   jose_json_string(json_object_array_get_idx(answer, 0), "username",
                       PERSON_NAME_MAX, &username, NULL) == KC_OK &&
                   strcmp(username, name) == 0
               ? KC_OK
               : KC_ANSWER_MALFORMED;
}

static void on_self(
    void *userdata, enum kc_status status, const char *detail, const struct json_object *answer)
{
    struct sight *sight = userdata;
    sight->request = NULL;
    if (status == KC_OK)
        status = judge(sight, answer);
    else if (status == KC_NOT_FOUND)
        status = KC_ANSWER_MALFORMED;
    else if (status == KC_HTTP_FORBIDDEN)
        status = KC_DIRECTORY_FORBIDDEN;
    sight->until = status == KC_OK
                       ? directory_now() + sight->directory->daemon->config->directory.absent_ttl
                       : 0;
    end(sight, status, detail);
}

static enum kc_status self_path(const struct config *config, char *path, size_t size)
{
    char name[NAME_SIZE];
    const enum kc_status status = self_name(config, name, sizeof name);
    if (status != KC_OK)
        return status;
    snprintf(path, size, "/users?exact=true&max=1&briefRepresentation=true&username=");
    return admin_escape(name, path, size);
}

enum kc_status sight_prove(
    struct sight *sight, struct sight_wait *wait, sight_done *done, void *userdata)
{
    struct directory *directory = sight->directory;
    char path[PATH_SIZE];
    enum kc_status status = KC_OK;
    if (!sight->request) {
        status = self_path(directory->daemon->config, path, sizeof path);
        if (status == KC_OK)
            status = admin_get(
                directory->admin, path, clock_us() + REQUEST_US, on_self, sight, &sight->request);
    }
    if (status != KC_OK)
        return status;
    *wait = (struct sight_wait){.sight = sight, .done = done, .userdata = userdata};
    LIST_INSERT_HEAD(&sight->waits, wait, link);
    return KC_OK;
}
