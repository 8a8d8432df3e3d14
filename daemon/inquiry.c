/*
 * An inquiry: one user asked for at the realm by name, now, whatever the directory remembers.
 * Used by whoever must not act on what was true minutes ago: the account phase, SSH keys.
 * Must never take an empty answer for "no such user" of somebody who is known.
 */
#include "daemon/inquiry.h"

#include "common/limits.h"
#include "common/name.h"
#include "daemon/admin.h"
#include "daemon/directory.h"
#include "daemon/sight.h"
#include "jose/json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE 1024u

struct inquiry {
    struct directory *directory;
    char name[KC_LOOKUP_NAME_MAX];
    uint64_t deadline_us;
    struct admin_request *request;
    struct sight_wait sight; /* before an absence is believed */
    inquiry_done *done;
    void *userdata;
};

static void finish(struct inquiry *inquiry, enum kc_status status, const char *detail,
    struct inquiry_answer *answer)
{
    inquiry->done(inquiry->userdata, status, detail, answer);
    free(inquiry);
}

/* What is wrong with the client that asks is nothing that this user has. */
static enum kc_status refusal(enum kc_status status)
{
    if (status == KC_HTTP_FORBIDDEN)
        return KC_DIRECTORY_FORBIDDEN;
    return status == KC_NOT_FOUND ? KC_ANSWER_MALFORMED : status;
}

static void take(struct inquiry *inquiry, const struct json_object *user)
{
    PERSON_AUTO struct person *person = NULL;
    struct inquiry_answer answer = {0};
    enum kc_status status = directory_learn(inquiry->directory, user, &person, &answer.uid);
    if (status != KC_OK) {
        finish(inquiry, status, "", NULL);
        return;
    }
    answer.person = KC_TAKE(person);
    finish(inquiry, KC_OK, "", &answer);
    person_free(answer.person);
}

/* The user of exactly this name: the realm's own comparison knows no case. NULL: none. */
static const struct json_object *find(const struct json_object *list, const char *name)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        const struct json_object *item = json_object_array_get_idx(list, i);
        const char *username;
        if (jose_json_string(item, "username", PERSON_NAME_MAX, &username, NULL) == KC_OK &&
            strcmp(username, name) == 0)
            return item;
    }
    return NULL;
}

static void on_sight(void *userdata, enum kc_status status, const char *detail)
{
    finish(userdata, status == KC_OK ? KC_USER_UNKNOWN : status, detail, NULL);
}

/* The realm has nobody of that name, if this client may see people at all. */
static void believe(struct inquiry *inquiry)
{
    struct sight *sight = directory_sight(inquiry->directory);
    if (sight_is_fresh(sight)) {
        on_sight(inquiry, KC_OK, "");
        return;
    }
    const enum kc_status status = sight_prove(sight, &inquiry->sight, on_sight, inquiry);
    if (status != KC_OK)
        finish(inquiry, status, "", NULL);
}

/* 404 is the end of somebody who was known, and so is another name. */
static void on_known(
    void *userdata, enum kc_status status, const char *detail, const struct json_object *answer)
{
    struct inquiry *inquiry = userdata;
    const char *username;
    inquiry->request = NULL;
    if (status == KC_NOT_FOUND) {
        believe(inquiry);
        return;
    }
    if (status == KC_OK &&
        jose_json_string(answer, "username", PERSON_NAME_MAX, &username, NULL) == KC_OK &&
        strcmp(username, inquiry->name) != 0)
        status = KC_USER_UNKNOWN;
    else if (status == KC_OK)
        status = KC_ANSWER_MALFORMED; /* there by id, and not there by the same name */
    finish(inquiry, refusal(status), detail, NULL);
}

/*
 * Nobody of that name was in the answer. To a client that may see nobody the realm answers so for
 * everybody; asked for an id, it says whether it is that.
 */
static void doubt(struct inquiry *inquiry)
{
    char path[PATH_SIZE] = "/users/";
    const char *id = directory_user_id(inquiry->directory, inquiry->name);
    if (!id) {
        believe(inquiry);
        return;
    }
    enum kc_status status = admin_escape(id, path, sizeof path);
    if (status == KC_OK)
        status = admin_get(directory_admin(inquiry->directory), path, inquiry->deadline_us,
            on_known, inquiry, &inquiry->request);
    if (status != KC_OK)
        finish(inquiry, status, "", NULL);
}

static void on_user(
    void *userdata, enum kc_status status, const char *detail, const struct json_object *answer)
{
    struct inquiry *inquiry = userdata;
    inquiry->request = NULL;
    if (status == KC_OK && !json_object_is_type(answer, json_type_array))
        status = KC_ANSWER_MALFORMED;
    if (status != KC_OK) {
        finish(inquiry, refusal(status), detail, NULL);
        return;
    }
    const struct json_object *user = find(answer, inquiry->name);
    if (user)
        take(inquiry, user);
    else
        doubt(inquiry);
}

/* By name, though an id would be cheaper there: until 26.3 a user who is asked for by id looks
 * disabled while wrong guesses keep the password locked. */
enum kc_status inquiry_begin(struct directory *directory, const char *name, uint64_t deadline_us,
    inquiry_done *done, void *userdata, struct inquiry **ret_inquiry)
{
    char path[PATH_SIZE] = "/users?exact=true&max=2&briefRepresentation=false&username=";
    if (!kc_name_valid_user(name, strnlen(name, KC_LOOKUP_NAME_MAX)))
        return KC_USER_UNKNOWN;
    enum kc_status status = admin_escape(name, path, sizeof path);
    if (status != KC_OK)
        return status;
    struct inquiry *inquiry = calloc(1, sizeof *inquiry);
    if (!inquiry)
        return KC_NO_MEMORY;
    inquiry->directory = directory;
    inquiry->deadline_us = deadline_us;
    inquiry->done = done;
    inquiry->userdata = userdata;
    snprintf(inquiry->name, sizeof inquiry->name, "%s", name);
    status = admin_get(directory_admin(directory), path, deadline_us, on_user, inquiry,
        &inquiry->request);
    if (status == KC_OK)
        *ret_inquiry = inquiry;
    else
        free(inquiry);
    return status;
}

void inquiry_cancel(struct inquiry *inquiry)
{
    if (inquiry->request)
        admin_cancel(inquiry->request);
    sight_cancel(&inquiry->sight);
    free(inquiry);
}
