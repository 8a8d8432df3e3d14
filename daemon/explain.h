/*
 * EXPLAIN: what the daemon knows of a user, from where, and what the access rules say and why.
 * Used by connection.c.
 * Must never let anybody in by it, nor tell anybody but root.
 */
#ifndef DAEMON_EXPLAIN_H
#define DAEMON_EXPLAIN_H

#include "daemon/connection.h"

struct explanation;

/* Asks the realm for `who->user`, and answers with a report on `who->service`. */
void explain_begin(struct connection *connection, const struct kc_wire_login *who);

/* The caller has gone. */
void explain_abandon(struct explanation *explanation);

#endif
