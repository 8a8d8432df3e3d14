/*
 * LOOKUP: a user, a group or a user's groups, for whoever asks.
 * Used by connection.c.
 * Must never let one caller's questions cost the realm or the others more than its share.
 */
#include "daemon/lookup.h"

#include "common/name.h"
#include "daemon/clock.h"
#include "daemon/directory.h"
#include "daemon/share.h"
#include "daemon/ssh_keys.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_ROOM ((size_t)12 * 1024) /* bytes of a page: a stranger's socket takes no 32 KiB */

struct lookup {
    struct connection *connection;
    struct directory_wait *wait;
    struct ssh_keys_wait *keys_wait;
    struct kc_wire_lookup what;
};

static struct shares shares; /* of the callers at the public socket */

static struct share_questions *budget_of(const struct connection *connection)
{
    const struct daemon *daemon = connection_daemon(connection);
    return share_questions(
        &shares, share_of(daemon->bounds, connection_uid(connection)), clock_us());
}

bool lookup_may_ask(const struct connection *connection)
{
    if (connection_privileged(connection))
        return true;
    struct share_questions *budget = budget_of(connection);
    return budget->left > 0 && budget->left-- > 0;
}

static enum kc_wire_type reply_type(enum kc_lookup_kind kind)
{
    switch (kind) {
    case KC_LOOKUP_USER:
        return KC_WIRE_USER;
    case KC_LOOKUP_GROUP:
        return KC_WIRE_GROUP;
    case KC_LOOKUP_KEYS:
        return KC_WIRE_KEYS;
    default:
        return KC_WIRE_GIDS;
    }
}

static void on_found(void *userdata, enum kc_status status, const struct kc_wire_entry *entry)
{
    struct lookup *lookup = userdata;
    struct connection *connection = lookup->connection;
    const struct kc_wire_reply reply = {
        .type = reply_type(lookup->what.kind),
        .entry = entry ? *entry : (struct kc_wire_entry){.name = ""},
    };
    connection_set_lookup(connection, NULL);
    free(lookup);
    if (status == KC_OK)
        connection_reply(connection, &reply);
    else
        connection_done(connection, status);
}

/* One page of somebody's keys, from key `skip` on. */
static void on_keys(void *userdata, enum kc_status status, const struct ssh_keys_list *list)
{
    struct lookup *lookup = userdata;
    struct kc_wire_entry entry = {.name = ""};
    if (status != KC_OK) {
        on_found(lookup, status, NULL);
        return;
    }
    const char *text = list->text, *end = text + list->length;
    for (uint32_t i = 0; i < lookup->what.skip && text < end; i++)
        text += strlen(text) + 1;
    const char *next = text;
    while (next < end && (size_t)(next - text) + strlen(next) < KEYS_ROOM) {
        next += strlen(next) + 1;
        entry.count++;
    }
    memcpy(entry.name, lookup->what.name, sizeof entry.name);
    entry.uid = list->uid;
    entry.total = list->count;
    entry.list = (struct kc_view){(const uint8_t *)text, (size_t)(next - text)};
    on_found(lookup, KC_OK, &entry);
}

/* Ids that are not the realm's, and names that no realm user can have, are nobody's to ask for. */
static enum kc_status check(const struct daemon *daemon, const struct kc_wire_lookup *what)
{
    const size_t length = strlen(what->name);
    if (length == 0)
        return what->kind <= KC_LOOKUP_GROUP && kc_bounds_id(daemon->bounds, what->id)
                   ? KC_OK
                   : KC_NOT_OURS;
    return what->kind == KC_LOOKUP_GROUP
               ? (kc_name_valid_group(what->name, length) ? KC_OK : KC_NOT_OURS)
               : (kc_name_valid_user(what->name, length) ? KC_OK : KC_NOT_OURS);
}

/* Asks the directory, or for keys. Where nobody waits, the answer has been given and the lookup is
 * gone. */
static enum kc_status ask(
    struct lookup *lookup, const struct directory_question *question, bool *ret_waits)
{
    struct daemon *daemon = connection_daemon(lookup->connection);
    struct directory_wait *wait = NULL;
    struct ssh_keys_wait *keys_wait = NULL;
    enum kc_status status;
    if (question->lookup.kind == KC_LOOKUP_KEYS)
        status = ssh_keys_ask(daemon->ssh_keys, question->lookup.name, question->may_ask,
            question->deadline_us, on_keys, lookup, &keys_wait);
    else
        status = directory_lookup(daemon->directory, question, on_found, lookup, &wait);
    *ret_waits = wait || keys_wait;
    if (*ret_waits) {
        lookup->wait = wait;
        lookup->keys_wait = keys_wait;
    }
    return status;
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
    lookup->what = *what;
    connection_set_lookup(connection, lookup);
    const struct share_questions *budget =
        connection_privileged(connection) ? NULL : budget_of(connection);
    const struct directory_question question = {
        .lookup = *what,
        .may_ask = !budget || budget->left > 0,
        .privileged = connection_privileged(connection),
        .deadline_us = clock_us() + timeout,
    };
    bool waits = false;
    status = ask(lookup, &question, &waits);
    if (status != KC_OK)
        on_found(lookup, status, NULL);
    else if (waits)
        (void)lookup_may_ask(connection);
}

void lookup_cancel(struct lookup *lookup)
{
    if (lookup->wait)
        directory_wait_cancel(lookup->wait);
    if (lookup->keys_wait)
        ssh_keys_wait_cancel(lookup->keys_wait);
    free(lookup);
}
