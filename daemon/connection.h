/*
 * Connections: one message at a time, each handed to whom it concerns, and who waits too long.
 * Used by login.c and phases.c to answer, by server.c to begin; requests go to the first two.
 * Must never take authority from anything but the socket that was knocked at.
 */
#ifndef DAEMON_CONNECTION_H
#define DAEMON_CONNECTION_H

#include "common/secret.h"
#include "common/wire.h"
#include "daemon/daemon.h"

#include <sys/queue.h>

struct connection;
struct login;

/* All connections, and what they share. */
struct connections {
    struct daemon *daemon;
    struct kc_secret buffer; /* the message that is read or written just now */
    unsigned count[2];       /* public, privileged */
    LIST_HEAD(, connection) open;
};

/* `ret_connections` is all zero before. Borrows the daemon. KC_NO_MEMORY. */
enum kc_status connections_init(struct connections *ret_connections, struct daemon *daemon);

/* Takes what was accepted and serves it from now on; closes it where there is no room. */
void connections_add(struct connections *connections, int accepted, bool privileged);

/* Closes all of them. */
void connections_end(struct connections *connections);

struct daemon *connection_daemon(const struct connection *connection);
bool connection_privileged(const struct connection *connection);
uid_t connection_uid(const struct connection *connection);    /* who connected (public socket) */
uint32_t connection_pid(const struct connection *connection); /* who sent the last message */

/* For a log line about what somebody without authority claims: " caller=UID", or "" where it is
 * root's own socket. */
#define CONNECTION_CALLER_SIZE 20
const char *connection_caller(
    const struct connection *connection, char ret_text[CONNECTION_CALLER_SIZE]);

/* The login that goes on here; NULL: none. While there is one, the connection is not idle. */
struct login *connection_login(const struct connection *connection);
void connection_set_login(struct connection *connection, struct login *login);

/* Answers. A caller that does not take its answers is hung up on; this returns all the same. */
void connection_reply(struct connection *connection, const struct kc_wire_reply *reply);
void connection_ask(
    struct connection *connection, enum kc_ask_kind kind, bool echo, const char *text);
void connection_show(struct connection *connection, enum kc_show_style style, const char *text);
void connection_done(struct connection *connection, enum kc_status status);

/* Hangs up, soon: the connection stays valid until the loop goes on. */
void connection_hang_up(struct connection *connection);

#endif
