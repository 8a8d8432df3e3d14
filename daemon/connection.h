/*
 * A connection: one message at a time, each handed to whom it concerns.
 * Used by login.c, account.c and phases.c to answer; requests go to these three.
 * Must never take authority from anything but the socket that was knocked at.
 */
#ifndef DAEMON_CONNECTION_H
#define DAEMON_CONNECTION_H

#include "common/wire.h"
#include "daemon/daemon.h"

struct account;
struct connection;
struct login;

struct daemon *connection_daemon(const struct connection *connection);
bool connection_privileged(const struct connection *connection);
uid_t connection_uid(const struct connection *connection);    /* who connected (public socket) */
uint32_t connection_pid(const struct connection *connection); /* who sent the last message */

/* For a log line about what somebody without authority claims: " caller=UID", or "" where it is
 * root's own socket. */
#define CONNECTION_CALLER_SIZE 20
const char *connection_caller(
    const struct connection *connection, char ret_text[CONNECTION_CALLER_SIZE]);

/* Whether root's programs may begin one more login of this local person; always for uid 0. */
bool connection_room_for_login(const struct connection *connection, uint32_t caller_uid);

/* Whether a line may be written about a request that the realm was not asked for: a caller without
 * authority has a few of them a minute. Counts it. */
bool connection_may_log(const struct connection *connection);

/* The login that goes on here; NULL: none. While there is one, the connection is not idle. */
struct login *connection_login(const struct connection *connection);
void connection_set_login(struct connection *connection, struct login *login);

/* The lookup whose answer is awaited here; NULL: none. */
struct lookup;
void connection_set_lookup(struct connection *connection, struct lookup *lookup);

/* The assignment that goes on here; NULL: none. While there is one, the connection is not idle. */
struct assignment;
void connection_set_assignment(struct connection *connection, struct assignment *assignment);

/* The explanation whose answer is awaited here; NULL: none. */
struct explanation;
void connection_set_explanation(struct connection *connection, struct explanation *explanation);

/* The account phase whose answer is awaited here; NULL: none. */
void connection_set_account(struct connection *connection, struct account *account);

/* Answers. A caller that does not take its answers is hung up on; this returns all the same. */
void connection_reply(struct connection *connection, const struct kc_wire_reply *reply);
void connection_ask(
    struct connection *connection, enum kc_ask_kind kind, bool echo, const char *text);
void connection_show(struct connection *connection, enum kc_show_style style, const char *text);
void connection_done(struct connection *connection, enum kc_status status);

/* Hangs up, soon: the connection stays valid until the loop goes on. */
void connection_hang_up(struct connection *connection);

#endif
