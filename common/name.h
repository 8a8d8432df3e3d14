/*
 * User name syntax: which names may be a realm user's on Linux.
 * Used wherever a name enters: PAM, NSS, the socket, a token, the configuration.
 * Must never accept what a passwd file, a shell or a path could read as something else.
 */
#ifndef KC_NAME_H
#define KC_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define KC_NAME_MAX 32u

/*
 * Whether `length` bytes are a user name: [a-z_][a-z0-9_.-]{0,31} without a dot at its end.
 * A realm's service accounts, service-account-*, are never users.
 */
bool kc_name_valid_user(const char *name, size_t length);

/* Whether `length` bytes are a group name of the host's own files: the same syntax. */
bool kc_name_valid_group(const char *name, size_t length);

#endif
