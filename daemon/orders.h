/*
 * FLUSH and ADOPT: what root wants done with what the directory knows.
 * Used by connection.c.
 * Must never obey anybody but root's own socket.
 */
#ifndef DAEMON_ORDERS_H
#define DAEMON_ORDERS_H

#include "daemon/connection.h"

void orders_flush(struct connection *connection, const struct kc_wire_order *order);
void orders_adopt(struct connection *connection, const struct kc_wire_order *order);

#endif
