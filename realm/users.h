/*
 * Users: found as Keycloak finds them, locked as its brute-force detection locks them.
 * Used by the grants.
 * Never counts failures where the realm has no brute-force detection.
 */
#ifndef REALM_USERS_H
#define REALM_USERS_H

#include "realm/realm.h"

/* By e-mail where there is an @ and the realm allows it, then by name; case does not matter. */
struct realm_user *realm_user_find(const struct realm *realm, const char *name);
struct realm_user *realm_user_by_uuid(const struct realm *realm, const char *uuid);

/* The service account of a client; NULL where the file has none. */
struct realm_user *realm_user_of_client(
    const struct realm *realm, const struct realm_client *client);

bool realm_user_locked(const struct realm *realm, const struct realm_user *user);
void realm_user_failed(const struct realm *realm, struct realm_user *user);
void realm_user_succeeded(struct realm_user *user);

/* Whether the text is the user's one-time code now (RFC 6238); a code may be spent by it. */
bool realm_user_code(const struct realm *realm, struct realm_user *user, const char *code);

#endif
