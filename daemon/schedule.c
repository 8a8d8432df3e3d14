/*
 * When the directory learns anew, and what becomes of what a sweep has brought.
 * A part of the directory.
 * Must never let what was read early in a sweep count as younger than it is.
 */
#include "daemon/backoff.h"
#include "daemon/clock.h"
#include "daemon/directory_internal.h"
#include "daemon/log.h"
#include "daemon/oauth_error.h"
#include "daemon/wake.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static void count_membership(void *userdata, struct known_user *user)
{
    (void)userdata;
    user->number = 0;
}

/* Where what a sweep read goes, and until when it is fresh: seconds of CLOCK_MONOTONIC. */
struct spread {
    struct directory *directory;
    uint32_t begun;
    uint32_t until;
};

/* What does not fit in memory stays as it was, and so does what was asked for since the sweep
 * began. */
static void make_room_for_gids(void *userdata, struct known_user *user)
{
    const struct spread *spread = userdata;
    const uint32_t ttl = spread->directory->daemon->config->directory.found_ttl;
    const bool newer = user->gids && user->gids_until > spread->begun + ttl;
    uint32_t *gids = newer ? NULL : calloc(user->number + 1u, sizeof *gids);
    if (gids)
        directory_set_gids(spread->directory, user, gids, 0, spread->until);
    else
        user->number = 0;
}

/* Each user's groups, from all groups' members. */
static void spread_gids(struct spread *spread)
{
    struct directory *directory = spread->directory;
    struct people *people = directory->people;
    people_walk(people, count_membership, NULL);
    for (size_t i = 0; i < directory->groups.count; i++)
        for (uint32_t j = 0; j < directory->groups.items[i].member_count; j++) {
            struct known_user *user = people_by_uid(people, directory->groups.items[i].members[j]);
            if (user)
                user->number++;
        }
    people_walk(people, make_room_for_gids, spread);
    for (size_t i = 0; i < directory->groups.count; i++) {
        const struct known_group *group = &directory->groups.items[i];
        for (uint32_t j = 0; j < group->member_count; j++) {
            struct known_user *user = people_by_uid(people, group->members[j]);
            if (user && user->gids && user->gid_count < user->number &&
                user->gid_count < KC_SNAPSHOT_GROUPS_MAX)
                user->gids[user->gid_count++] = group->gid;
        }
    }
}

/* What was read early in a long sweep is as old as the sweep; a very long one still counts. */
static uint32_t swept_until(uint32_t begun, uint32_t ttl)
{
    const uint32_t now = directory_now();
    return begun + ttl > now + ttl / 2 ? begun + ttl : now + (ttl + 1) / 2;
}

static void take_over(struct directory *directory, uint32_t begun)
{
    const struct config *config = directory->daemon->config;
    const uint32_t until = swept_until(begun, config->directory.found_ttl);
    struct spread spread = {directory, begun, until};
    directory->groups_until = until;
    directory->named = directory->ready = true;
    for (size_t i = 0; i < directory->groups.count; i++) {
        publish_fresh(directory, directory->groups.items[i].fresh, until);
        publish_fresh(directory, directory->groups.items[i].fresh + 1, until);
    }
    if (config->groups.members)
        spread_gids(&spread);
    remember_swept(directory);
    publish_soon(directory);
    (void)malloc_trim(0); /* the answers were many times what is kept of them */
}

/* The next sweep, before what this one brought is old; not at the same second on all hosts. */
void schedule_after(struct directory *directory, enum kc_status status)
{
    const uint64_t life =
        (uint64_t)directory->daemon->config->directory.found_ttl * CLOCK_SECOND_US;
    const uint64_t now = clock_us();
    const uint64_t pause = status == KC_OK ? life / 2 + (uint64_t)random() % (life / 4 + 1)
                                           : backoff_us(directory->sweep_failures++);
    if (status == KC_OK)
        directory->sweep_failures = 0;
    directory->sweep_next_us = status == KC_OK ? 0 : now + pause;
    if (sd_event_source_set_time(directory->sweep_timer, now + pause) < 0 ||
        sd_event_source_set_enabled(directory->sweep_timer, SD_EVENT_ONESHOT) < 0)
        log_line(LOG_ERR, "directory result=failed reason=system-error");
}

static void log_sweep(struct directory *directory, enum kc_status status, const char *detail)
{
    char words[LOG_VALUE_SIZE], change[LOG_VALUE_SIZE];
    const char *advice = oauth_error_advice(status);
    log_line(status == KC_OK ? LOG_NOTICE : LOG_ERR,
        "directory result=%s reason=%s users=%zu groups=%zu%s%s%s%s",
        kc_class_word(kc_status_class(status)), kc_status_word(status),
        people_count(directory->people), directory->groups.count, *detail ? " detail=" : "",
        *detail ? log_value(detail, words) : "", advice ? " advice=" : "",
        advice ? log_value(advice, change) : "");
}

/* Whoever waits for what is there now is answered, or goes on to ask for more. */
static void resolve_waits(struct directory *directory, enum kc_status status)
{
    struct directory_waits waits;
    struct directory_wait *wait;
    directory_take_waits(&directory->waits, &waits);
    while ((wait = LIST_FIRST(&waits))) {
        LIST_REMOVE(wait, link);
        if (status == KC_OK)
            directory_resolve(wait);
        else
            directory_fail(wait, status);
    }
}

void directory_named(struct directory *directory)
{
    if (directory->named)
        return;
    directory->named = true;
    resolve_waits(directory, KC_OK);
}

void directory_sweep_now(struct directory *directory)
{
    if (sd_event_source_set_time(directory->sweep_timer, clock_us()) < 0 ||
        sd_event_source_set_enabled(directory->sweep_timer, SD_EVENT_ONESHOT) < 0)
        log_line(LOG_ERR, "directory result=failed reason=system-error");
}

void directory_forbidden(struct directory *directory)
{
    directory->named = directory->ready = false;
    if (!directory->sweep)
        directory_sweep_now(directory); /* which says so in the log */
}

void sweep_done(
    struct directory *directory, enum kc_status status, const char *detail, uint32_t begun)
{
    const bool changed = !directory->swept || directory->report.failure != status;
    directory->swept = true;
    directory->report.failure = status;
    snprintf(directory->report.detail, sizeof directory->report.detail, "%s", detail);
    if (status == KC_OK)
        take_over(directory, begun);
    if (status == KC_DIRECTORY_FORBIDDEN)
        directory->named = directory->ready = false; /* its empty answers mean nothing */
    if (changed)
        log_sweep(directory, status, detail);
    schedule_after(directory, status);
    resolve_waits(directory, status);
}

void schedule_sweep(struct directory *directory)
{
    wake_look(directory->wake); /* where no timer was cancelled */
    if (directory->sweep)
        return;
    const enum kc_status status = sweep_begin(directory);
    if (status != KC_OK)
        sweep_done(directory, status, "", directory_now());
}

static int on_time(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)source;
    (void)now;
    schedule_sweep(userdata);
    return 0;
}

enum kc_status schedule_init(struct directory *directory)
{
    return sd_event_add_time(directory->daemon->event, &directory->sweep_timer, CLOCK_MONOTONIC, 1,
               0, on_time, directory) < 0
               ? KC_SYSTEM
               : KC_OK;
}
