/*
 * A lookup from its beginning to what glibc is told.
 * Used by passwd.c, group.c and initgroups.c.
 * Must never leave errno changed but where it is the answer.
 */
#include "nss/lookup.h"

#include "nss/guard.h"

static enum nss_status no_room(const struct nss_target *target, int *errnop)
{
    *errnop = target->gids ? ENOMEM : ERANGE;
    return NSS_STATUS_TRYAGAIN;
}

/* What the daemon says; where it says nothing, what was known until lately. */
static enum nss_status ask_daemon(
    const struct nss_key *key, const struct nss_target *target, nss_asker *ask, int *errnop)
{
    const enum kc_status status = ask(key, target);
    enum nss_found found;
    if (status == KC_TOO_LARGE)
        return no_room(target, errnop);
    if (!nss_is_outage(status))
        return nss_result(status, errnop);
    found = nss_find(key, NSS_WITHIN_GRACE, target);
    if (found == NSS_FOUND)
        return NSS_STATUS_SUCCESS;
    return found == NSS_NO_ROOM ? no_room(target, errnop) : nss_result(status, errnop);
}

enum nss_status nss_look_further(enum nss_found found, const struct nss_key *key,
    const struct nss_target *target, nss_asker *ask, int before, int *errnop)
{
    enum nss_status status;
    if (found == NSS_FOUND)
        status = NSS_STATUS_SUCCESS;
    else if (found == NSS_NO_ROOM)
        status = no_room(target, errnop);
    else if (found == NSS_LOCAL)
        status = nss_result(KC_NOT_OURS, errnop);
    else
        status = ask_daemon(key, target, ask, errnop);
    if (status == NSS_STATUS_SUCCESS && !nss_guard(key, target))
        status = nss_result(KC_PROTOCOL, errnop);
    if (errnop != &errno || status == NSS_STATUS_SUCCESS)
        errno = before;
    return status;
}

enum nss_status nss_walk_on(struct nss_walk *walk, const struct nss_target *target, int *errnop)
{
    static const struct nss_key listed = {.name = ""}; /* not found by an id */
    const int before = errno;
    enum nss_found found;
    do
        found = nss_find_next(walk, target);
    while (found == NSS_FOUND && !nss_guard(&listed, target));
    errno = before;
    if (found == NSS_FOUND)
        return NSS_STATUS_SUCCESS;
    if (found == NSS_NO_ROOM)
        return no_room(target, errnop);
    if (found != NSS_OUTRUN)
        return nss_result(KC_USER_UNKNOWN, errnop);
    *errnop = EAGAIN; /* getpwent ends, and errno says that it is not the end */
    return NSS_STATUS_TRYAGAIN;
}
