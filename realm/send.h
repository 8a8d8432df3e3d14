/*
 * Sending: an answer as it is, or spoilt as a fault says.
 * Used by server.
 * Never spoils what no fault asks for.
 */
#ifndef REALM_SEND_H
#define REALM_SEND_H

#include "realm/server.h"

/* Whether the fault leaves no place for an answer of the realm's own. */
bool realm_send_instead(enum realm_fault_kind kind);

/* Sends the answer; MHD_NO closes the connection. */
enum MHD_Result realm_send(struct realm_server *server, struct MHD_Connection *connection,
    struct realm_answer *answer, const struct realm_fault *fault);

/* Waits `ms` milliseconds, less where the server stops or is reset. */
void realm_send_wait(struct realm_server *server, int64_t ms);

#endif
