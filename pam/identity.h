/*
 * Ours or not ours: whose PAM_USER is, decided on this host and without the daemon.
 * Used at the begin of each call, and again before success.
 * Must never make an account ours that the host bounds do not.
 */
#ifndef PK_IDENTITY_H
#define PK_IDENTITY_H

#include "common/conf.h"
#include "common/limits.h"

#include <security/pam_modules.h>
#include <sys/types.h>

enum pk_kind {
    PK_STRANGER, /* a name that nobody on this host knows: the realm may */
    PK_REALM,    /* an account with an id in the realm's range */
    PK_LISTED,   /* one of the host's own that a realm password may open */
};

struct pk_identity {
    enum pk_kind kind;
    uid_t uid; /* KC_WIRE_NO_UID of a stranger */
    char user[KC_USER_MAX];
};

/*
 * Decides about `user`. KC_NOT_OURS: the realm has no say. KC_USER_UNKNOWN: no name at all.
 * KC_NOT_AUTHORIZED: an id in the range under a name that is not the account's own.
 * KC_CONFIG_INVALID, KC_CONFIG_UNTRUSTED, KC_TOO_LARGE, KC_SYSTEM, KC_NO_MEMORY: nobody can tell;
 * with ret_error filled where host.conf is the cause. Root and the system's own accounts are
 * KC_NOT_OURS even then. ret_identity->user is set on every outcome (cut where too long).
 */
enum kc_status pk_identify(pam_handle_t *pamh, const char *user, struct pk_identity *ret_identity,
    struct kc_conf_error *ret_error);

#endif
