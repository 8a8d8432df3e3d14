/*
 * The SSH keys of realm users: one place for each user who was asked for lately.
 * Used by lookup.c. However many wait for somebody's keys, the realm is asked once.
 * Must never give a key of somebody who is disabled, gone, or the host's own.
 */
#include "daemon/clock.h"
#include "daemon/directory.h"
#include "daemon/ssh_keys_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PLACES_MAX 512u
#define WAITS_MAX 512u
#define INQUIRY_US (5 * CLOCK_SECOND_US) /* it goes on when those who waited have gone */

void ssh_keys_forget(struct ssh_keys_place *place)
{
    free(KC_TAKE(place->id));
    free(KC_TAKE(place->text));
    place->list = (struct ssh_keys_list){0};
    place->till_us = 0;
    place->refusal = KC_OK;
}

static void place_free(struct ssh_keys_place *place)
{
    TAILQ_REMOVE(&place->keys->places, place, link);
    place->keys->place_count--;
    if (place->inquiry)
        inquiry_cancel(place->inquiry);
    if (place->read)
        state_read_cancel(place->read);
    ssh_keys_forget(place);
    free(place);
}

static void end_wait(
    struct ssh_keys_wait *wait, enum kc_status status, const struct ssh_keys_list *list)
{
    ssh_keys_found *found = wait->found;
    void *userdata = wait->userdata;
    LIST_REMOVE(wait, link);
    if (wait->ended)
        *wait->ended = true;
    wait->keys->wait_count--;
    sd_event_source_disable_unref(wait->timer);
    free(wait);
    found(userdata, status, list);
}

void ssh_keys_end(
    struct ssh_keys_place *place, enum kc_status status, const struct ssh_keys_list *list)
{
    struct ssh_keys_waits waits = LIST_HEAD_INITIALIZER(waits);
    struct ssh_keys_wait *wait;
    while ((wait = LIST_FIRST(&place->waits))) {
        LIST_REMOVE(wait, link);
        LIST_INSERT_HEAD(&waits, wait, link);
    }
    while ((wait = LIST_FIRST(&waits)))
        end_wait(wait, status, list);
}

static struct ssh_keys_place *find(const struct ssh_keys *keys, const char *name)
{
    struct ssh_keys_place *place;
    TAILQ_FOREACH(place, &keys->places, link)
    if (strcmp(place->name, name) == 0)
        return place;
    return NULL;
}

/* Makes room where there is none; who is being asked for stays. */
static bool make_room(struct ssh_keys *keys)
{
    struct ssh_keys_place *place;
    if (keys->place_count < PLACES_MAX)
        return true;
    TAILQ_FOREACH_REVERSE(place, &keys->places, ssh_keys_places, link)
    if (!place->inquiry && !place->read) {
        place_free(place);
        return true;
    }
    return false;
}

static enum kc_status place_of(struct ssh_keys *keys, const char *name, struct ssh_keys_place **ret_place)
{
    struct ssh_keys_place *place = find(keys, name);
    if (place) {
        TAILQ_REMOVE(&keys->places, place, link);
    } else {
        if (!make_room(keys))
            return KC_BUSY;
        place = calloc(1, sizeof *place);
        if (!place)
            return KC_NO_MEMORY;
        place->keys = keys;
        snprintf(place->name, sizeof place->name, "%s", name);
        keys->place_count++;
    }
    TAILQ_INSERT_HEAD(&keys->places, place, link);
    *ret_place = place;
    return KC_OK;
}

static enum kc_status take_keys(struct ssh_keys_place *place, const struct person *person)
{
    enum kc_status status = KC_OK;
    for (size_t i = 0; person->keys && person->keys[i] && status == KC_OK; i++)
        status = ssh_keys_add(place, person->keys[i], strlen(person->keys[i]));
    return status;
}

static enum kc_status learn(struct ssh_keys_place *place, const struct inquiry_answer *answer)
{
    const uint64_t life =
        (uint64_t)place->keys->daemon->config->directory.found_ttl * CLOCK_SECOND_US;
    ssh_keys_forget(place);
    if (!answer->person->enabled) {
        ssh_keys_keep(place, answer->person);
        return KC_ACCOUNT_DISABLED;
    }
    place->id = strdup(answer->person->id);
    enum kc_status status = place->id ? take_keys(place, answer->person) : KC_NO_MEMORY;
    if (status != KC_OK) {
        ssh_keys_forget(place);
        return status;
    }
    place->list.uid = answer->uid;
    place->at = (int64_t)time(NULL);
    place->till_us = clock_us() + life;
    ssh_keys_keep(place, answer->person);
    return KC_OK;
}

/* Whether this is the realm's word that there are no keys, and not that nobody knows. */
static bool is_refusal(enum kc_status status)
{
    return status == KC_ACCOUNT_DISABLED || status == KC_NOT_OURS ||
           kc_status_class(status) == KC_CLASS_UNKNOWN;
}

/* A refusal is remembered, too: else whoever knocks at a disabled user's door spends the questions
 * that sshd has for everybody. */
static void refuse(struct ssh_keys_place *place, enum kc_status status)
{
    const struct config_directory *directory = &place->keys->daemon->config->directory;
    ssh_keys_forget(place);
    place->refusal = status;
    place->till_us = clock_us() + (uint64_t)directory->absent_ttl * CLOCK_SECOND_US;
}

