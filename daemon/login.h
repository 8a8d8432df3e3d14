/*
 * A login: from AUTH through questions and the grant to DONE.
 * Used by connection.c and connections.c; one a connection.
 * Must never answer OK without a verified token that the access rules let in.
 */
#ifndef DAEMON_LOGIN_H
#define DAEMON_LOGIN_H

#include "daemon/connection.h"

/* Begins: refuses at once, or asks for the password. Logs its end, one line, whatever it is. */
void login_begin(struct connection *connection, const struct kc_wire_login *who);

/* What the person typed. */
void login_answer(struct login *login, enum kc_ask_kind kind, struct kc_view answer);

/* The local person who calls: the real uid, which is 0 where it is nobody of this host. */
uint32_t login_caller(const struct login *login);

/* The caller hung up: ends without an answer. */
void login_abandon(struct login *login);

#endif
