/*
 * One question to the daemon and its answer.
 * Used by the verbs that ask it.
 * Must never print what a daemon says without looking at it: it may have been replaced.
 */
#ifndef CLI_EXCHANGE_H
#define CLI_EXCHANGE_H

#include "common/client.h"

#include <stdio.h>

/*
 * Asks the daemon whose sockets are in `dir` (NULL: where they are), by the socket that this caller
 * has to use, and takes one answer within `wait_ms`; its views point into `storage`.
 * Errors of kc_client_open, kc_client_send and kc_client_receive.
 */
enum kc_status cli_exchange(const char *dir, const struct kc_wire_request *request, int wait_ms,
    struct kc_secret *storage, struct kc_wire_reply *ret_reply);

/* What a DONE means; KC_PROTOCOL for any other reply. */
enum kc_status cli_done(const struct kc_wire_reply *reply);

/* Writes lines of text; whatever is not printable ASCII becomes a question mark. */
void cli_print_report(struct kc_view report, FILE *to);

#endif
