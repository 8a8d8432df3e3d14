/*
 * The token endpoint's 200 (RFC 6749 section 5.1), read strictly. Pure: no I/O.
 * Used by grant.c.
 * Must never call an answer usable that lacks a bearer token, nor lose a refresh token by which the
 * session of an unusable one can be ended.
 */
#ifndef DAEMON_TOKEN_ANSWER_H
#define DAEMON_TOKEN_ANSWER_H

#include "common/secret.h"
#include "common/status.h"

#include <stdint.h>

struct http_answer;

struct token_answer {
    enum kc_status verdict; /* KC_OK: usable; else why not */
    struct kc_secret access_token, refresh_token;
    char *scope;        /* NULL: absent */
    int64_t expires_in; /* seconds; 0: absent; nothing is decided on it for a person's token */
    int64_t not_before; /* not-before-policy, of this user alone (26.7.0); 0: none */
};

/* Reads the answer of a grant. Members that a decision reads are there once, of the right type and
 * bounded, or the verdict says so: KC_ANSWER_NOT_JSON, KC_ANSWER_MALFORMED, KC_ANSWER_TOO_LARGE,
 * KC_CLIENT_DPOP_REQUIRED (token_type DPoP), KC_NO_MEMORY. Whatever of the tokens could be read is
 * in `ret_answer` all the same, to be given back to the realm. */
void token_answer_read(const struct http_answer *answer, struct token_answer *ret_answer);

void token_answer_clear(struct token_answer *answer);

#endif
