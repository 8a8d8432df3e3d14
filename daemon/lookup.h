/*
 * LOOKUP: a user, a group or a user's groups, for whoever asks.
 * Used by connection.c.
 * Must never let one caller's questions cost the realm or the others more than its share.
 */
#ifndef DAEMON_LOOKUP_H
#define DAEMON_LOOKUP_H

#include "daemon/connection.h"

struct lookup;

/* Answers now or later; until then the connection has this lookup. */
void lookup_begin(struct connection *connection, const struct kc_wire_lookup *what);

/* Whether this caller may have the realm asked once more, which is counted; root's always may. */
bool lookup_may_ask(const struct connection *connection);

/* The caller has gone. */
void lookup_cancel(struct lookup *lookup);

#endif
