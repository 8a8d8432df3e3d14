/*
 * One call of the host program: its begin and its end.
 * Used by each phase.
 * Must never log what a person typed: not even where a name should stand.
 */
#include "pam/call.h"

#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>

/* An item of PAM as text; "" where it is not set. */
static const char *item_text(pam_handle_t *pamh, int item)
{
    const void *value = NULL;
    return pam_get_item(pamh, item, &value) == PAM_SUCCESS && value ? value : "";
}

static enum kc_status current_user(pam_handle_t *pamh, bool ask, const char **ret_user)
{
    const char *user = NULL;
    if (!ask)
        user = item_text(pamh, PAM_USER);
    else if (pam_get_user(pamh, &user, NULL) != PAM_SUCCESS || !user)
        return KC_CONVERSATION;
    *ret_user = user;
    return KC_OK;
}

static void log_mistake(pam_handle_t *pamh, const char *where, const struct kc_conf_error *error)
{
    char text[KC_CONF_ERROR_MAX];
    kc_conf_error_text(error, text, sizeof text);
    pam_syslog(pamh, LOG_ERR, "%s%s", where, text);
}

static enum kc_status identify(struct pk_call *call, bool ask_user)
{
    struct kc_conf_error error = {.file = ""};
    const char *user = "";
    enum kc_status status = current_user(call->pamh, ask_user, &user);
    if (status != KC_OK)
        return status;
    status = pk_identify(call->pamh, user, &call->identity, &error);
    if (error.text[0])
        log_mistake(call->pamh, "", &error);
    return status;
}

enum kc_status pk_call_begin(pam_handle_t *pamh, int flags, int argc, const char **argv,
    bool ask_user, struct pk_call *ret_call)
{
    *ret_call = (struct pk_call){.pamh = pamh, .identity = {.uid = KC_WIRE_NO_UID}};
    struct kc_conf_error error = {.file = ""};
    enum kc_status line = pk_options_read(argc, argv, &ret_call->options, &error);
    if (line != KC_OK)
        log_mistake(pamh, "PAM line: ", &error);
    bool silent = ((unsigned)flags & PAM_SILENT) != 0;
    ret_call->conversation = pk_converse_begin(pamh, &ret_call->options, silent);
    enum kc_status status = identify(ret_call, ask_user);
    return status == KC_OK ? line : status;
}

/* Copies an item of PAM; false when it does not fit. */
static bool put(char *to, size_t size, const char *text)
{
    size_t length = strnlen(text, size);
    if (length < size)
        memcpy(to, text, length + 1);
    return length < size;
}

enum kc_status pk_call_login(const struct pk_call *call, struct kc_wire_login *ret_login)
{
    struct kc_wire_login login = {
        .uid = call->identity.uid, .caller_uid = getuid(), .no_token = call->options.no_token};
    const char *access = call->options.access ? call->options.access : "";
    pam_handle_t *pamh = call->pamh;
    if (!put(login.service, sizeof login.service, item_text(pamh, PAM_SERVICE)) ||
        !put(login.user, sizeof login.user, call->identity.user) ||
        !put(login.rhost, sizeof login.rhost, item_text(pamh, PAM_RHOST)) ||
        !put(login.tty, sizeof login.tty, item_text(pamh, PAM_TTY)) ||
        !put(login.access, sizeof login.access, access))
        return KC_TOO_LARGE;
    *ret_login = login;
    return KC_OK;
}

enum kc_status pk_call_prove_identity(struct pk_call *call)
{
    struct kc_conf_error error = {.file = ""};
    struct pk_identity now;
    const char *user = item_text(call->pamh, PAM_USER);
    if (strcmp(user, call->identity.user) != 0)
        return KC_NOT_AUTHORIZED;
    enum kc_status status = pk_identify(call->pamh, user, &now, &error);
    if (status == KC_NOT_OURS)
        return KC_NOT_AUTHORIZED;
    if (status != KC_OK)
        return status;
    if (now.kind == PK_STRANGER)
        return KC_USER_UNKNOWN;
    if (call->identity.kind != PK_STRANGER &&
        (now.kind != call->identity.kind || now.uid != call->identity.uid))
        return KC_NOT_AUTHORIZED;
    call->identity = now;
    return KC_OK;
}

bool pk_call_is_ours(const struct pk_call *call)
{
    return call->identity.kind == PK_REALM || call->identity.kind == PK_LISTED;
}

static int priority_of(enum kc_status status)
{
    switch (kc_status_class(status)) {
    case KC_CLASS_REFUSED:
    case KC_CLASS_FORBIDDEN:
    case KC_CLASS_EXPIRED:
    case KC_CLASS_UNKNOWN:
    case KC_CLASS_CONVERSATION:
        return LOG_NOTICE;
    case KC_CLASS_UNREACHABLE:
    case KC_CLASS_UNAVAILABLE:
        return LOG_WARNING;
    default:
        return LOG_ERR;
    }
}

/* A name that nobody knows may be a password in the wrong place. */
static const char *user_for_log(const struct pk_call *call)
{
    return call->identity.uid == KC_WIRE_NO_UID ? "unknown" : call->identity.user;
}

static void rhost_for_log(pam_handle_t *pamh, char *ret_text, size_t size)
{
    const char *rhost = item_text(pamh, PAM_RHOST);
    size_t length = 0;
    for (; rhost[length] && length + 1 < size; length++) {
        char c = rhost[length];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr(".:-_%", c);
        ret_text[length] = plain ? c : '?';
    }
    if (length == 0)
        ret_text[length++] = '-';
    ret_text[length] = 0;
}

void pk_call_log(const struct pk_call *call, enum kc_status status)
{
    char rhost[KC_RHOST_MAX];
    rhost_for_log(call->pamh, rhost, sizeof rhost);
    pam_syslog(call->pamh, priority_of(status), "user=%s rhost=%s result=%s reason=%s",
        user_for_log(call), rhost, kc_class_word(kc_status_class(status)), kc_status_word(status));
}

int pk_call_end(const struct pk_call *call, enum pk_question question, enum kc_status status)
{
    if (status != KC_OK && status != KC_NOT_OURS)
        pk_call_log(call, status);
    return pk_result(question, kc_status_class(status));
}

void pk_call_free(struct pk_call *call)
{
    pk_options_free(&call->options);
}
