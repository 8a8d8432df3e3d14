/*
 * The command line's typed options: one table a verb is the source for reading and for --help.
 * Used by kclogin.c; a verb describes itself in one struct cli_verb.
 * Every value is checked before the verb runs: unknown, repeated, empty or malformed is exit 2.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses, the same for every verb. */
enum cli_exit {
    CLI_EXIT_OK = 0,
    CLI_EXIT_REFUSED = 1, /* the answer is no; its reason is on standard output */
    CLI_EXIT_USAGE = 2,   /* the question could not be asked; why is on standard error */
};

/* What a field of the struct behind a table holds. */
enum cli_type {
    CLI_FLAG,  /* bool: given or not */
    CLI_TEXT,  /* const char *: NULL where it is not given */
    CLI_EPOCH, /* struct cli_epoch: seconds since the epoch */
    CLI_ARGUMENT, /* const char *: not an option; in the order of the table */
};

struct cli_epoch {
    bool given;
    int64_t seconds;
};

struct cli_option {
    const char *name; /* without the dashes; an argument's as --help shows it */
    enum cli_type type;
    const char *value; /* what stands for the value in --help; NULL: a flag or an argument */
    size_t offset;     /* of the field */
    bool required;
    const char *meaning; /* one line */
};

struct cli_verb {
    const char *words;   /* one or two, e.g. "token verify" */
    const char *meaning; /* one line */
    const struct cli_option *options;
    size_t count;
    const char *notes;  /* more for --help; NULL: none */
    size_t values_size; /* of the struct that the fields are in; all zero at first */
    enum cli_exit (*run)(const void *values);
};

/*
 * Reads arguments (`--name value` or `--name=value`, and those without dashes) into the struct at
 * `values`; texts point into the arguments. KC_CONFIG_INVALID with one line in ret_error. *ret_help says that --help stood
 * there: nothing else is checked then.
 */
enum kc_status cli_options_read(const struct cli_verb *verb, int count, char *const *arguments,
    void *values, bool *ret_help, char *ret_error, size_t size);

/* Writes the verb's help. */
void cli_options_help(const struct cli_verb *verb, FILE *to);

#endif
