/*
 * The authentication phase: authenticate and setcred.
 * Used by the entry points.
 * Must never pass anybody whom the daemon and this host's own bounds do not both pass.
 */
#include "pam/call.h"
#include "pam/environment.h"
#include "pam/exchange.h"
#include "pam/phase.h"

/* Set on a handle whose authenticate we passed; its value means nothing. */
static const char passed_data[] = "kclogin_passed";

/* What the person sees when nobody is there to say it. */
static void show_outage(struct pk_call *call)
{
    if (call->identity.kind != PK_STRANGER)
        (void)pk_show(
            &call->conversation, KC_SHOW_ERROR, "The login service of this host does not answer.");
}

static enum kc_status grant(struct pk_call *call)
{
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    struct kc_wire_request request = {.type = KC_WIRE_AUTH};
    struct kc_wire_reply done;
    bool answered = false;
    enum kc_status status = pk_call_login(call, &request.login);
    if (status != KC_OK)
        return status;
    status =
        pk_exchange(&call->conversation, &request, -1, KC_LOGIN_MS, &storage, &done, &answered);
    if (!answered && kc_status_class(status) == KC_CLASS_UNAVAILABLE)
        show_outage(call);
    if (status == KC_OK)
        status = pk_call_prove_identity(call);
    if (status == KC_OK && done.key.length)
        status = pk_environment_set_transaction(call->pamh, done.key);
    if (status == KC_OK && pam_set_data(call->pamh, passed_data, call->pamh, NULL) != PAM_SUCCESS)
        status = KC_NO_MEMORY;
    return status;
}

/*
 * What the daemon may say about a name depends on what this host knows. Nobody knows the name: no
 * daemon is no such user. The account is ours: no daemon can disown it, or the stack would go on
 * to modules that are not meant for it.
 */
static enum kc_status settle(const struct pk_call *call, enum kc_status status)
{
    enum kc_class class = kc_status_class(status);
    if (call->identity.kind == PK_STRANGER)
        return status == KC_DAEMON_UNREACHABLE || status == KC_TIMED_OUT ? KC_USER_UNKNOWN : status;
    return class == KC_CLASS_UNKNOWN || class == KC_CLASS_NOT_OURS ? KC_NOT_AUTHORIZED : status;
}

int pk_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    PK_AUTO_CALL struct pk_call call;
    pk_environment_remove_transaction(pamh);
    enum kc_status status = pk_call_begin(pamh, flags, argc, argv, true, &call);
    if (status == KC_OK)
        status = settle(&call, grant(&call));
    bool listed = call.identity.kind == PK_LISTED;
    /* The modules after us ask for the local password; the realm's is none of theirs. */
    if (listed && kc_status_class(status) == KC_CLASS_UNREACHABLE)
        (void)pam_set_item(pamh, PAM_AUTHTOK, NULL);
    return pk_call_end(&call, listed ? PK_AUTHENTICATE_LISTED : PK_AUTHENTICATE, status);
}

/* A stack of PAM_IGNOREs alone denies, and sshd takes a failing setcred as fatal. */
int pk_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    PK_AUTO_CALL struct pk_call call;
    const void *passed = NULL;
    enum kc_status status = pk_call_begin(pamh, flags, argc, argv, false, &call);
    if (pk_call_is_ours(&call) || pam_get_data(pamh, passed_data, &passed) == PAM_SUCCESS)
        return pk_result(PK_SETCRED, KC_CLASS_OK);
    return pk_result(PK_SETCRED, status == KC_OK ? KC_CLASS_UNKNOWN : kc_status_class(status));
}
