/*
 * The module's arguments: the table and its reader.
 * Used once a call.
 * Must never guess: an unknown or malformed argument is an error.
 */
#include "pam/options.h"

#include "common/limits.h"

#include <stdio.h>
#include <string.h>

#define OPTIONS 5u

static const char *check_access(const char *value)
{
    for (const char *c = value; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                *c == '-' || *c == '_' || *c == '.' || *c == '@'))
            return "must be a section's name of letters, digits and -_.@";
    return NULL;
}

static const struct kc_option rows[OPTIONS] = {
    {.name = "access",
        .type = KC_OPTION_STRING,
        .offset = offsetof(struct pk_options, access),
        .min = 1,
        .max = KC_ACCESS_MAX - 1,
        .check = check_access,
        .syntax = "NAME",
        .meaning = "Decide by the section [access NAME], not by the service's own."},
    {.name = "no_token",
        .type = KC_OPTION_BOOL,
        .offset = offsetof(struct pk_options, no_token),
        .meaning = "Keep the token out of the session's environment."},
    {.name = "socket",
        .type = KC_OPTION_PATH,
        .offset = offsetof(struct pk_options, socket),
        .syntax = "DIR",
        .meaning = "The folder of the daemon's sockets; for tests."},
    {.name = "try_first_pass",
        .type = KC_OPTION_BOOL,
        .offset = offsetof(struct pk_options, try_first_pass),
        .meaning = "Take the password that a module before this one has asked for, if any."},
    {.name = "use_first_pass",
        .type = KC_OPTION_BOOL,
        .offset = offsetof(struct pk_options, use_first_pass),
        .meaning = "Take that password, and never ask for one."},
};

const struct kc_option_table pk_option_table = {rows, OPTIONS};

/* The name as far as it may stand in a log. */
static void name_the_argument(const char *argument, size_t length, struct kc_conf_error *ret_error)
{
    if (length > KC_CONF_KEY_MAX)
        length = KC_CONF_KEY_MAX;
    for (size_t i = 0; i < length; i++)
        ret_error->key[i] = argument[i] > ' ' && argument[i] < 127 ? argument[i] : '?';
    ret_error->key[length] = 0;
}

static enum kc_status take_argument(
    const char *argument, bool *seen, struct pk_options *options, struct kc_conf_error *ret_error)
{
    size_t length = strcspn(argument, "=");
    const char *value = argument[length] ? argument + length + 1 : NULL;
    name_the_argument(argument, length, ret_error);
    size_t at = length == strlen(ret_error->key) ? kc_option_find(&pk_option_table, ret_error->key)
                                                 : OPTIONS;
    if (at == OPTIONS)
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "no such option");
    if (seen[at])
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "stands twice");
    seen[at] = true;
    bool flag = rows[at].type == KC_OPTION_BOOL;
    if (flag != !value)
        return kc_conf_fail(
            ret_error, KC_CONFIG_INVALID, flag ? "takes no value" : "needs a value");
    return kc_option_set(&rows[at], options, rows[at].name, flag ? "yes" : value, ret_error);
}

enum kc_status pk_options_read(
    int argc, const char **argv, struct pk_options *ret_options, struct kc_conf_error *ret_error)
{
    PK_AUTO_OPTIONS struct pk_options options = PK_OPTIONS_INIT;
    bool seen[OPTIONS] = {false};
    enum kc_status status = kc_options_init(&pk_option_table, &options);
    for (int i = 0; i < argc && status == KC_OK; i++)
        status = take_argument(argv[i], seen, &options, ret_error);
    if (status != KC_OK)
        return status;
    *ret_options = options;
    options = PK_OPTIONS_INIT;
    return KC_OK;
}

void pk_options_free(struct pk_options *options)
{
    kc_options_free(&pk_option_table, options);
}
