/*
 * One call of the host program: who it is about, what the PAM line says, and how it ended.
 * Used by each phase; begin and end stand here so that all phases log and answer alike.
 * Must never outlive the call: nothing is kept but what pam_set_data holds.
 */
#ifndef PK_CALL_H
#define PK_CALL_H

#include "pam/converse.h"
#include "pam/identity.h"
#include "pam/result.h"

struct pk_call {
    pam_handle_t *pamh;
    struct pk_options options;
    struct pk_identity identity;
    struct pk_conversation conversation;
};

#define PK_AUTO_CALL KC_CLEANUP(pk_call_free)

/*
 * Reads the PAM line and decides whose PAM_USER is; with `ask_user`, asks for the name where the
 * host program has set none. Mistakes in the line or in host.conf are logged here. What
 * pk_identify fails with, KC_CONFIG_INVALID for a bad line (of an account that may be ours),
 * KC_CONVERSATION, KC_NO_MEMORY. ret_call is filled on every outcome.
 */
enum kc_status pk_call_begin(pam_handle_t *pamh, int flags, int argc, const char **argv,
    bool ask_user, struct pk_call *ret_call);

/* Fills the login of a request. KC_TOO_LARGE: an item of PAM is over its limit; nothing is cut. */
enum kc_status pk_call_login(const struct pk_call *call, struct kc_wire_login *ret_login);

/*
 * Whether PAM_USER is still the one this call began with, an account that is ours, with the uid
 * that it had. KC_NOT_AUTHORIZED: it is another. KC_USER_UNKNOWN: still nobody knows it.
 */
enum kc_status pk_call_prove_identity(struct pk_call *call);

/* Whether the account is one that the realm decides about, however broken the PAM line is. */
bool pk_call_is_ours(const struct pk_call *call);

/* Writes the one line that says how the call ended. */
void pk_call_log(const struct pk_call *call, enum kc_status status);

/* Logs what is neither success nor somebody else's business, and gives the PAM code. */
int pk_call_end(const struct pk_call *call, enum pk_question question, enum kc_status status);

void pk_call_free(struct pk_call *call);

#endif
