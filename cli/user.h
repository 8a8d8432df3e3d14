/*
 * kclogin user: what the daemon knows of somebody, and what the access rules say and why.
 * Used by kclogin.c's table of verbs.
 * Asks the daemon, and nobody else.
 */
#ifndef CLI_USER_H
#define CLI_USER_H

#include "cli/options.h"

extern const struct cli_verb user_verb;

#endif
