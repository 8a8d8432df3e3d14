/*
 * The authentication phase: authenticate and setcred.
 * Used by the entry points.
 * Must never pass anybody whom the daemon and this host's own bounds do not both pass.
 */
#include "pam/call.h"
#include "pam/environment.h"
#include "pam/exchange.h"
#include "pam/phase.h"
#include "pam/session.h"

#include <string.h>

/* Whom our authenticate has passed on this handle: a name, a copy. */
static const char passed_data[] = "kclogin_passed";

/* Runs in forked children too: memory, and nothing else. */
static void free_name(pam_handle_t *pamh, void *data, int error_status)
{
    (void)pamh;
    (void)error_status;
    free(data);
}

static enum kc_status remember(const struct pk_call *call)
{
    KC_AUTO_FREE char *name = strdup(call->identity.user);
    if (!name || pam_set_data(call->pamh, passed_data, name, free_name) != PAM_SUCCESS)
        return KC_NO_MEMORY;
    name = NULL;
    return KC_OK;
}

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
    return status == KC_OK ? remember(call) : status;
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

/*
 * A stack of PAM_IGNOREs alone denies, and sshd takes a failing setcred as fatal. sudo has the user
 * changed by now, and runs the command with the whole PAM environment.
 */
int pk_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    PK_AUTO_CALL struct pk_call call;
    const void *name = NULL;
    enum kc_status status = pk_call_begin(pamh, flags, argc, argv, false, &call);
    bool passed = pam_get_data(pamh, passed_data, &name) == PAM_SUCCESS && name;
    bool known = status == KC_OK || status == KC_NOT_OURS;
    if (passed && known && strcmp(name, call.identity.user) != 0)
        pk_session_give_back(&call);
    if (passed || pk_call_is_ours(&call))
        return pk_result(PK_SETCRED, KC_CLASS_OK);
    return pk_result(PK_SETCRED, status == KC_OK ? KC_CLASS_UNKNOWN : kc_status_class(status));
}
