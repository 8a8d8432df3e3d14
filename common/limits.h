/*
 * The limits of everything that crosses the sockets, together in one place.
 * Used by both sides of the wire; PROTOCOL.md gives the same numbers in prose.
 * Sizes are in bytes, the terminating NUL of a text included.
 */
#ifndef KC_LIMITS_H
#define KC_LIMITS_H

#include <stddef.h>

#define KC_MESSAGE_MAX ((size_t)128 * 1024) /* one packet */
#define KC_TOKEN_MAX ((size_t)64 * 1024)    /* an access token on its way into an environment */
#define KC_ANSWER_MAX 512                   /* what a person types (PAM_MAX_RESP_SIZE) */
#define KC_TEXT_MAX 512                     /* what a person is shown (PAM_MAX_MSG_SIZE) */
#define KC_REPORT_MAX ((size_t)60 * 1024)   /* the text of a report; a token still fits beside it */
#define KC_SERVICE_MAX 65
#define KC_USER_MAX 257
#define KC_RHOST_MAX 257
#define KC_TTY_MAX 65
#define KC_ACCESS_MAX 65
#define KC_WORD_MAX 33
#define KC_CLIENT_MAX 256
#define KC_LOOKUP_NAME_MAX 33
#define KC_FIELD_MAX 512 /* gecos, home or shell */
#define KC_LIST_MAX (KC_MESSAGE_MAX - 4096)
#define KC_KEY_SIZE 32 /* a transaction or a session handle: 256 random bits */
#define KC_KEY_HEX_SIZE (2 * KC_KEY_SIZE + 1)

/* Milliseconds that a caller waits. */
#define KC_LOGIN_MS 40000 /* a login but for people's typing: the daemon's own limits are less */
#define KC_ACCOUNT_MS 5000
#define KC_OPEN_MS 2000
#define KC_CLOSE_MS 1000
#define KC_STATUS_MS 2000
#define KC_LOOKUP_MS 2000

#endif
