/*
 * kclogin ssh-keys: the SSH keys of a realm user, for sshd.
 * Used by kclogin.c.
 */
#ifndef CLI_SSH_KEYS_H
#define CLI_SSH_KEYS_H

#include "cli/options.h"

extern const struct cli_verb ssh_keys_verb;

#endif
