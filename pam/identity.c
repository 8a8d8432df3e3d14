/*
 * Ours or not ours: the host's files first, then the name service.
 * Used at the begin of each call, and again before success.
 * Must never ask the name service about a name that stands in the host's own files.
 */
#include "pam/identity.h"

#include "common/account.h"
#include "common/bounds.h"
#include "common/name.h"
#include "common/paths.h"
#include "common/wire.h"

#include <pwd.h>
#include <security/pam_modutil.h>
#include <string.h>

/* Below these ids nothing is ours, whatever host.conf says or however broken it is. */
static bool is_system_account(const char *user)
{
    struct kc_account account;
    return kc_account_find(kc_path_passwd(), user, &account) == KC_OK &&
           (!account.sound || account.uid < KC_LOCAL_UID_MIN);
}

/* A name that no local file has: its id tells. */
static enum kc_status ask_name_service(
    pam_handle_t *pamh, const struct kc_bounds *bounds, struct pk_identity *identity)
{
    const struct passwd *entry = pam_modutil_getpwnam(pamh, identity->user);
    if (!entry) {
        identity->kind = PK_STRANGER;
        return KC_OK;
    }
    if (!kc_bounds_id(bounds, entry->pw_uid))
        return KC_NOT_OURS;
    /* A name service may spell freely; the realm and its log may not. */
    if (strcmp(entry->pw_name, identity->user) != 0 ||
        !kc_name_valid_user(identity->user, strlen(identity->user)))
        return KC_NOT_AUTHORIZED;
    identity->kind = PK_REALM;
    identity->uid = entry->pw_uid;
    return KC_OK;
}

static enum kc_status decide(
    pam_handle_t *pamh, const struct kc_bounds *bounds, struct pk_identity *identity)
{
    enum kc_account_kind kind;
    uid_t uid = KC_WIRE_NO_UID;
    enum kc_status status =
        kc_bounds_account(bounds, kc_path_passwd(), kc_path_group(), identity->user, &kind, &uid);
    if (status != KC_OK)
        return status;
    if (kind == KC_ACCOUNT_ABSENT)
        return ask_name_service(pamh, bounds, identity);
    if (kind != KC_ACCOUNT_LISTED || uid < KC_LOCAL_UID_MIN)
        return KC_NOT_OURS;
    identity->kind = PK_LISTED;
    identity->uid = uid;
    return KC_OK;
}

enum kc_status pk_identify(pam_handle_t *pamh, const char *user, struct pk_identity *ret_identity,
    struct kc_conf_error *ret_error)
{
    size_t length = strnlen(user, KC_USER_MAX);
    *ret_identity = (struct pk_identity){.kind = PK_STRANGER, .uid = KC_WIRE_NO_UID};
    memcpy(ret_identity->user, user, length < KC_USER_MAX ? length : KC_USER_MAX - 1);
    if (length == 0)
        return KC_USER_UNKNOWN;
    if (length == KC_USER_MAX)
        return KC_NOT_OURS;
    KC_AUTO_BOUNDS struct kc_bounds *bounds = NULL;
    enum kc_status status =
        kc_bounds_load(kc_path_host_conf(), kc_path_owner(), &bounds, ret_error);
    if (status != KC_OK)
        return is_system_account(user) ? KC_NOT_OURS : status;
    return decide(pamh, bounds, ret_identity);
}
