/*
 * Host bounds: what no daemon can claim, read from host.conf.
 * Used by the modules and the daemon alike; the modules refuse what is outside it.
 * Must never widen: a file that cannot be trusted or read is an error, not the defaults.
 */
#ifndef KC_BOUNDS_H
#define KC_BOUNDS_H

#include "common/cleanup.h"
#include "common/conf.h"
#include "common/option.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Below it a uid belongs to the system, and no realm password opens its account. */
#define KC_LOCAL_UID_MIN 1000u

struct kc_bounds {
    struct kc_ids ids;             /* uids and gids that belong to the realm */
    bool allow_overlap;            /* the daemon starts though the range meets another */
    char *home_prefix;             /* homes of realm users lie below */
    struct kc_list local_accounts; /* names and @groups that a realm password may open */
};

/* Whose a name is, by the host's own files alone. */
enum kc_account_kind {
    KC_ACCOUNT_ABSENT, /* no local account: the realm may know it */
    KC_ACCOUNT_LOCAL,  /* a local account that the realm has no say in */
    KC_ACCOUNT_LISTED, /* a local account that a realm password may open */
};

/* The options of host.conf, their fields in struct kc_bounds. */
extern const struct kc_option_table kc_bounds_options;

#define KC_AUTO_BOUNDS KC_CLEANUP(kc_bounds_cleanup)

/*
 * Reads host.conf at `path`, which must belong to `owner` (0, but in tests) and be writable by
 * nobody else. Without the file: the defaults. The caller owns ret_bounds. KC_CONFIG_INVALID,
 * KC_CONFIG_UNTRUSTED, KC_SYSTEM, KC_NO_MEMORY, each with ret_error filled.
 */
enum kc_status kc_bounds_load(
    const char *path, uid_t owner, struct kc_bounds **ret_bounds, struct kc_conf_error *ret_error);

/* The same from `length` bytes in memory; ret_error's file is left alone. */
enum kc_status kc_bounds_parse(const char *bytes, size_t length, struct kc_bounds **ret_bounds,
    struct kc_conf_error *ret_error);

void kc_bounds_free(struct kc_bounds *bounds);

static inline void kc_bounds_cleanup(struct kc_bounds **bounds)
{
    kc_bounds_free(*bounds);
}

/* Whether an id is the realm's: in the range, and never 0, 65534, 65535 or 2^32-1. */
bool kc_bounds_id(const struct kc_bounds *bounds, uint32_t id);

/*
 * Whose `name` is, by the files at the paths `passwd` and `group`. ret_uid is set for LISTED
 * alone and may be NULL. A line that cannot be read is LOCAL: the host's, and not ours.
 * KC_SYSTEM, KC_TOO_LARGE: a file cannot be read, and nobody knows.
 */
enum kc_status kc_bounds_account(const struct kc_bounds *bounds, const char *passwd,
    const char *group, const char *name, enum kc_account_kind *ret_kind, uid_t *ret_uid);

#endif
