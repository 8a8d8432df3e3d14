/*
 * Where the host keeps what kclogin reads.
 * Used by whoever opens one of these.
 * Must never take a path from an environment.
 */
#include "common/paths.h"

const char *kc_path_host_conf(void)
{
    return KC_SYSCONFDIR "/host.conf";
}

const char *kc_path_passwd(void)
{
    return "/etc/passwd";
}

const char *kc_path_group(void)
{
    return "/etc/group";
}

const char *kc_path_run(void)
{
    return KC_RUNDIR;
}

uid_t kc_path_owner(void)
{
    return 0;
}
