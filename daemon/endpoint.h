/*
 * The addresses of the issuer's host (connect_to): what is known of each, and which is spoken to.
 * Used by realm.c, refresh.c and await.c; grant.c and logout.c tell what they saw.
 * Must never let a person's grant find out that an address is bad where a GET can: a grant is
 * POSTed once, and is lost on an address that takes it and does not answer.
 */
#ifndef DAEMON_ENDPOINT_H
#define DAEMON_ENDPOINT_H

#include "daemon/http.h"

struct sd_event;
struct endpoints;

/* Starts a GET that goes to `target` (one address, then NULL) alone. Errors of http_start. */
typedef enum kc_status endpoint_ask(void *userdata, const char *const *target, http_done *done,
    void *done_userdata, struct http_request **ret_request);

/* The end of a check, from the loop: KC_OK, or what was wrong with the address that came nearest to
 * an answer (KC_UNREACHABLE only where not a byte came from any), and its words for the log. */
typedef void endpoint_checked(void *userdata, enum kc_status status, const char *detail);

/* An address turned bad (the reason), or good again (KC_OK); for the log. */
typedef void endpoint_changed(
    void *userdata, const char *address, enum kc_status status, const char *detail);

struct endpoint_calls {
    endpoint_ask *ask;
    endpoint_checked *checked;
    endpoint_changed *changed;
    void *userdata; /* of all three */
};

/* `addresses` is NULL-terminated, may be empty (the issuer's own host is the one address then) and
 * must outlive the object. KC_NO_MEMORY. */
enum kc_status endpoints_new(struct sd_event *event, const char *const *addresses,
    const struct endpoint_calls *calls, struct endpoints **ret_endpoints);

/* Requests under way end without a word; no check is told of. NULL is nothing. */
void endpoints_free(struct endpoints *endpoints);

/* True where a grant may be sent without a check: there is one address alone, or the one in use
 * gave an answer a moment ago. */
bool endpoints_fresh(const struct endpoints *endpoints);

/*
 * Finds an address that answers: the one in use is asked, and where that fails or takes long, all
 * others at once; the first that answers is in use from then on. Joins a check that runs.
 */
void endpoints_check(struct endpoints *endpoints);

/* Where a request goes, the best first, NULL-terminated; bad addresses only where all are. NULL
 * where none is configured. Good until the loop goes on. */
const char *const *endpoints_order(struct endpoints *endpoints);

/* What a request that was not a check came to: the address gave an answer that is not a 5xx. Only a
 * POST's answer ends what a POST began (endpoints_troubled). */
void endpoints_answered(
    struct endpoints *endpoints, const struct http_answer *answer, bool was_post);

/* The address (of connect_to; NULL: none) gave a 5xx, or took a request and has given no answer:
 * others are preferred for a minute, which closes nothing. The next check asks it as the others. */
void endpoints_troubled(struct endpoints *endpoints, const char *address);

/* A request's KC_UNREACHABLE in the strict sense: where an address that was not tried is known to
 * give bytes of some kind, that one's failure instead. Other statuses stay. */
enum kc_status endpoints_strict(const struct endpoints *endpoints, enum kc_status status);

struct endpoint_report {
    const char *address;
    bool in_use;
    enum kc_status failure; /* of its last GET; KC_OK: none, or not asked yet */
};

/* What is known of the nth address, for `kclogin status`; false: there is none. */
bool endpoints_report(
    const struct endpoints *endpoints, size_t index, struct endpoint_report *ret_report);

#endif
