/*
 * All connections: who is let in, how many there may be of whom, and how they go.
 * Used by server.c to begin and end them; connection.c speaks with each.
 * Must never let one person take the room of all others.
 */
#ifndef DAEMON_CONNECTIONS_H
#define DAEMON_CONNECTIONS_H

#include "common/secret.h"
#include "daemon/closer.h"
#include "daemon/daemon.h"
#include "daemon/log_budget.h"

#include <sys/queue.h>

#define CONNECTIONS_PUBLIC_PRIORITY 10 /* in the loop, after root and the realm, which have 0 */

struct connection;

struct connections {
    struct daemon *daemon;
    struct closer *closer;
    struct log_budget *budget;
    sd_event_source *sweep;
    bool sweeping;
    struct kc_secret buffer; /* the message that is read or written just now */
    unsigned most[2];        /* public, privileged */
    unsigned count[2];
    LIST_HEAD(, connection) open;
};

/* `ret_connections` is all zero before. Borrows the daemon. KC_NO_MEMORY, KC_SYSTEM. */
enum kc_status connections_init(struct connections *ret_connections, struct daemon *daemon);

/* Takes what was accepted and serves it from now on; closes it where there is no room. */
void connections_add(struct connections *connections, int accepted, bool privileged);

/* Closes all of them. */
void connections_end(struct connections *connections);

/* Whether one more login of this local person (not 0) may be begun by root's programs: each of
 * theirs that waits at its prompt holds a place of the privileged socket. */
bool connections_room_for_login(const struct connections *connections, uint32_t caller_uid);

#endif
