/*
 * ASSIGN: numbers for realm users and groups that have none, written by an administrator who is at
 * the prompt.
 * Used by connection.c.
 * Must never write where a list was asked for, nor go on after an answer that it does not understand.
 */
#ifndef DAEMON_ASSIGN_H
#define DAEMON_ASSIGN_H

#include "daemon/connection.h"

struct assignment;

/* Answers now or asks; until the DONE the connection has this assignment. */
void assign_begin(struct connection *connection, const struct kc_wire_order *order);
void assign_answer(struct assignment *assignment, enum kc_ask_kind kind, struct kc_view answer);

/* The caller has gone: nothing more is written. */
void assign_abandon(struct assignment *assignment);

#endif
