/*
 * Whose turn it is.
 * Used by grant.c.
 * Must never grow without bound: users, grants in all and grants of one user have limits.
 */
#include "daemon/grant_queue.h"
#include "daemon/clock.h"
#include "daemon/grant_internal.h"

#include <string.h>

#define USERS_MAX 4096
#define GRANTS_MAX 1024
#define GRANTS_OF_USER_MAX 64

struct grant_table {
    sd_event *event;
    grant_turn *turn;
    struct grant_user *users;
    size_t user_count;
    size_t grant_count;
};

static void user_free(struct grant_user *user)
{
    struct grant_table *table = user->table;
    if (user->previous)
        user->previous->next = user->next;
    else
        table->users = user->next;
    if (user->next)
        user->next->previous = user->previous;
    table->user_count--;
    sd_event_source_disable_unref(user->turn);
    free(user);
}

enum kc_status grant_queue_new(sd_event *event, grant_turn *turn, struct grant_table **ret_table)
{
    struct grant_table *table = calloc(1, sizeof(*table));
    if (!table)
        return KC_NO_MEMORY;
    table->event = sd_event_ref(event);
    table->turn = turn;
    *ret_table = table;
    return KC_OK;
}

void grant_queue_free(struct grant_table *table)
{
    if (!table)
        return;
    while (table->users)
        user_free(table->users);
    sd_event_unref(table->event);
    free(table);
}

static bool is_idle(const struct grant_user *user)
{
    return !user->running && !user->first;
}

/* When nothing more has to be remembered. */
static uint64_t forgotten_at(const struct grant_user *user)
{
    uint64_t last = user->next_us;
    if (user->doubt_us > last)
        last = user->doubt_us;
    return user->held_us > last ? user->held_us : last;
}

static void forget_idle(struct grant_table *table)
{
    uint64_t now = clock_us();
    for (struct grant_user *user = table->users, *next; user; user = next) {
        next = user->next;
        if (is_idle(user) && forgotten_at(user) <= now)
            user_free(user);
    }
}

/* Room for one more: the idle one that would be forgotten first. */
static bool evict(struct grant_table *table)
{
    struct grant_user *victim = NULL;
    for (struct grant_user *user = table->users; user; user = user->next)
        if (is_idle(user) && (!victim || forgotten_at(user) < forgotten_at(victim)))
            victim = user;
    if (victim)
        user_free(victim);
    return victim;
}

static int on_turn(sd_event_source *source, uint64_t now, void *userdata)
{
    struct grant_user *user = userdata;
    struct grant *grant = user->first;
    (void)source;
    (void)now;
    if (user->running || !grant)
        return 0;
    user->first = grant->next;
    if (user->first)
        user->first->previous = NULL;
    else
        user->last = NULL;
    grant->next = NULL;
    user->waiting--;
    user->running = grant;
    grant->has_turn = true;
    user->table->turn(grant);
    return 0;
}

static enum kc_status user_new(
    struct grant_table *table, const char *name, struct grant_user **ret_user)
{
    size_t size = strlen(name) + 1;
    struct grant_user *user = calloc(1, sizeof(*user) + size);
    if (!user)
        return KC_NO_MEMORY;
    if (sd_event_add_time(table->event, &user->turn, CLOCK_MONOTONIC, 0, 1, on_turn, user) < 0) {
        free(user);
        return KC_NO_MEMORY;
    }
    sd_event_source_set_enabled(user->turn, SD_EVENT_OFF);
    memcpy(user->name, name, size);
    user->table = table;
    user->next = table->users;
    if (table->users)
        table->users->previous = user;
    table->users = user;
    table->user_count++;
    *ret_user = user;
    return KC_OK;
}

enum kc_status grant_queue_user(
    struct grant_table *table, const char *name, struct grant_user **ret_user)
{
    forget_idle(table);
    for (struct grant_user *user = table->users; user; user = user->next)
        if (strcmp(user->name, name) == 0) {
            *ret_user = user;
            return KC_OK;
        }
    if (table->user_count >= USERS_MAX && !evict(table))
        return KC_BUSY;
    return user_new(table, name, ret_user);
}

static void plan_turn(struct grant_user *user)
{
    if (user->running || !user->first)
        return;
    sd_event_source_set_time(user->turn, user->next_us);
    sd_event_source_set_enabled(user->turn, SD_EVENT_ONESHOT);
}

enum kc_status grant_queue_add(struct grant_user *user, struct grant *grant)
{
    if (user->table->grant_count >= GRANTS_MAX || user->waiting >= GRANTS_OF_USER_MAX)
        return KC_BUSY;
    grant->user = user;
    grant->previous = user->last;
    if (user->last)
        user->last->next = grant;
    else
        user->first = grant;
    user->last = grant;
    user->waiting++;
    user->table->grant_count++;
    plan_turn(user);
    return KC_OK;
}

void grant_queue_remove(struct grant_user *user, struct grant *grant)
{
    user->table->grant_count--;
    if (user->running == grant) {
        user->running = NULL;
    } else {
        if (grant->previous)
            grant->previous->next = grant->next;
        else
            user->first = grant->next;
        if (grant->next)
            grant->next->previous = grant->previous;
        else
            user->last = grant->previous;
        user->waiting--;
    }
    plan_turn(user);
}

struct grant *grant_queue_any(const struct grant_table *table)
{
    for (const struct grant_user *user = table->users; user; user = user->next)
        if (!is_idle(user))
            return user->running ? user->running : user->first;
    return NULL;
}

size_t grant_queue_count(const struct grant_table *table)
{
    return table->grant_count;
}
