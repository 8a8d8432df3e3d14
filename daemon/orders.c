/*
 * FLUSH and ADOPT: done at once, answered with a report, and with a line in the log.
 * Used by connection.c.
 * Must never obey anybody but root's own socket.
 */
#include "daemon/orders.h"

#include "daemon/clock.h"
#include "daemon/directory.h"
#include "daemon/evidence.h"
#include "daemon/log.h"
#include "daemon/ssh_keys.h"

#include <stdio.h>
#include <string.h>

#define REPORT_SIZE 1024u

static void answer(struct connection *connection, enum kc_status status, const char *report)
{
    struct kc_wire_reply reply = {.type = KC_WIRE_DONE, .class = kc_status_class(status)};
    snprintf(reply.word, sizeof reply.word, "%s", kc_status_word(status));
    reply.report = (struct kc_view){(const uint8_t *)report, strlen(report)};
    connection_reply(connection, &reply);
}

/* KC_OK: the order may be obeyed; else it has been answered. */
static enum kc_status admit(struct connection *connection)
{
    const enum kc_status status = !connection_privileged(connection) ? KC_NOT_AUTHORIZED
                                  : !connection_daemon(connection)->directory ? KC_CONFIG_INVALID
                                                                              : KC_OK;
    if (status != KC_OK)
        connection_done(connection, status);
    return status;
}

static void on_fetched(void *userdata, enum kc_status status, const struct kc_wire_entry *entry)
{
    (void)userdata, (void)status, (void)entry; /* the directory has it now; nobody waits here */
}

/* Has the realm asked before anybody wants to know. */
static void fetch(struct directory *directory, const char *name)
{
    struct directory_question question = {.lookup = {.kind = KC_LOOKUP_USER},
        .may_ask = true,
        .privileged = true,
        .deadline_us = clock_us() + 2 * CLOCK_SECOND_US};
    struct directory_wait *wait;
    snprintf(question.lookup.name, sizeof question.lookup.name, "%s", name);
    (void)directory_lookup(directory, &question, on_fetched, NULL, &wait);
}

void orders_flush(struct connection *connection, const struct kc_wire_order *order)
{
    struct daemon *daemon = connection_daemon(connection);
    char report[REPORT_SIZE], name[LOG_VALUE_SIZE];
    const char *user = *order->name ? order->name : NULL;
    if (admit(connection) != KC_OK)
        return;
    const size_t count = directory_flush(daemon->directory, user);
    ssh_keys_flush(daemon->ssh_keys, user);
    evidence_flush(daemon->evidence);
    if (user)
        fetch(daemon->directory, user);
    log_line(LOG_NOTICE, "flush user=%s result=ok reason=ok users=%zu",
        user ? log_value(user, name) : "all", count);
    snprintf(report, sizeof report, "%zu user%s asked for anew\n", count,
        count == 1 ? " is" : "s are");
    answer(connection, KC_OK, report);
}

void orders_adopt(struct connection *connection, const struct kc_wire_order *order)
{
    struct daemon *daemon = connection_daemon(connection);
    struct directory_adopted adopted = {0};
    char report[REPORT_SIZE] = "", name[LOG_VALUE_SIZE], from[LOG_VALUE_SIZE], to[LOG_VALUE_SIZE];
    if (admit(connection) != KC_OK)
        return;
    const enum kc_status status =
        directory_adopt(
        daemon->directory, order->name, order->write ? order->id : NULL, &adopted);
    if (status == KC_OK || *adopted.to)
        snprintf(report, sizeof report, "%s %s, %s %u:\n  bound to  %s\n  claimed by %s\n",
            adopted.group ? "group" : "user", order->name, adopted.group ? "gid" : "uid",
            adopted.number, *adopted.from ? adopted.from : "-", adopted.to);
    if (order->write || status != KC_OK)
        log_line(status == KC_OK ? LOG_NOTICE : LOG_ERR,
            "adopt %s=%s id=%u result=%s reason=%s bound=%s realm=%s",
            adopted.group ? "group" : "user", log_value(order->name, name), adopted.number,
            kc_class_word(kc_status_class(status)), kc_status_word(status),
            log_value(adopted.from, from), log_value(adopted.to, to));
    answer(connection, status, report);
}
