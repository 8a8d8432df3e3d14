/*
 * Whether the realm's range of ids meets one from which the host itself gives ids away.
 * Used by main.c at start and at reload; allow_overlap = yes overrules it.
 * Must never guess: a file that is there and cannot be read is an error.
 */
#ifndef DAEMON_OVERLAP_H
#define DAEMON_OVERLAP_H

#include "common/bounds.h"
#include "common/conf.h"
#include "common/status.h"

#include <stddef.h>

struct overlap_paths {
    const char *login_defs; /* what it does not say has useradd's defaults */
    const char *subuid;
    const char *subgid;
};

/* The three files of this host, in /etc. */
extern const struct overlap_paths overlap_system_files;

/*
 * KC_OK: the range meets none, or allow_overlap is set. KC_CONFIG_INVALID: it meets one (of
 * useradd's users, groups, system accounts and subordinate ids, of a user's subordinate ids, or
 * systemd's dynamic users), or a number in login.defs is none. KC_SYSTEM, KC_NO_MEMORY. Each with
 * file, line and text in ret_error. A missing file has no ranges of its own.
 */
enum kc_status overlap_check(const struct kc_bounds *bounds, const struct overlap_paths *paths,
    struct kc_conf_error *ret_error);

/* The two formats in memory; ret_error's file is left alone. */
enum kc_status overlap_login_defs(
    const struct kc_ids *ids, const char *bytes, size_t length, struct kc_conf_error *ret_error);
enum kc_status overlap_subordinate(
    const struct kc_ids *ids, const char *bytes, size_t length, struct kc_conf_error *ret_error);

#endif
