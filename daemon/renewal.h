/*
 * A refresh grant: a session's tokens made anew (RFC 6749 section 6), and verified.
 * Used by session_renew.c. What runs belongs to the realm object.
 * Must never send a token to anybody but the realm and as the client that it came from.
 */
#ifndef DAEMON_RENEWAL_H
#define DAEMON_RENEWAL_H

#include "daemon/grant.h"
#include "daemon/realm.h"

struct renewal_request {
    const struct realm_origin *origin;
    const struct kc_secret *refresh_token;
    const char *user; /* whom the new token must be about */
    unsigned deadline_ms;
};

/*
 * The end, from the loop. `answer` is NULL where the realm gave no tokens; else it is to be kept,
 * whatever the status: the token that was sent may be worth nothing any more. Its jwt is there with
 * KC_OK alone. KC_ACCOUNT_DISABLED; KC_UNANSWERED and KC_ANSWER_ words: the token may have been
 * used up; other rows of oauth_error.h; KC_TOKEN_ words: a new token that does not verify.
 */
typedef void renewal_done(
    void *userdata, enum kc_status status, const char *detail, struct grant_answer *answer);

/* Everything is copied. POSTed once. KC_REALM_WRONG_ISSUER, KC_REALM_WRONG_CLIENT: another is
 * configured by now; KC_NOT_READY, KC_BUSY, KC_NO_MEMORY. */
enum kc_status renewal_start(struct realm *realm, const struct renewal_request *request,
    renewal_done *done, void *userdata);

#endif
