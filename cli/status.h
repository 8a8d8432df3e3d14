/*
 * kclogin status: whether logins work on this host.
 * Used by kclogin.c's table of verbs.
 * Asks the daemon, and nobody else.
 */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include "cli/options.h"

/* Says whether daemon and realm are reachable, since when, and what the last error was. */
extern const struct cli_verb status_verb;

#endif
