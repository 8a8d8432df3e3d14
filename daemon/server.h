/*
 * The two sockets: who knocks at which, and how many at a time.
 * Used by main.c.
 * Must never take one socket for the other: the socket is the authority.
 */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include "daemon/daemon.h"
#include "daemon/listen.h"

struct server;

/* Begins to accept. Takes the listeners. KC_SYSTEM, KC_NO_MEMORY. */
enum kc_status server_new(
    struct daemon *daemon, struct listeners listeners, struct server **ret_server);
void server_free(struct server *server);

#endif
