/*
 * Where the host keeps what kclogin reads: a folder that KCLOGIN_TEST_ROOT names.
 * Linked into the test build of the module in place of common/paths.c.
 * Must never be installed.
 */
#include "common/paths.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *below_root(char path[PATH_MAX], const char *name)
{
    const char *root = getenv("KCLOGIN_TEST_ROOT");
    snprintf(path, PATH_MAX, "%s/%s", root ? root : "/nonexistent", name);
    return path;
}

const char *kc_path_host_conf(void)
{
    static _Thread_local char path[PATH_MAX];
    return below_root(path, "host.conf");
}

const char *kc_path_passwd(void)
{
    static _Thread_local char path[PATH_MAX];
    return below_root(path, "passwd");
}

const char *kc_path_group(void)
{
    static _Thread_local char path[PATH_MAX];
    return below_root(path, "group");
}

const char *kc_path_run(void)
{
    static _Thread_local char path[PATH_MAX];
    return below_root(path, "run");
}

uid_t kc_path_owner(void)
{
    return getuid();
}
