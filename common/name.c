/*
 * User name syntax.
 * Used wherever a name enters.
 * Must never depend on a locale: the letters are compared as bytes.
 */
#include "common/name.h"

#include <string.h>

#define SERVICE_ACCOUNT "service-account-"

static bool is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_inner(char c)
{
    return is_lower(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

bool kc_name_valid_group(const char *name, size_t length)
{
    if (length == 0 || length > KC_NAME_MAX || !is_lower(name[0]) || name[length - 1] == '.')
        return false;
    for (size_t i = 1; i < length; i++)
        if (!is_inner(name[i]))
            return false;
    return true;
}

bool kc_name_valid_user(const char *name, size_t length)
{
    size_t prefix = sizeof SERVICE_ACCOUNT - 1;
    if (length >= prefix && memcmp(name, SERVICE_ACCOUNT, prefix) == 0)
        return false;
    return kc_name_valid_group(name, length);
}
