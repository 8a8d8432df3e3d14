/*
 * A lookup from its beginning to what glibc is told: the snapshot, else the daemon, else what was
 * known until lately.
 * Used by passwd.c, group.c and initgroups.c.
 * Must never leave errno changed but where it is the answer.
 */
#ifndef NSS_LOOKUP_H
#define NSS_LOOKUP_H

#include "nss/find.h"
#include "nss/result.h"

#include <errno.h>

/* Asks the daemon and puts its answer to the target. KC_TOO_LARGE: the buffer is too small. */
typedef enum kc_status nss_asker(const struct nss_key *key, const struct nss_target *target);

/* What follows where the snapshot did not simply have it. `before` is errno as it was. */
enum nss_status nss_look_further(enum nss_found found, const struct nss_key *key,
    const struct nss_target *target, nss_asker *ask, int before, int *errnop);

static inline enum nss_status nss_look_up(
    const struct nss_key *key, const struct nss_target *target, nss_asker *ask, int *errnop)
{
    const int before = errno;
    const enum nss_found found = nss_find(key, NSS_FRESH, target);
    if (found != NSS_FOUND || !nss_snapshot_mapped()) /* who is privileged does not map */
        return nss_look_further(found, key, target, ask, before, errnop);
    errno = before;
    return NSS_STATUS_SUCCESS;
}

/* The same by name. One that no realm's user or group can have is not looked for. */
static inline enum nss_status nss_look_up_name(
    const char *name, const struct nss_target *target, nss_asker *ask, int *errnop)
{
    struct nss_key key;
    return nss_key_by_name(name, &key) ? nss_look_up(&key, target, ask, errnop)
                                       : nss_result(KC_USER_UNKNOWN, errnop);
}

/* The next step of getpwent or getgrent. */
enum nss_status nss_walk_on(struct nss_walk *walk, const struct nss_target *target, int *errnop);

#endif
