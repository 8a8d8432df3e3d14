/*
 * What glibc is told: the table from what happened to an NSS status and an errno.
 * Used at the end of each lookup.
 * Must never say "not found" for anything but the realm's own answer, or a name that is the host's.
 */
#ifndef NSS_RESULT_H
#define NSS_RESULT_H

#include "common/status.h"

#include <nss.h>
#include <stdbool.h>

/* The NSS status of `status`; *errnop is set unless it is a success. */
enum nss_status nss_result(enum kc_status status, int *errnop);

/* Whether nobody could say: what was known until lately may be used. */
bool nss_is_outage(enum kc_status status);

#endif
