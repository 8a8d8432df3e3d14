/*
 * The PAM environment: the only variables that this module ever sets.
 * Used by authenticate, account and open_session.
 * Must never take a variable's name from anywhere but its own table.
 */
#ifndef PK_ENVIRONMENT_H
#define PK_ENVIRONMENT_H

#include "common/wire.h"

#include <security/pam_modules.h>

/* Keeps the transaction between the phases of one login. KC_NO_MEMORY. */
enum kc_status pk_environment_set_transaction(pam_handle_t *pamh, struct kc_view key);

/* The transaction, if there is one and it is well formed. */
bool pk_environment_get_transaction(pam_handle_t *pamh, uint8_t ret_key[KC_KEY_SIZE]);

void pk_environment_remove_transaction(pam_handle_t *pamh);

/*
 * Exports what an OPEN's answer grants: token, its expiry, the session's handle; no token where
 * `no_token`. KC_TOKEN_MALFORMED: bytes in the token that no token has (it is left out);
 * KC_NO_MEMORY.
 */
enum kc_status pk_environment_export(
    pam_handle_t *pamh, const struct kc_wire_reply *opened, bool no_token);

#endif
