/*
 * Password grants: one at a time for a user, POSTed once, the answer verified before it counts.
 * Used by login.c, and by account.c to judge a kept token. What runs belongs to the realm object.
 * Must never send a grant again, nor leave a session at the realm that nobody holds.
 */
#ifndef DAEMON_GRANT_H
#define DAEMON_GRANT_H

#include "common/secret.h"
#include "common/status.h"

#include <stdint.h>

struct realm;
struct jose_jwt;
struct grant;

/* Asked when a grant's turn has come and nothing has been sent: anything but KC_OK ends it so. */
typedef enum kc_status grant_admit(void *userdata);

/* Everything is copied. */
struct grant_request {
    const char *user;                 /* sent exactly so, and compared whole with the token's */
    const struct kc_secret *password; /* any bytes */
    const struct kc_secret *code;     /* a one-time code (parameter totp); NULL: none */
    const char *client_address;       /* an IP literal, forwarded only if configured; NULL: none */
    grant_admit *admit;               /* with the callback's userdata; NULL: nobody is asked */
};

struct grant_answer {
    struct kc_secret access_token;
    struct kc_secret refresh_token; /* empty: the realm gave none */
    const char *issuer;   /* of the realm that gave it; the grant's own, not to be taken */
    const char *client_id; /* of the client that it was given to; likewise */
    char *scope;          /* the answer's own scope; NULL: absent */
    int64_t expires_at;   /* the access token's exp, epoch seconds */
    struct jose_jwt *jwt; /* the verified access token */
};

/* Wipes and frees what has not been taken. */
void grant_answer_clear(struct grant_answer *answer);

/*
 * The end of a grant, from the loop, never from within grant_start. `detail` is for the log: the
 * OAuth error and description or libcurl's words, cleaned, never a secret; may be "". `answer` is
 * NULL unless KC_OK; the callee takes what it wants (KC_TAKE, kc_secret_take), the rest is wiped.
 *
 * KC_OK; KC_BAD_CREDENTIALS and the other rows of oauth_error.h; KC_TOKEN_*: the realm said yes,
 * but the token does not verify (the session has been ended); KC_GRANT_IN_DOUBT: a refusal soon
 * after this user's own unanswered grant, which may be what made it; KC_UNANSWERED, KC_UNREACHABLE,
 * KC_TLS_FAILED, KC_ANSWER_*; KC_TIMED_OUT: its turn did not come in time, nothing was sent;
 * KC_HTTP_TOO_MANY_REQUESTS: also without asking, while the realm's Retry-After holds this user.
 */
typedef void grant_done(
    void *userdata, enum kc_status status, const char *detail, struct grant_answer *answer);

/* Queues a grant for its user; the configuration's grant_timeout counts from now. KC_BUSY (queue
 * full), KC_EMPTY_PASSWORD, KC_PASSWORD_TOO_LONG, KC_MALFORMED (empty user), KC_NO_MEMORY. */
enum kc_status grant_start(struct realm *realm, const struct grant_request *request,
    grant_done *done, void *userdata, struct grant **ret_grant);

/* Verifies a token that a grant gave earlier once more, by the keys and the configuration in force
 * now. KC_NOT_READY (no keys), errors of jose_jwt_verify. */
enum kc_status grant_verify(struct realm *realm, const struct kc_secret *access_token,
    const char *user, struct jose_jwt **ret_jwt);

/* The callback will not come. What is on the wire goes on to its end, for the user's queue, and the
 * tokens that come of it are given back to the realm. */
void grant_cancel(struct grant *grant);

#endif
