/*
 * The requests that are one question and one answer: session and password phases, and the status
 * report. Used by connection.c.
 * Must never give a token to anybody but the one who logged in.
 */
#ifndef DAEMON_PHASES_H
#define DAEMON_PHASES_H

#include "daemon/connection.h"

/* A phase's one line in the log; `rule` says what was missing, or is "". */
void phases_log(const struct connection *connection, const char *phase,
    const struct kc_wire_login *who, enum kc_status status, const char *rule);

/* Takes `pidfd`; negative: none came. */
void phases_open(struct connection *connection, const struct kc_wire_login *who, struct kc_view key,
    int pidfd);

void phases_close(struct connection *connection, struct kc_view key);
void phases_passwd(struct connection *connection);
void phases_status(struct connection *connection);

#endif
