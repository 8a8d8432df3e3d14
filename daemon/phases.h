/*
 * The requests that are one question and one answer: the account phase, session and password
 * phases, and the status report.
 * Used by connection.c. Must never let one without evidence pass.
 */
#ifndef DAEMON_PHASES_H
#define DAEMON_PHASES_H

#include "daemon/connection.h"

void phases_account(
    struct connection *connection, const struct kc_wire_login *who, struct kc_view key);

/* Takes `pidfd`; negative: none came. */
void phases_open(struct connection *connection, const struct kc_wire_login *who, struct kc_view key,
    int pidfd);

void phases_close(struct connection *connection, struct kc_view key);
void phases_passwd(struct connection *connection);
void phases_status(struct connection *connection);

#endif
