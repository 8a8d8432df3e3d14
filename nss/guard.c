/*
 * What a privileged process is told of an id, looked at once more.
 * Used by lookup.c.
 * Must never let a name of the host's own files pass for the realm's.
 */
#include "nss/guard.h"

#include "common/account.h"
#include "common/name.h"
#include "common/paths.h"

/* No field of a passwd line may hold what would end it. */
static bool is_field(const char *field)
{
    for (; *field; field++)
        if ((unsigned char)*field < ' ' || *field == 0x7f || *field == ':')
            return false;
    return true;
}

static bool is_user(const struct passwd *user)
{
    struct kc_account account;
    return kc_name_valid_user(user->pw_name, strlen(user->pw_name)) && is_field(user->pw_gecos) &&
           is_field(user->pw_dir) && is_field(user->pw_shell) &&
           kc_account_find(kc_path_passwd(), user->pw_name, &account) == KC_NOT_FOUND;
}

static bool is_group(const struct group *group)
{
    bool local = true;
    return kc_name_valid_group(group->gr_name, strlen(group->gr_name)) &&
           kc_account_group_exists(kc_path_group(), group->gr_name, &local) == KC_OK && !local;
}

bool nss_guard(const struct nss_target *target)
{
    if (!nss_is_privileged())
        return true;
    return target->group ? is_group(target->group) : is_user(target->user);
}
