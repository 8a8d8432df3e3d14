/*
 * The service token: who the daemon is to the Admin API, by a client credentials grant (RFC 6749
 * section 4.4), kept and renewed before it ends.
 * Used by admin.c. One grant at a time, however many wait for it.
 * Must never be used for a person, nor be asked for once a lookup.
 */
#ifndef DAEMON_SERVICE_TOKEN_H
#define DAEMON_SERVICE_TOKEN_H

#include "common/secret.h"
#include "common/status.h"

#include <stdint.h>

struct realm;
struct service_token;
struct service_wait;

/* Makes it for the client of [directory], or the realm's own where it names none.
 * KC_CONFIG_INVALID, KC_NO_MEMORY. `realm` must outlive it. */
enum kc_status service_token_new(struct realm *realm, struct service_token **ret_token);
void service_token_free(struct service_token *token); /* waits end without their callbacks */

/*
 * The value of an Authorization header, or why there is none. Comes before service_token_await
 * returns where a token is at hand; `authorization` is NULL unless KC_OK, and the callee copies it.
 */
typedef void service_token_ready(void *userdata, enum kc_status status, const char *detail,
    const struct kc_secret *authorization);

/* `ret_wait` is set only while the callback has not come (else to NULL). `deadline_us` is of
 * CLOCK_MONOTONIC; after it KC_TIMED_OUT. KC_BUSY, KC_NO_MEMORY. */
enum kc_status service_token_await(struct service_token *token, uint64_t deadline_us,
    service_token_ready *ready, void *userdata, struct service_wait **ret_wait);

void service_wait_cancel(struct service_wait *wait);

/*
 * The realm did not take the token (401): a new one is fetched for the next who asks, unless the
 * one in hand is younger than a second, or was not the one that `authorization` shows.
 */
void service_token_refused(struct service_token *token, const struct kc_secret *authorization);

#endif
