/*
 * The end of a session: what it waits for, and its log-out at the realm.
 * Used by sessions.c and session_recover.c.
 * Must never give a log-out up in silence.
 */
#ifndef DAEMON_SESSION_END_H
#define DAEMON_SESSION_END_H

#include "daemon/session_table.h"

/* Ends the grant if nobody claims it within `ms` milliseconds. KC_SYSTEM. */
enum kc_status session_await_claim(struct session *session, uint64_t ms);

/* Ties a session to the process behind `pidfd`, which is taken: they end together. KC_SYSTEM. */
enum kc_status session_hold(struct session *session, int pidfd);

/* Ends a grant or a session. It belongs to its log-out from here on: the caller lets go of it. */
void session_end(struct session *session);

/* Logs out a grant that cannot be kept: what fails now is not tried after a restart. */
void session_log_out_unkept(struct sessions *sessions, const struct grant_answer *answer);

/* Queues the log-out of a session whose kind is SESSION_ENDING already. */
void session_log_out(struct session *session);

#endif
