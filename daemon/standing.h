/*
 * A user's standing: what the realm's directory says of one user now, in the form of a token's
 * claims, so that the same rules judge both.
 * Used by evidence.c.
 * Must never leave out what it could not see as if it were not there.
 */
#ifndef DAEMON_STANDING_H
#define DAEMON_STANDING_H

#include "daemon/client_ids.h"
#include "daemon/directory.h"

struct standing;

struct standing_request {
    struct directory *directory;
    struct client_ids *clients; /* borrowed: what is known of them, and what is learnt */
    const char *user;
    uint32_t uid; /* that this user must have here */
    uint64_t deadline_us;
};

/*
 * The end, from the loop. KC_OK: `claims` has groups (full paths), realm_access and resource_access
 * (effective roles; of the clients that rules name, where their ids could be found); to be judged
 * as partial. KC_ACCOUNT_DISABLED; KC_USER_UNKNOWN, KC_ENTRY_ words, KC_NOT_OURS as of an inquiry;
 * KC_NO_EVIDENCE: another uid. Those of class misconfigured, and all others: not known just now.
 * `detail` is for the log.
 */
typedef void standing_done(
    void *userdata, enum kc_status status, const char *detail, struct json_object *claims);

/* Begins to ask: user, groups, realm roles, client roles, one after the other. `request` is copied
 * but for what it points at; the name is copied. Errors of inquiry_begin. */
enum kc_status standing_begin(const struct standing_request *request, standing_done *done,
    void *userdata, struct standing **ret_standing);

void standing_cancel(struct standing *standing);

#endif
