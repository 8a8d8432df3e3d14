/*
 * LOOKUP: a user, a group or a user's groups, for whoever asks.
 * Used by connection.c.
 * Must never let one caller's questions cost the realm or the others more than its share.
 */
#include "daemon/lookup.h"

#include "common/name.h"
#include "daemon/clock.h"
#include "daemon/directory.h"

#include <stdlib.h>
#include <string.h>

#define BUDGETS 256u
#define QUESTIONS 120u /* in */
#define QUESTIONS_US (60 * CLOCK_SECOND_US)

struct lookup {
    struct connection *connection;
    struct directory_wait *wait;
    enum kc_lookup_kind kind;
};

/*
 * Questions that only the realm can answer, for the uids at the public socket; two in a few
 * hundred share one budget.
 */
static struct lookup_budget {
    unsigned left;
    uint64_t full_us; /* when it is whole again */
} budgets[2 * BUDGETS];

static struct lookup_budget *budget_of(uid_t uid)
{
    /* subordinate ids come by the 65,536: a block of them is one user */
    const size_t place = uid < 65536 ? uid % BUDGETS : BUDGETS + (uid >> 16) % BUDGETS;
    struct lookup_budget *budget = &budgets[place];
    const uint64_t now = clock_us();
    if (now >= budget->full_us) {
        budget->left = QUESTIONS;
        budget->full_us = now + QUESTIONS_US;
    }
    return budget;
}

static enum kc_wire_type reply_type(enum kc_lookup_kind kind)
{
    switch (kind) {
    case KC_LOOKUP_USER:
        return KC_WIRE_USER;
    case KC_LOOKUP_GROUP:
        return KC_WIRE_GROUP;
    default:
        return KC_WIRE_GIDS;
    }
}

static void on_found(void *userdata, enum kc_status status, const struct kc_wire_entry *entry)
{
    struct lookup *lookup = userdata;
    struct connection *connection = lookup->connection;
    const struct kc_wire_reply reply = {
        .type = reply_type(lookup->kind),
        .entry = entry ? *entry : (struct kc_wire_entry){.name = ""},
    };
    connection_set_lookup(connection, NULL);
    free(lookup);
    if (status == KC_OK)
        connection_reply(connection, &reply);
    else
        connection_done(connection, status);
}

/* Ids that are not the realm's, and names that no realm user can have, are nobody's to ask for. */
static enum kc_status check(const struct daemon *daemon, const struct kc_wire_lookup *what)
{
    const size_t length = strlen(what->name);
    if (length == 0)
        return what->kind != KC_LOOKUP_GIDS && kc_bounds_id(daemon->bounds, what->id) ? KC_OK
                                                                                      : KC_NOT_OURS;
    return what->kind == KC_LOOKUP_GROUP
               ? (kc_name_valid_group(what->name, length) ? KC_OK : KC_NOT_OURS)
               : (kc_name_valid_user(what->name, length) ? KC_OK : KC_NOT_OURS);
}

void lookup_begin(struct connection *connection, const struct kc_wire_lookup *what)
{
    struct daemon *daemon = connection_daemon(connection);
    const uint64_t timeout =
        (uint64_t)daemon->config->limits.lookup_timeout * CLOCK_SECOND_US - CLOCK_SECOND_US / 10;
    enum kc_status status = daemon->directory ? check(daemon, what) : KC_NOT_OURS;
    if (status != KC_OK) {
        connection_done(connection, status);
        return;
    }
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup) {
        connection_done(connection, KC_NO_MEMORY);
        return;
    }
    lookup->connection = connection;
    lookup->kind = what->kind;
    connection_set_lookup(connection, lookup);
    struct directory_wait *wait = NULL;
    struct lookup_budget *budget =
        connection_privileged(connection) ? NULL : budget_of(connection_uid(connection));
    const struct directory_question question = {
        .lookup = *what,
        .may_ask = !budget || budget->left > 0,
        .privileged = connection_privileged(connection),
        .deadline_us = clock_us() + timeout,
    };
    status = directory_lookup(daemon->directory, &question, on_found, lookup, &wait);
    if (status != KC_OK) {
        on_found(lookup, status, NULL);
    } else if (wait) { /* else the answer has been given, and the lookup is gone */
        lookup->wait = wait;
        if (budget)
            budget->left--;
    }
}

void lookup_cancel(struct lookup *lookup)
{
    if (lookup->wait)
        directory_wait_cancel(lookup->wait);
    free(lookup);
}
