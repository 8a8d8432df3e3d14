/*
 * The realm as the daemon knows it: discovery and keys kept fresh in the background, whether it is
 * reachable, the client we are there, and the end of sessions.
 * Used by main.c (one object), login.c, account.c, session_end.c, phases.c and grant.c.
 * Must never make a login wait for a background refresh while what is cached will do.
 */
#ifndef DAEMON_REALM_H
#define DAEMON_REALM_H

#include "common/secret.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sd_event;
struct config;
struct discovery;
struct client_auth;
struct jose_jwks;
struct realm;

/* Starts the first discovery at once. Takes a reference of `config`. KC_CONFIG_INVALID (no issuer,
 * no client, a key that cannot be used), KC_NO_MEMORY, KC_SYSTEM. */
enum kc_status realm_new(struct sd_event *event, struct config *config, struct realm **ret_realm);

/* Aborts all requests without their callbacks; grants end without theirs. Not from a callback. */
void realm_free(struct realm *realm);

/* SIGHUP: from now on this configuration. On failure the old one stays in force. Connections and
 * TLS sessions are made anew; what was discovered stays where the issuer is the same, and is
 * refreshed. Grants under way end under the configuration they began with. Errors as realm_new. */
enum kc_status realm_reload(struct realm *realm, struct config *config);

struct realm_report {
    bool ready;             /* discovery and keys are there */
    bool reachable;         /* the last probe or refresh was answered */
    bool failing;           /* answered or not, the last one was of no use */
    int64_t since;          /* epoch seconds of the last change of `reachable`; 0: never asked */
    int64_t last_success;   /* epoch seconds; 0: never */
    int64_t last_failure;   /* epoch seconds; 0: never */
    enum kc_status failure; /* of the last failure; KC_OK: never one */
    char detail[256];       /* its words, without control characters */
    int64_t keys_fetched;   /* epoch seconds; 0: never */
    size_t keys;            /* usable keys */
};

/* For `kclogin status` and the log. */
void realm_status(const struct realm *realm, struct realm_report *ret_report);

/* What is known of the nth address of connect_to; false: there is none. */
struct endpoint_report;
bool realm_address(const struct realm *realm, size_t index, struct endpoint_report *ret_report);

/* Called each time `reachable`, `failing` or the reason changes, so that it can be logged once. */
typedef void realm_changed(void *userdata, const struct realm_report *report);
void realm_watch(struct realm *realm, realm_changed *changed, void *userdata);

/* Called when an address of connect_to turns bad (the reason) or good again (KC_OK). */
typedef void realm_address_changed(
    void *userdata, const char *address, enum kc_status status, const char *detail);
void realm_watch_addresses(
    struct realm *realm, realm_address_changed *changed, void *userdata);

/*
 * Asks for a probe of discovery soon, because a person's request failed (KC_UNREACHABLE,
 * KC_UNANSWERED, 5xx). Rate-limited; costs nothing while one runs. Only the probe's own result
 * decides whether the realm is down: a transport failure, 502, 503 or 504.
 */
void realm_probe(struct realm *realm);

struct realm_wait;
typedef void realm_ready(void *userdata, enum kc_status status, const char *detail);

/* Waits until discovery and keys are there, the realm is not known to be down and, of more addresses
 * than one, one has answered just now. Where it is so, the callback comes before this returns. Otherwise it joins the fetch that runs or starts one, and
 * gives that one's outcome, or KC_TIMED_OUT at `deadline_us` (CLOCK_MONOTONIC). A failure less than
 * a second old is given at once, and while the realm is down nobody waits longer than a fifth of a
 * second for the probe. `ret_wait` is set only when the callback has not come yet
 * (else to NULL). KC_BUSY, KC_NO_MEMORY. */
enum kc_status realm_await(struct realm *realm, uint64_t deadline_us, realm_ready *ready,
    void *userdata, struct realm_wait **ret_wait);

/* Waits for one fetch of the keys that begins after now, because a token names an unknown key. One
 * fetch in five seconds at most: others wait for the next. Otherwise as realm_await. */
enum kc_status realm_await_keys(struct realm *realm, uint64_t deadline_us, realm_ready *ready,
    void *userdata, struct realm_wait **ret_wait);

/* Waits for a probe's outcome, KC_OK or why the realm is not reachable, in the way of realm_await: a
 * request failed, and what it saw is not what decides. One less than a second old is given at once. */
enum kc_status realm_await_probe(struct realm *realm, uint64_t deadline_us, realm_ready *ready,
    void *userdata, struct realm_wait **ret_wait);

/* Ends a wait; its callback will not come. */
void realm_wait_cancel(struct realm_wait *wait);

/* What is known now; NULL before the first success. Keys are valid until the loop goes on. */
struct discovery *realm_discovery(const struct realm *realm);
const struct jose_jwks *realm_keys(const struct realm *realm);
struct config *realm_config(const struct realm *realm);
struct client_auth *realm_client(const struct realm *realm);

typedef void realm_ended(void *userdata, enum kc_status status, const char *detail);

/* Whose a token is: sessions outlive reloads and restarts, and both may have changed since. */
struct realm_origin {
    const char *issuer, *client_id;
};

/*
 * Ends a session: POST to the end_session_endpoint with the refresh token. Tried up to three times
 * (it does no harm twice). `ended` may be NULL; it comes from the loop, KC_OK also when the session
 * was over already. Copies the token. KC_REALM_WRONG_ISSUER: another issuer is configured by now,
 * and gets nobody else's token; KC_REALM_WRONG_CLIENT: another client, which a realm does not let
 * end it. KC_NOT_READY (nothing discovered), KC_BUSY, KC_NO_MEMORY.
 */
enum kc_status realm_logout(struct realm *realm, const struct realm_origin *origin,
    const struct kc_secret *refresh_token, realm_ended *ended, void *userdata);

/* The same for a grant without refresh token: RFC 7009 on the access token. */
enum kc_status realm_revoke(struct realm *realm, const struct realm_origin *origin,
    const struct kc_secret *access_token, realm_ended *ended, void *userdata);

/* Sessions whose end is under way. */
size_t realm_ending(const struct realm *realm);

/* Those, and grants under way, of which a session may still come that is then ended; the daemon
 * stops after they are done or its patience is. */
size_t realm_under_way(const struct realm *realm);

#endif
