/*
 * What the session phase does for another one.
 * Used by authenticate.c.
 * Must never open a session.
 */
#ifndef PK_SESSION_H
#define PK_SESSION_H

#include "pam/call.h"

/*
 * Takes the transaction out of the PAM environment and hands it in, so that its grant ends: the
 * handle is another user's by now (sudo), and a session may never be opened (`!pam_session`).
 */
void pk_session_give_back(struct pk_call *call);

#endif
