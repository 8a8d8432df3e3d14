/*
 * The account phase: whether an account may enter here and now.
 * Used by the entry points.
 * Must never pass an account in the realm's range without the daemon's word.
 */
#include "pam/call.h"
#include "pam/environment.h"
#include "pam/exchange.h"
#include "pam/phase.h"

static enum kc_status ask_daemon(struct pk_call *call, struct kc_view transaction)
{
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    struct kc_wire_request request = {.type = KC_WIRE_ACCOUNT, .key = transaction};
    struct kc_wire_reply done;
    bool answered = false;
    enum kc_status status = pk_call_login(call, &request.login);
    if (status == KC_OK)
        status = pk_exchange(
            &call->conversation, &request, -1, KC_ACCOUNT_MS, &storage, &done, &answered);
    if (status == KC_OK)
        status = pk_call_prove_identity(call);
    enum kc_class class = kc_status_class(status);
    return class == KC_CLASS_UNKNOWN || class == KC_CLASS_NOT_OURS ? KC_NOT_AUTHORIZED : status;
}

static enum kc_status judge(struct pk_call *call)
{
    uint8_t key[KC_KEY_SIZE];
    bool has_transaction =
        pk_exchange_privileged() && pk_environment_get_transaction(call->pamh, key);
    if (call->identity.kind == PK_STRANGER)
        return KC_USER_UNKNOWN;
    /* Of a listed account only a login with the realm's password is the realm's to judge. */
    if (call->identity.kind == PK_LISTED && !has_transaction)
        return KC_OK;
    enum kc_status status =
        ask_daemon(call, (struct kc_view){key, has_transaction ? sizeof key : 0});
    kc_wipe(key, sizeof key);
    return status;
}

int pk_account(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    PK_AUTO_CALL struct pk_call call;
    enum kc_status status = pk_call_begin(pamh, flags, argc, argv, false, &call);
    if (status == KC_OK)
        status = judge(&call);
    bool listed = call.identity.kind == PK_LISTED;
    return pk_call_end(&call, listed ? PK_ACCOUNT_LISTED : PK_ACCOUNT, status);
}
