/*
 * Who may ask the realm when: one grant at a time for a user, and what is remembered about a user
 * between grants.
 * Used by grant.c alone.
 * Must never let two grants of one user run at once: Keycloak refuses the second as a wrong
 * password.
 */
#ifndef DAEMON_GRANT_QUEUE_H
#define DAEMON_GRANT_QUEUE_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define GRANT_PAUSE_US ((uint64_t)10000)        /* after an answer */
#define GRANT_DOUBT_US ((uint64_t)60 * 1000000) /* after an unanswered grant */
#define GRANT_HELD_MAX_SECONDS 60               /* of a Retry-After */

struct grant;
struct grant_table;

/* A user of whom something is known: a grant waits or runs, or a time has not passed. */
struct grant_user {
    struct grant_table *table;
    struct grant_user *previous, *next;
    struct grant *first, *last; /* who waits */
    struct grant *running;      /* who has the turn */
    size_t waiting;
    sd_event_source *turn;
    uint64_t next_us;  /* no turn before */
    uint64_t doubt_us; /* until then a refusal may come of an unanswered grant */
    uint64_t held_us;  /* until then the realm wants no grant of this user */
    char name[];
};

/* Gives the turn to `grant`; called from the loop. */
typedef void grant_turn(struct grant *grant);

enum kc_status grant_queue_new(sd_event *event, grant_turn *turn, struct grant_table **ret_table);

/* The table must be empty of grants. */
void grant_queue_free(struct grant_table *table);

/* The user's entry, made where there is none; entries of which nothing more is to be known go.
 * KC_BUSY: too many users at once. KC_NO_MEMORY. */
enum kc_status grant_queue_user(
    struct grant_table *table, const char *name, struct grant_user **ret_user);

/* Puts a grant at the end of its user's queue. KC_BUSY: the queue or the table is full. */
enum kc_status grant_queue_add(struct grant_user *user, struct grant *grant);

/* Takes a grant out: it waited or had the turn. The next one's turn comes when it is time. */
void grant_queue_remove(struct grant_user *user, struct grant *grant);

/* Grants that wait or run. */
size_t grant_queue_count(const struct grant_table *table);

/* Any grant of the table, NULL: none; for the end of it. */
struct grant *grant_queue_any(const struct grant_table *table);

#endif
