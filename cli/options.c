/*
 * Reading the command line's options.
 * Used by kclogin.c.
 * Must never let a verb run with a value that was not checked, nor take one option for another.
 */
#include "cli/options.h"

#include <string.h>

#define EPOCH_MAX (INT64_C(1) << 53)

/* One argument, taken apart. */
struct given {
    const struct cli_option *option;
    const char *value; /* NULL: none */
};

static const struct cli_option *find(const struct cli_verb *verb, const char *name, size_t length)
{
    for (size_t i = 0; i < verb->count; i++)
        if (verb->options[i].type != CLI_ARGUMENT && strlen(verb->options[i].name) == length &&
            memcmp(verb->options[i].name, name, length) == 0)
            return &verb->options[i];
    return NULL;
}

static bool read_epoch(const char *text, struct cli_epoch *ret_epoch)
{
    int64_t seconds = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        seconds = seconds * 10 + (*text - '0');
        if (seconds > EPOCH_MAX)
            return false;
    }
    *ret_epoch = (struct cli_epoch){true, seconds};
    return true;
}

/* Stores a value; says what is wrong with it, or NULL. */
static const char *store(const struct given *given, void *values)
{
    char *field = (char *)values + given->option->offset;
    const char **text = (const char **)(void *)field;
    bool *flag = (bool *)(void *)field;
    struct cli_epoch *epoch = (struct cli_epoch *)(void *)field;
    switch (given->option->type) {
    case CLI_FLAG:
        if (*flag)
            return "stands there twice";
        *flag = true;
        return NULL;
    case CLI_TEXT:
    case CLI_ARGUMENT:
        if (*text)
            return "stands there twice";
        *text = given->value;
        return *given->value ? NULL : "is empty";
    case CLI_EPOCH:
        if (epoch->given)
            return "stands there twice";
        return read_epoch(given->value, epoch) ? NULL : "is not a number of seconds";
    }
    return "has no type";
}

static bool is_given(const struct cli_option *option, const void *values)
{
    const char *field = (const char *)values + option->offset;
    switch (option->type) {
    case CLI_FLAG:
        return *(const bool *)(const void *)field;
    case CLI_TEXT:
    case CLI_ARGUMENT:
        return *(const char *const *)(const void *)field != NULL;
    case CLI_EPOCH:
        return ((const struct cli_epoch *)(const void *)field)->given;
    }
    return false;
}

/* The first argument of the table that has not been given; NULL: all have. */
static const struct cli_option *next_argument(const struct cli_verb *verb, const void *values)
{
    for (size_t i = 0; i < verb->count; i++)
        if (verb->options[i].type == CLI_ARGUMENT && !is_given(&verb->options[i], values))
            return &verb->options[i];
    return NULL;
}

static int take_argument(const struct cli_verb *verb, const char *argument, const void *values,
    struct given *ret_given, char *ret_error, size_t size)
{
    const struct cli_option *option = next_argument(verb, values);
    if (!option) {
        snprintf(ret_error, size, "an argument too many (a token comes on standard input)");
        return 0;
    }
    *ret_given = (struct given){option, argument};
    return 1;
}

/* Takes one option and its value from the arguments; returns how many it took, 0: see ret_error. */
static int take(const struct cli_verb *verb, int count, char *const *arguments, const void *values,
    struct given *ret_given, char *ret_error, size_t size)
{
    const char *argument = arguments[0];
    if (strncmp(argument, "--", 2) != 0)
        return take_argument(verb, argument, values, ret_given, ret_error, size);
    const char *equals = strchr(argument, '=');
    size_t length = equals ? (size_t)(equals - argument) - 2 : strlen(argument + 2);
    const struct cli_option *option = find(verb, argument + 2, length);
    if (!option) {
        snprintf(ret_error, size, "unknown option: --%.*s", (int)(length < 32 ? length : 32),
            argument + 2);
        return 0;
    }
    bool is_flag = option->type == CLI_FLAG;
    if (is_flag ? equals != NULL : !equals && count < 2) {
        snprintf(
            ret_error, size, is_flag ? "--%s takes no value" : "--%s needs a value", option->name);
        return 0;
    }
    *ret_given = (struct given){option, is_flag ? NULL : equals ? equals + 1 : arguments[1]};
    return is_flag || equals ? 1 : 2;
}

static const char *dashes(const struct cli_option *option)
{
    return option->type == CLI_ARGUMENT ? "" : "--";
}

static bool wants_help(int count, char *const *arguments)
{
    for (int i = 0; i < count; i++)
        if (strcmp(arguments[i], "--help") == 0)
            return true;
    return false;
}

enum kc_status cli_options_read(const struct cli_verb *verb, int count, char *const *arguments,
    void *values, bool *ret_help, char *ret_error, size_t size)
{
    *ret_help = wants_help(count, arguments);
    if (*ret_help)
        return KC_OK;
    for (int at = 0; at < count;) {
        struct given given;
        int taken = take(verb, count - at, arguments + at, values, &given, ret_error, size);
        if (!taken)
            return KC_CONFIG_INVALID;
        const char *wrong = store(&given, values);
        if (wrong) {
            snprintf(ret_error, size, "%s%s %s", dashes(given.option), given.option->name, wrong);
            return KC_CONFIG_INVALID;
        }
        at += taken;
    }
    for (size_t i = 0; i < verb->count; i++)
        if (verb->options[i].required && !is_given(&verb->options[i], values)) {
            snprintf(ret_error, size, "%s%s is missing", dashes(&verb->options[i]),
                verb->options[i].name);
            return KC_CONFIG_INVALID;
        }
    return KC_OK;
}

void cli_options_help(const struct cli_verb *verb, FILE *to)
{
    fprintf(to, "usage: kclogin %s", verb->words);
    for (size_t i = 0; i < verb->count; i++) {
        const struct cli_option *option = &verb->options[i];
        fprintf(to, option->required ? " %s%s%s%s" : " [%s%s%s%s]", dashes(option), option->name,
            option->value ? " " : "", option->value ? option->value : "");
    }
    fprintf(to, "\n%s.\n\n", verb->meaning);
    for (size_t i = 0; i < verb->count; i++) {
        const struct cli_option *option = &verb->options[i];
        const char *value = option->value ? option->value : "";
        fprintf(to, "  %s%s %-*s  %s\n", dashes(option), option->name,
            (int)(16 - strlen(dashes(option)) - strlen(option->name)), value, option->meaning);
    }
    if (verb->notes)
        fprintf(to, "\n%s", verb->notes);
}
