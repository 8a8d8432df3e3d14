/*
 * The account phase: may somebody who has been authenticated enter now?
 * Used by connection.c; one a connection.
 * Must never let one without evidence pass.
 */
#ifndef DAEMON_ACCOUNT_H
#define DAEMON_ACCOUNT_H

#include "daemon/connection.h"

struct account;

/* Answers, at once where the realm's keys are known, else when they are or its time is over. */
void account_begin(
    struct connection *connection, const struct kc_wire_login *who, struct kc_view key);

/* The caller hung up: ends without an answer. */
void account_abandon(struct account *account);

#endif
