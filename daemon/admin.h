/*
 * The Admin REST API: reading, with the service token, and nothing else.
 * Used by the directory.
 * Must never change anything in the realm, nor take a refusal for an empty answer.
 */
#ifndef DAEMON_ADMIN_H
#define DAEMON_ADMIN_H

#include "common/status.h"

#include <stddef.h>
#include <stdint.h>

struct realm;
struct admin;
struct admin_request;
struct json_object;

/* `realm` must outlive it. KC_CONFIG_INVALID (the client, or an issuer that is not
 * .../realms/NAME), KC_NO_MEMORY. */
enum kc_status admin_new(struct realm *realm, struct admin **ret_admin);
void admin_free(struct admin *admin); /* requests end, with KC_NOT_READY */

/*
 * The end of a request. KC_OK: 200, and `answer` is its JSON, borrowed. KC_NOT_FOUND: 404 of the
 * realm itself, in its own words. KC_HTTP_FORBIDDEN: the client lacks a role. All others: not known
 * just now; `detail` is for the log.
 */
typedef void admin_done(
    void *userdata, enum kc_status status, const char *detail, const struct json_object *answer);

/*
 * GET of `path` below the realm's part of the Admin API, with its query: "/users?max=2". Waits for
 * its turn where many are under way, and for a token where there is none; one that is refused is
 * fetched anew, once. The callback never comes from within. `deadline_us` is of CLOCK_MONOTONIC.
 * KC_BUSY, KC_NO_MEMORY, KC_TOO_LARGE.
 */
enum kc_status admin_get(struct admin *admin, const char *path, uint64_t deadline_us,
    admin_done *done, void *userdata, struct admin_request **ret_request);

void admin_cancel(struct admin_request *request);

/* The Admin API's part for the realm of `issuer`: https://host/prefix/realms/NAME becomes
 * https://host/prefix/admin/realms/NAME, for the caller to free. KC_CONFIG_INVALID, KC_NO_MEMORY. */
enum kc_status admin_base(const char *issuer, char **ret_base);

/* Appends `text` to a query, percent-encoded (RFC 3986 section 2.1: all but unreserved).
 * KC_TOO_LARGE. */
enum kc_status admin_escape(const char *text, char *path, size_t size);

#endif
