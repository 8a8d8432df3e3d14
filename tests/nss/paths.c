/*
 * Where the NSS module's tests have the host's files.
 * Linked into the tests in place of common/paths.c.
 * Must never be installed.
 */
#include "tests/nss/place.h"

#include "common/paths.h"

static struct place *place;

void place_use(struct place *used)
{
    place = used;
}

const char *kc_path_host_conf(void)
{
    return place->host_conf;
}

const char *kc_path_passwd(void)
{
    return place->passwd;
}

const char *kc_path_group(void)
{
    return place->group;
}

const char *kc_path_run(void)
{
    return place->run;
}

uid_t kc_path_owner(void)
{
    return place->owner;
}
