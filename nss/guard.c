/*
 * What a privileged process is told of an id, looked at once more.
 * Used by lookup.c.
 * Must never let a name of the host's own files pass for the realm's.
 */
#include "nss/guard.h"

#include "common/account.h"
#include "common/field.h"
#include "common/name.h"
#include "common/paths.h"

static bool is_field(const char *text)
{
    return kc_field_valid(text, strlen(text));
}

static bool is_user(const struct passwd *user)
{
    return kc_name_valid_user(user->pw_name, strlen(user->pw_name)) && is_field(user->pw_gecos) &&
           is_field(user->pw_dir) && is_field(user->pw_shell);
}

/* Whether the host's own files do not have the name. */
static bool is_strange_user(const char *name)
{
    struct kc_account account;
    return kc_account_find(kc_path_passwd(), name, &account) == KC_NOT_FOUND;
}

static bool is_strange_group(const char *name)
{
    bool local = true;
    return kc_account_group_exists(kc_path_group(), name, &local) == KC_OK && !local;
}

bool nss_guard(const struct nss_key *key, const struct nss_target *target)
{
    const struct group *group = target->group;
    if (target->gids || !nss_is_privileged())
        return true;
    if (group)
        return kc_name_valid_group(group->gr_name, strlen(group->gr_name)) &&
               (key->name || is_strange_group(group->gr_name));
    return is_user(target->user) && (key->name || is_strange_user(target->user->pw_name));
}
