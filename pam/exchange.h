/*
 * The exchange: one request to the daemon, its questions in between, its DONE.
 * Used once in each phase that asks the daemon.
 * Must never wait without a deadline, nor take a message that does not belong where it comes.
 */
#ifndef PK_EXCHANGE_H
#define PK_EXCHANGE_H

#include "common/client.h"
#include "pam/converse.h"

/*
 * Runs one exchange over a connection of its own, in which all waits for the daemon together take
 * at most `budget` milliseconds; the time a person takes to answer is not counted. `passed_fd`
 * goes along with the request where it is not negative. KC_OK: DONE said so, and ret_done's views
 * point into `storage`. Else what DONE said, or what kept it from coming: KC_DAEMON_UNREACHABLE,
 * KC_DAEMON_UNTRUSTED, KC_TIMED_OUT, KC_PROTOCOL, KC_PROTOCOL_VERSION, what pk_ask and pk_show
 * fail with, KC_TOO_LARGE, KC_SYSTEM, KC_NO_MEMORY. ret_answered tells the two apart.
 */
enum kc_status pk_exchange(struct pk_conversation *conversation,
    const struct kc_wire_request *request, int passed_fd, int64_t budget, struct kc_secret *storage,
    struct kc_wire_reply *ret_done, bool *ret_answered);

/* Whether this process knocks at the privileged socket; elsewhere a transaction is worthless. */
bool pk_exchange_privileged(void);

#endif