static void on_inquiry(
    void *userdata, enum kc_status status, const char *detail, struct inquiry_answer *answer)
{
    struct ssh_keys_place *place = userdata;
    (void)detail;
    place->inquiry = NULL;
    if (status == KC_OK)
        status = learn(place, answer);
    if (is_refusal(status))
        refuse(place, status);
    if (status != KC_OK && ssh_keys_is_out(place->keys->daemon->realm, status))
        ssh_keys_fall_back(place, status);
    else
        ssh_keys_end(place, status, status == KC_OK ? &place->list : NULL);
}

/* What is remembered counts while the directory, too, has this user, and enabled. */
static bool is_fresh(const struct ssh_keys_place *place)
{
    return clock_us() < place->till_us && ssh_keys_is_known(place);
}

/* Names of the host's own files are nobody else's, however long ago the realm was asked. */
static enum kc_status check_name(const struct daemon *daemon, const char *name)
{
    enum kc_account_kind kind;
    const enum kc_status status = kc_bounds_account(
        daemon->bounds, daemon->paths.passwd, daemon->paths.group, name, &kind, NULL);
    if (status != KC_OK)
        return status;
    return kind == KC_ACCOUNT_ABSENT ? KC_OK : KC_NOT_OURS;
}

/* Answers, or has the realm asked; the wait is in no list yet. */
static void resolve(struct ssh_keys_wait *wait, const char *name, bool may_ask)
{
    struct ssh_keys *keys = wait->keys;
    struct ssh_keys_place *place = NULL;
    struct ssh_keys_waits alone = LIST_HEAD_INITIALIZER(alone);
    LIST_INSERT_HEAD(&alone, wait, link);
    enum kc_status status = check_name(keys->daemon, name);
    if (status == KC_OK)
        status = place_of(keys, name, &place);
    if (status == KC_OK && place->refusal != KC_OK && clock_us() < place->till_us) {
        end_wait(wait, place->refusal, NULL);
        return;
    }
    if (status == KC_OK && is_fresh(place)) {
        end_wait(wait, KC_OK, &place->list);
        return;
    }
    if (status == KC_OK && !place->inquiry && !place->read &&
        ssh_keys_is_out(keys->daemon->realm, KC_OK)) {
        LIST_REMOVE(wait, link);
        LIST_INSERT_HEAD(&place->waits, wait, link);
        ssh_keys_fall_back(place, KC_UNREACHABLE);
        return;
    }
    if (status == KC_OK && !place->inquiry && !place->read)
        status = may_ask ? inquiry_begin(keys->daemon->directory, name, clock_us() + INQUIRY_US,
                               on_inquiry, place, &place->inquiry)
                         : KC_BUSY;
    if (status != KC_OK) {
        end_wait(wait, status, NULL);
        return;
    }
    LIST_REMOVE(wait, link);
    LIST_INSERT_HEAD(&place->waits, wait, link);
}

static int on_deadline(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)source, (void)now;
    end_wait(userdata, KC_TIMED_OUT, NULL);
    return 0;
}

enum kc_status ssh_keys_ask(struct ssh_keys *keys, const char *name, bool may_ask,
    uint64_t deadline_us, ssh_keys_found *found, void *userdata, struct ssh_keys_wait **ret_wait)
{
    if (keys->wait_count >= WAITS_MAX)
        return KC_BUSY;
    struct ssh_keys_wait *wait = calloc(1, sizeof *wait);
    if (!wait)
        return KC_NO_MEMORY;
    bool ended = false;
    *wait = (struct ssh_keys_wait){
        .keys = keys, .found = found, .userdata = userdata, .ended = &ended};
    if (sd_event_add_time(keys->daemon->event, &wait->timer, CLOCK_MONOTONIC, deadline_us, 1000,
            on_deadline, wait) < 0) {
        free(wait);
        return KC_NO_MEMORY;
    }
    keys->wait_count++;
    resolve(wait, name, may_ask);
    if (!ended)
        wait->ended = NULL; /* nobody has freed it: lint: -Wanalyzer-use-after-free */
    *ret_wait = ended ? NULL : wait;
    return KC_OK;
}

void ssh_keys_wait_cancel(struct ssh_keys_wait *wait)
{
    LIST_REMOVE(wait, link);
    wait->keys->wait_count--;
    sd_event_source_disable_unref(wait->timer);
    free(wait);
}

void ssh_keys_flush(struct ssh_keys *keys, const char *name)
{
    struct ssh_keys_place *place;
    TAILQ_FOREACH(place, &keys->places, link)
    if (!name || strcmp(place->name, name) == 0)
        place->till_us = 0;
}

enum kc_status ssh_keys_new(struct daemon *daemon, struct ssh_keys **ret_keys)
{
    struct ssh_keys *keys = calloc(1, sizeof *keys);
    if (!keys)
        return KC_NO_MEMORY;
    keys->daemon = daemon;
    TAILQ_INIT(&keys->places);
    *ret_keys = keys;
    return KC_OK;
}

void ssh_keys_free(struct ssh_keys *keys)
{
    struct ssh_keys_place *place;
    if (!keys)
        return;
    while ((place = TAILQ_FIRST(&keys->places))) {
        ssh_keys_end(place, KC_NOT_READY, NULL);
        place_free(place);
    }
    free(keys);
}
