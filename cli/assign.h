/*
 * kclogin ids assign: numbers for realm users and groups that have none.
 * Used by kclogin.c.
 */
#ifndef CLI_ASSIGN_H
#define CLI_ASSIGN_H

#include "cli/options.h"

extern const struct cli_verb ids_assign_verb;

#endif
