/*
 * Upkeep: users who are known by look-up alone, asked for many at once before they are stale.
 * Used by the directory; who is in a served group the sweep renews.
 * Must never take a user who is not in an answer for one who is gone.
 */
#include "daemon/upkeep.h"

#include "daemon/clock.h"
#include "daemon/directory_internal.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define BATCH 40u /* ids that fit a URL */
#define PATH_SIZE 2000u
#define REQUEST_US (10 * CLOCK_SECOND_US)
#define PAUSE_US CLOCK_SECOND_US /* between two requests */
#define FAILED_US (30 * CLOCK_SECOND_US)
#define LATELY 3600u /* seconds since somebody asked */

struct upkeep {
    struct directory *directory;
    sd_event_source *timer;
    struct admin_request *request;
    char *ids[BATCH]; /* that are asked for */
    size_t count;
    bool singly; /* this realm takes one id at a time (Keycloak before 26) */
};

static void clear(struct upkeep *upkeep)
{
    if (upkeep->request)
        admin_cancel(upkeep->request);
    upkeep->request = NULL;
    for (size_t i = 0; i < upkeep->count; i++)
        free(upkeep->ids[i]);
    upkeep->count = 0;
}

static void plan(struct upkeep *upkeep, uint64_t pause_us)
{
    /* not at the same moment on all hosts */
    const uint64_t jitter = (uint64_t)random() % (pause_us / 4 + 1);
    (void)sd_event_source_set_time(upkeep->timer, clock_us() + pause_us + jitter);
    (void)sd_event_source_set_enabled(upkeep->timer, SD_EVENT_ONESHOT);
}

/* How often all users are looked at. */
static uint64_t period_us(const struct upkeep *upkeep)
{
    const uint32_t ttl = upkeep->directory->daemon->config->directory.found_ttl;
    const uint32_t seconds = ttl / 8 < 1 ? 1 : ttl / 8;
    return (seconds > 30 ? 30 : seconds) * CLOCK_SECOND_US;
}

/* An id with anything else in it would end early in a list of ids. */
static bool is_plain_id(const char *id)
{
    return strspn(id, "0123456789abcdefABCDEF-") == strlen(id);
}

static void note_user(void *userdata, struct known_user *user)
{
    struct upkeep *upkeep = userdata;
    const struct directory *directory = upkeep->directory;
    const uint32_t now = directory_now(), ttl = directory->daemon->config->directory.found_ttl;
    if (upkeep->count >= (upkeep->singly ? 1 : BATCH) || user->asked == 0 ||
        now - user->asked > LATELY || user->until > (int64_t)now + ttl / 3 ||
        !is_plain_id(user->id))
        return;
    upkeep->ids[upkeep->count] = strdup(user->id);
    if (upkeep->ids[upkeep->count])
        upkeep->count++;
}

static enum kc_status make_path(const struct upkeep *upkeep, char *path, size_t size)
{
    enum kc_status status = KC_OK;
    if (upkeep->count == 1) {
        snprintf(path, size, "/users/");
        return admin_escape(upkeep->ids[0], path, size);
    }
    snprintf(path, size, "/users?briefRepresentation=false&max=%u&search=id:", BATCH);
    for (size_t i = 0; i < upkeep->count && status == KC_OK; i++) {
        if (i > 0)
            status = admin_escape(" ", path, size);
        if (status == KC_OK)
            status = admin_escape(upkeep->ids[i], path, size);
    }
    return status;
}

/* Whoever was not renewed is asked for when somebody wants to know: it may be gone, or not. */
static void let_rest(struct upkeep *upkeep)
{
    struct directory *directory = upkeep->directory;
    const uint32_t now = directory_now(), ttl = directory->daemon->config->directory.found_ttl;
    for (size_t i = 0; i < upkeep->count; i++) {
        struct known_user *user = people_by_id(directory->people, upkeep->ids[i]);
        if (user && user->until < (int64_t)now + ttl)
            user->asked = 0;
    }
}

static enum kc_status take(struct upkeep *upkeep, const struct json_object *answer)
{
    struct known_user *user;
    const bool list = json_object_is_type(answer, json_type_array);
    const size_t count = list ? json_object_array_length(answer) : 1;
    enum kc_status status = list == (upkeep->count > 1) ? KC_OK : KC_ANSWER_MALFORMED;
    for (size_t i = 0; i < count && status == KC_OK; i++) {
        status = directory_take_person(
            upkeep->directory, list ? json_object_array_get_idx(answer, i) : answer, &user);
        if (kc_status_class(status) == KC_CLASS_UNKNOWN || status == KC_NOT_OURS)
            status = KC_OK;
    }
    return status;
}

static void on_answer(
    void *userdata, enum kc_status status, const char *detail, const struct json_object *answer)
{
    struct upkeep *upkeep = userdata;
    const bool many = upkeep->count > 1;
    (void)detail;
    upkeep->request = NULL;
    if (status == KC_OK && many && json_object_is_type(answer, json_type_array) &&
        json_object_array_length(answer) == 0) {
        upkeep->singly = true;
        clear(upkeep);
        plan(upkeep, PAUSE_US);
        return;
    }
    if (status == KC_OK)
        status = take(upkeep, answer);
    if (status == KC_OK || status == KC_NOT_FOUND) {
        let_rest(upkeep);
        publish_soon(upkeep->directory);
    }
    clear(upkeep);
    plan(upkeep, status == KC_OK || status == KC_NOT_FOUND ? PAUSE_US / (many ? 1 : 4) : FAILED_US);
}

static int on_time(sd_event_source *source, uint64_t now, void *userdata)
{
    struct upkeep *upkeep = userdata;
    struct directory *directory = upkeep->directory;
    char path[PATH_SIZE];
    (void)source;
    (void)now;
    clear(upkeep);
    if (directory->named)
        people_walk(directory->people, note_user, upkeep);
    if (upkeep->count == 0) {
        plan(upkeep, period_us(upkeep));
        return 0;
    }
    enum kc_status status = make_path(upkeep, path, sizeof path);
    if (status == KC_OK)
        status = admin_get(
            directory->admin, path, clock_us() + REQUEST_US, on_answer, upkeep, &upkeep->request);
    if (status != KC_OK)
        plan(upkeep, FAILED_US);
    return 0;
}

enum kc_status upkeep_new(struct directory *directory, struct upkeep **ret_upkeep)
{
    struct upkeep *upkeep = calloc(1, sizeof *upkeep);
    if (!upkeep)
        return KC_NO_MEMORY;
    upkeep->directory = directory;
    if (sd_event_add_time(directory->daemon->event, &upkeep->timer, CLOCK_MONOTONIC,
            clock_us() + period_us(upkeep), CLOCK_SECOND_US / 10, on_time, upkeep) < 0) {
        free(upkeep);
        return KC_SYSTEM;
    }
    *ret_upkeep = upkeep;
    return KC_OK;
}

void upkeep_reset(struct upkeep *upkeep)
{
    clear(upkeep);
    upkeep->singly = false;
    plan(upkeep, period_us(upkeep));
}

void upkeep_free(struct upkeep *upkeep)
{
    if (!upkeep)
        return;
    clear(upkeep);
    sd_event_source_disable_unref(upkeep->timer);
    free(upkeep);
}
