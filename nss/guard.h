/*
 * What a privileged process is told of an id, looked at once more: sudo goes by the name that it gets,
 * and a daemon gone bad could give an id of the realm's range the name of a local user or group.
 * Used by passwd.c and group.c.
 * Must never let a name of the host's own files pass for the realm's.
 */
#ifndef NSS_GUARD_H
#define NSS_GUARD_H

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>

/* Whether an entry that was found by its id may be told. True in processes without privileges. */
bool nss_guard_user(const struct passwd *user);
bool nss_guard_group(const struct group *group);

#endif
