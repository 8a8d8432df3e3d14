/*
 * kclogin token: looking into tokens.
 * Used by kclogin.c's table of verbs.
 * A token comes on standard input, never as an argument.
 */
#ifndef CLI_TOKEN_H
#define CLI_TOKEN_H

#include "cli/options.h"

/* Verifies a token with the daemon's own code and prints its claims, or one reason word. */
extern const struct cli_verb token_verify_verb;

#endif
