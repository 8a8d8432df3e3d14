/*
 * What glibc is told: the table.
 * Used at the end of each lookup.
 * Must never say "not found" for anything but the realm's own answer, or a name that is the host's.
 */
#include "nss/result.h"

#include <errno.h>
#include <stddef.h>

struct row {
    enum kc_class class;
    enum nss_status status;
    int error;
};

static const struct row rows[] = {
    {KC_CLASS_OK, NSS_STATUS_SUCCESS, 0},
    {KC_CLASS_UNKNOWN, NSS_STATUS_NOTFOUND, ENOENT},
    {KC_CLASS_NOT_OURS, NSS_STATUS_NOTFOUND, ENOENT},
    {KC_CLASS_UNREACHABLE, NSS_STATUS_UNAVAIL, ECONNREFUSED},
    {KC_CLASS_UNAVAILABLE, NSS_STATUS_UNAVAIL, EAGAIN},
};

enum nss_status nss_result(enum kc_status status, int *errnop)
{
    const enum kc_class class = kc_status_class(status);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].class == class) {
            if (rows[i].error != 0)
                *errnop = rows[i].error;
            return rows[i].status;
        }
    *errnop = ECONNREFUSED;
    return NSS_STATUS_UNAVAIL;
}

bool nss_is_outage(enum kc_status status)
{
    const enum kc_class class = kc_status_class(status);
    return class == KC_CLASS_UNREACHABLE || class == KC_CLASS_UNAVAILABLE;
}
