/*
 * The session phase: the token into the environment, and the grant's end.
 * Used by the entry points.
 * Must never deny a session, nor believe the environment when a session ends.
 */
#include "pam/call.h"
#include "pam/environment.h"
#include "pam/exchange.h"
#include "pam/phase.h"
#include "pam/session.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

/* The session's handle on the PAM handle: the environment is the user's to rewrite. */
static const char session_data[] = "kclogin_session";

struct session {
    uint8_t key[KC_KEY_SIZE];
};

/* Runs in forked children too: memory, and nothing else. */
static void free_session(pam_handle_t *pamh, void *data, int error_status)
{
    (void)pamh;
    (void)error_status;
    kc_wipe(data, sizeof(struct session));
    free(data);
}

static enum kc_status remember(pam_handle_t *pamh, struct kc_view key)
{
    KC_AUTO_FREE struct session *session = malloc(sizeof *session);
    if (!session)
        return KC_NO_MEMORY;
    memcpy(session->key, key.bytes, sizeof session->key);
    if (pam_set_data(pamh, session_data, session, free_session) != PAM_SUCCESS)
        return KC_NO_MEMORY;
    session = NULL;
    return KC_OK;
}

/* The process whose death ends the session; -1 where the kernel gives none. Above 2, always. */
static int own_pidfd(void)
{
    KC_AUTO_CLOSE int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (fd < 0 || fd > STDERR_FILENO)
        return KC_TAKE_FD(fd);
    return fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

/* What the daemon grants to a login that has become this session. */
static enum kc_status take_grant(const struct pk_call *call, const struct kc_wire_reply *opened)
{
    enum kc_status status = KC_OK;
    if (opened->key.length)
        status = remember(call->pamh, opened->key);
    if (status == KC_OK)
        status = pk_environment_export(call->pamh, opened, call->options.no_token);
    return status;
}

/*
 * A transaction is handed in even where the session is somebody else's (sudo): the daemon then
 * ends its grant.
 */
static enum kc_status open_at_daemon(struct pk_call *call, struct kc_view transaction, bool ours)
{
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    KC_AUTO_CLOSE int process = own_pidfd();
    struct kc_wire_request request = {.type = KC_WIRE_OPEN, .key = transaction};
    struct kc_wire_reply opened;
    bool answered = false;
    enum kc_status status = pk_call_login(call, &request.login);
    if (status == KC_OK)
        status = pk_exchange(
            &call->conversation, &request, process, KC_OPEN_MS, &storage, &opened, &answered);
    if (status == KC_OK && ours)
        status = take_grant(call, &opened);
    /* No transaction, nothing to hand out; somebody else's session, nothing to have. */
    bool other = !ours || kc_status_class(status) == KC_CLASS_NOT_OURS;
    return answered && (other || !transaction.length) ? KC_OK : status;
}

/* The transaction, out of the environment: whatever comes of this call, it is used up. */
static bool take_transaction(pam_handle_t *pamh, uint8_t ret_key[KC_KEY_SIZE])
{
    bool found = pk_environment_get_transaction(pamh, ret_key);
    pk_environment_remove_transaction(pamh);
    return found;
}

void pk_session_give_back(struct pk_call *call)
{
    uint8_t key[KC_KEY_SIZE];
    if (!take_transaction(call->pamh, key))
        return;
    if (pk_exchange_privileged()) {
        enum kc_status status = open_at_daemon(call, (struct kc_view){key, sizeof key}, false);
        if (status != KC_OK)
            pk_call_log(call, status);
    }
    kc_wipe(key, sizeof key);
}

int pk_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    PK_AUTO_CALL struct pk_call call;
    uint8_t key[KC_KEY_SIZE];
    bool has_transaction = take_transaction(pamh, key);
    enum kc_status begun = pk_call_begin(pamh, flags, argc, argv, false, &call);
    bool ours = pk_call_is_ours(&call);
    bool readable = begun == KC_OK || begun == KC_NOT_OURS;
    if (readable && pk_exchange_privileged() &&
        (has_transaction || call.identity.kind == PK_REALM)) {
        struct kc_view transaction = {key, has_transaction ? sizeof key : 0};
        enum kc_status status = open_at_daemon(&call, transaction, ours);
        if (status != KC_OK)
            pk_call_log(&call, status);
    }
    kc_wipe(key, sizeof key);
    return pk_result(PK_SESSION, ours ? KC_CLASS_OK : KC_CLASS_NOT_OURS);
}

static enum kc_status close_at_daemon(struct pk_call *call, const struct session *session)
{
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    const struct kc_wire_request request = {
        .type = KC_WIRE_CLOSE, .key = {session->key, sizeof session->key}};
    struct kc_wire_reply closed;
    bool answered = false;
    return pk_exchange(
        &call->conversation, &request, -1, KC_CLOSE_MS, &storage, &closed, &answered);
}

int pk_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    PK_AUTO_CALL struct pk_call call;
    const void *session = NULL;
    (void)pk_call_begin(pamh, flags, argc, argv, false, &call);
    bool opened = pam_get_data(pamh, session_data, &session) == PAM_SUCCESS && session;
    if (opened) {
        enum kc_status status = close_at_daemon(&call, session);
        if (status != KC_OK)
            pk_call_log(&call, status);
        (void)pam_set_data(pamh, session_data, NULL, NULL);
    }
    bool ours = opened || pk_call_is_ours(&call);
    return pk_result(PK_SESSION, ours ? KC_CLASS_OK : KC_CLASS_NOT_OURS);
}
