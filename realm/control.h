/*
 * Control: faults, counts and changes at run time, for tests and for trying things out.
 * Used by server for what comes in below /_control/.
 * Asks nobody who they are: the loopback is its only fence.
 */
#ifndef REALM_CONTROL_H
#define REALM_CONTROL_H

#include "realm/server.h"

/*
 * GET counts; POST reset, fault, rotate, realm, user, logout, forgive, each with a JSON object as
 * body; DELETE fault. The answer is 200 with an object, or 400 and 404 with a reason.
 */
void realm_control(struct realm_server *server, const char *method, const char *what,
    const char *body, struct realm_answer *answer);

#endif
