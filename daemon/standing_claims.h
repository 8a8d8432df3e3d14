/*
 * Claims made of the directory's answers, in the form that an access token has them.
 * Used by standing.c. Pure: no I/O.
 * Must never take a list of another form for an empty one.
 */
#ifndef DAEMON_STANDING_CLAIMS_H
#define DAEMON_STANDING_CLAIMS_H

#include "common/status.h"

struct json_object;

/* No groups yet, and roles not known. The caller owns it (json_object_put). KC_NO_MEMORY. */
enum kc_status standing_claims_new(struct json_object **ret_claims);

/*
 * Each takes in one answer, a list of representations: groups by their full paths (more of them, a
 * page at a time), roles of the realm or of one client by their names (all of them: a list without
 * any says that there are none). KC_ANSWER_MALFORMED, KC_ANSWER_TOO_LARGE, KC_NO_MEMORY.
 */
enum kc_status standing_claims_add_groups(struct json_object *claims, const struct json_object *list);
enum kc_status standing_claims_put_realm_roles(struct json_object *claims, const struct json_object *list);
enum kc_status standing_claims_put_client_roles(
    struct json_object *claims, const char *client, const struct json_object *list);

#endif
