/*
 * What single values of kclogin.conf must look like, beyond their type.
 * Used by the option tables alone.
 * Must never repeat the value in what it says.
 */
#include "daemon/option_check.h"

#include "common/name.h"
#include "common/option.h"
#include "daemon/issuer.h"

#include <stdbool.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool has_only(const char *value, const char *allowed)
{
    return value[0] && value[strspn(value, allowed)] == 0;
}

const char *option_check_printable(const char *value)
{
    for (const char *at = value; *at; at++)
        if (*at < 0x20 || *at > 0x7e)
            return "must be printable ASCII";
    return NULL;
}

const char *option_check_scope(const char *value)
{
    for (const char *at = value; *at; at++)
        if (*at < 0x20 || *at > 0x7e || *at == '"' || *at == '\\' || (at[0] == ' ' && at[1] == ' '))
            return "must be scope names of printable ASCII without \" and \\, one blank between";
    return NULL;
}

const char *option_check_address(const char *value)
{
    static const char wrong[] = "must be host:port, an IPv6 address in brackets";
    const char *colon = strrchr(value, ':');
    uint32_t port;
    if (!colon || colon == value ||
        kc_option_number(colon + 1, strlen(colon + 1), &port) != KC_OK || port == 0 || port > 65535)
        return wrong;
    size_t length = (size_t)(colon - value);
    bool good = value[0] == '[' ? issuer_host_is_v6(value, length)
                                : strspn(value, LETTERS DIGITS ".-") == length;
    return good ? NULL : wrong;
}

const char *option_check_attribute(const char *value)
{
    return has_only(value, LETTERS DIGITS "._-") ? NULL
                                                 : "must be a name of letters, digits and ._-";
}

const char *option_check_credential(const char *value)
{
    if (value[0] == '/')
        return NULL;
    return has_only(value, LETTERS DIGITS "._-") && value[0] != '.'
               ? NULL
               : "must be an absolute path, or the name of a systemd credential";
}

const char *option_check_home(const char *value)
{
    bool user = false;
    for (const char *at = value; (at = strchr(at, '%')); at += 2) {
        if (at[1] != 'u')
            return "knows %u alone, the user's name";
        user = true;
    }
    return user ? NULL : "must have %u, the user's name, so that no two share a home";
}

const char *option_check_group(const char *value)
{
    return kc_name_valid_group(value, strlen(value)) ? NULL
                                                     : "must be a group name, [a-z_][a-z0-9_.-]*";
}

const char *option_check_name(const char *value)
{
    return kc_name_valid_group(value, strlen(value))
               ? NULL
               : "must name a group by [a-z_][a-z0-9_.-]{0,31}";
}

const char *option_check_group_path(const char *value)
{
    size_t length = strlen(value);
    if (value[0] != '/' || length < 2 || value[length - 1] == '/' || strstr(value, "//"))
        return "must be a group's whole path, such as /engineering/kernel";
    return NULL;
}

const char *option_check_served(const char *value)
{
    size_t length = strlen(value);
    const char *star = strchr(value, '*');
    const char *wrong = option_check_group_path(value);
    if (wrong)
        return wrong;
    if (star && (star != value + length - 1 || star[-1] != '/' || length < 4))
        return "takes * in place of the last name alone, below a group: /engineering/*";
    return NULL;
}

const char *option_check_service(const char *value)
{
    return has_only(value, LETTERS DIGITS "._@+-") ? NULL : "must be names of PAM services";
}
