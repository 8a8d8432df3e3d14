/*
 * An open session's tokens made anew: the freshest word on a user who is logged in.
 * Used by evidence.c.
 * Must never lose a refresh token that the realm has given for another, nor use one twice at once.
 */
#ifndef DAEMON_SESSION_RENEW_H
#define DAEMON_SESSION_RENEW_H

#include "daemon/sessions.h"

struct session_renewal;

/*
 * The end, from the loop. KC_OK: `answer` has the new, verified token, of which the callee may take
 * jwt and scope (KC_TAKE); NULL else. KC_ACCOUNT_DISABLED. All others say nothing about the user.
 */
typedef void session_renewed(
    void *userdata, enum kc_status status, const char *detail, struct grant_answer *answer);

/*
 * Renews an open session of that user with that uid. KC_NOT_FOUND: there is none that could be; one
 * that was refused, or whose answer was lost, is not tried again: a realm that lets refresh tokens
 * be used once ends a session whose token comes twice. Otherwise errors of renewal_start.
 */
enum kc_status session_renew(struct sessions *sessions, const char *user, uint32_t uid,
    unsigned deadline_ms, session_renewed *done, void *userdata,
    struct session_renewal **ret_renewal);

/* Whether there is a session that could be renewed. */
bool session_renewable(struct sessions *sessions, const char *user, uint32_t uid);

/* The callback will not come; what was sent is seen through to its end. */
void session_renew_cancel(struct session_renewal *renewal);

#endif
