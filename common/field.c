/*
 * Fields of a passwd entry.
 * Used by the daemon where it makes entries, and by the NSS module, which believes no daemon.
 * Must never accept what a passwd file, a shell or a path could read as something else.
 */
#include "common/field.h"

#include <string.h>

/* What a field may hold, and what of it is a slash. The NSS module looks at each user's home so. */
enum { FORBIDDEN, HARMLESS, SLASH };
static const unsigned char meaning[256] = {
    [' ' ... '.'] = HARMLESS,
    ['/'] = SLASH,
    ['0' ... '9'] = HARMLESS, /* then the colon */
    [';' ... '~'] = HARMLESS,
    [0x80 ... 0xff] = HARMLESS,
};

bool kc_field_valid(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (meaning[(unsigned char)text[i]] == FORBIDDEN)
            return false;
    return true;
}

size_t kc_field_prefix(const char *prefix)
{
    size_t length = strlen(prefix);
    while (length > 0 && prefix[length - 1] == '/')
        length--;
    return length;
}

/* A part of a path, from behind its slash on; where it ends. NULL: it may not be part of a home. */
static inline const char *pass_part(const char *part)
{
    const char *at = part;
    if (*at == '.')
        at += at[1] == '.' ? 2 : 1;
    if (*at == '/' || *at == '\0')
        return NULL; /* nothing, `.` or `..` */
    while (meaning[(unsigned char)*at] == HARMLESS)
        at++;
    return *at == '/' || *at == '\0' ? at : NULL;
}

bool kc_field_home(const char *path, const char *prefix, size_t length)
{
    size_t same = 0;
    while (same < length && path[same] == prefix[same])
        same++;
    if (same < length || path[length] != '/')
        return false;
    for (const char *at = path + length; *at;) {
        at = pass_part(at + 1);
        if (!at)
            return false;
    }
    return true;
}
