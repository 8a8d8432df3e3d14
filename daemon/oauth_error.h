/*
 * The one error table: what the realm's refusals mean, as a status, a text for the person and an
 * advice for the administrator's log.
 * Used by grant.c, refresh.c, logout.c, and by login.c and main.c for the texts. Pure: no I/O.
 * Must never turn anything into KC_OK; what is not in the table is unavailable.
 */
#ifndef DAEMON_OAUTH_ERROR_H
#define DAEMON_OAUTH_ERROR_H

#include "common/secret.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_answer;

enum oauth_match {
    OAUTH_EXACT,  /* the description is this text */
    OAUTH_PREFIX, /* the description begins with this text */
    OAUTH_ABSENT, /* there is no description */
    OAUTH_ANY,    /* any description, or none */
};

/* One row. The first row that fits wins; a row without `error` fits by the HTTP status alone. */
struct oauth_error_row {
    const char *number; /* the row's number in the table of Keycloak's errors; for the test */
    unsigned http[3];   /* HTTP statuses it comes with; 0: no more; http[0] 0: any */
    const char *error;  /* NULL: no (known) OAuth error in the body */
    enum oauth_match match;
    const char *description;
    bool retry_after; /* only with a Retry-After header */
    enum kc_status status;
};

/* What is told for a status, whichever row or check it came from. */
struct oauth_error_words {
    enum kc_status status;
    const char *text;   /* for the person, one short English sentence; NULL: nothing */
    const char *advice; /* for the log: what to change, and where; NULL: nothing */
};

/* The tables themselves, for the tests that walk them. */
const struct oauth_error_row *oauth_error_rows(size_t *ret_count);

/* The status of a refusal. `error` and `description` may be NULL: absent. Never KC_OK. */
enum kc_status oauth_error_classify(
    unsigned http, const char *error, const char *description, bool retry_after);

#define OAUTH_DETAIL_MAX 256

/* Reads an answer that is not 200 and classifies it. `ret_detail` gets `error: description` for the
 * log, control characters and non-ASCII replaced, cut to the buffer; "" where there is none, or
 * where it repeats one of `secrets` (what was sent; plain or form-encoded; NULL-terminated, or
 * NULL). Survives an empty body, HTML, and anything else. Never KC_OK. */
enum kc_status oauth_error_read(const struct http_answer *answer,
    const struct kc_secret *const *secrets, char ret_detail[static OAUTH_DETAIL_MAX]);

/* The text for the person; NULL: say nothing of your own. */
const char *oauth_error_text(enum kc_status status);

/* The advice for the administrator; NULL: none. Knows the statuses of tokens and transport too. */
const char *oauth_error_advice(enum kc_status status);

#endif
