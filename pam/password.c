/*
 * The password phase: where a realm user changes the password.
 * Used by the entry points.
 * Must never claim that a password has been changed.
 */
#include "pam/call.h"
#include "pam/exchange.h"
#include "pam/phase.h"

static enum kc_status ask_daemon(struct pk_call *call)
{
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    struct kc_wire_request request = {.type = KC_WIRE_PASSWD};
    struct kc_wire_reply done;
    bool answered = false;
    enum kc_status status = pk_call_login(call, &request.login);
    if (status == KC_OK)
        status = pk_exchange(
            &call->conversation, &request, -1, KC_ACCOUNT_MS, &storage, &done, &answered);
    enum kc_class class = kc_status_class(status);
    return class == KC_CLASS_UNKNOWN || class == KC_CLASS_NOT_OURS ? KC_NOT_AUTHORIZED : status;
}

/* libpam calls twice, first with PAM_PRELIM_CHECK: what there is to say is said then. */
int pk_password(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    PK_AUTO_CALL struct pk_call call;
    enum kc_status status = pk_call_begin(pamh, flags, argc, argv, false, &call);
    if (status == KC_OK && call.identity.kind == PK_STRANGER)
        status = KC_USER_UNKNOWN;
    if (status == KC_OK)
        status = (unsigned)flags & PAM_PRELIM_CHECK ? ask_daemon(&call) : KC_PASSWORD_ELSEWHERE;
    return pk_call_end(&call, PK_PASSWORD, status);
}
