/*
 * An administrator at the prompt: logged in at the realm by password for one order, and out again.
 * Used by assign.c.
 * Must never keep the password longer than the one request that it is for, nor send a change twice.
 */
#ifndef DAEMON_ADMINISTRATOR_H
#define DAEMON_ADMINISTRATOR_H

#include "common/secret.h"
#include "common/status.h"

struct administrator;
struct json_object;
struct realm;

/*
 * The end of a step, from the loop. KC_OK: for a GET `answer` is its JSON, borrowed. KC_NOT_FOUND,
 * KC_HTTP_FORBIDDEN (who logged in lacks a role), KC_HTTP_BAD_REQUEST (a value that the realm does not
 * take), KC_UNANSWERED (of a change: nobody knows whether it was made), the rows of oauth_error.h and
 * others of http.h. `detail` is for the log and the person, cleaned; may be "".
 */
typedef void administrator_done(
    void *userdata, enum kc_status status, const char *detail, const struct json_object *answer);

/* Who logs in; copied. */
struct administrator_login {
    const char *client; /* a public client of the realm that may use the password grant */
    const char *name;
    const struct kc_secret *password;
};

/* Logs in. `realm` must outlive it. KC_EMPTY_PASSWORD (or no name), KC_CONFIG_INVALID, KC_NO_MEMORY. */
enum kc_status administrator_begin(struct realm *realm, const struct administrator_login *login,
    administrator_done *done, void *userdata, struct administrator **ret_administrator);

/* The next step, after the last one has ended: GET of `path` below the Admin API's part for the
 * realm, or PUT of `object` there. The token is renewed when its time comes. KC_TOO_LARGE,
 * KC_NO_MEMORY, KC_BUSY. */
enum kc_status administrator_get(struct administrator *administrator, const char *path);
enum kc_status administrator_put(struct administrator *administrator, const char *path,
    struct json_object *object);

/* Ends it, whatever is under way, and the session at the realm. NULL is nothing. */
void administrator_free(struct administrator *administrator);

#endif
