/*
 * kclogin flush and kclogin ids adopt: what root has the daemon do with what it knows.
 * Used by kclogin.c.
 */
#ifndef CLI_ORDERS_H
#define CLI_ORDERS_H

#include "cli/options.h"

extern const struct cli_verb flush_verb;
extern const struct cli_verb ids_adopt_verb;

#endif
