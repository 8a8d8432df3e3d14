/*
 * What a privileged process is told of an id, looked at once more: sudo goes by the name that it gets,
 * and a daemon gone bad could give an id of the realm's range the name of a local user or group.
 * Used by lookup.c.
 * Must never let a name of the host's own files pass for the realm's.
 */
#ifndef NSS_GUARD_H
#define NSS_GUARD_H

#include "nss/find.h"

/*
 * Whether a user or group that was found may be told: its fields are a passwd entry's, and by id
 * its name is not one of the host's own. True without privileges.
 */
bool nss_guard(const struct nss_key *key, const struct nss_target *target);

#endif
