/*
 * The passwd entry of a realm user: what the realm says, what the configuration adds, and why a
 * user has none.
 * Used by directory.c.
 * Must never make an entry with an id out of the host bounds, or a field that a passwd file could
 * read as something else.
 */
#ifndef DAEMON_PASSWD_ENTRY_H
#define DAEMON_PASSWD_ENTRY_H

#include "common/bounds.h"
#include "common/limits.h"
#include "daemon/person.h"

#include <stdint.h>

/* Where a value came from. */
enum entry_source {
    ENTRY_ATTRIBUTE,  /* of the user in the realm */
    ENTRY_CONFIGURED, /* the configuration's default */
    ENTRY_GROUP,      /* the gid of `primary_group` */
    ENTRY_ALLOCATED,  /* this host's own, allocate = host */
};

struct passwd_entry {
    char name[KC_LOOKUP_NAME_MAX];
    uint32_t uid;
    uint32_t gid;
    char gecos[KC_FIELD_MAX];
    char home[KC_FIELD_MAX];
    char shell[KC_FIELD_MAX];
    enum entry_source uid_source, gid_source, home_source, shell_source;
};

/* What an entry is made by. */
struct passwd_entry_rules {
    const struct config_directory *directory;
    const struct kc_bounds *bounds;
    uint32_t primary_gid;      /* of `primary_group`; 0: it has none, or none is configured */
    uint32_t allocated_uid;    /* 0: none */
    const char *const *shells; /* of /etc/shells; NULL-terminated */
};

/*
 * Makes the entry. KC_USER_UNKNOWN: the name is none that Linux has, or a service account's;
 * KC_ENTRY_NO_UID, KC_ENTRY_NO_GID: there is none; KC_ENTRY_BAD_UID, KC_ENTRY_BAD_GID: no number,
 * or not the realm's to give. A home or shell that cannot be used gives way to the configured one,
 * as its source then says.
 */
enum kc_status passwd_entry_make(const struct person *person,
    const struct passwd_entry_rules *rules, struct passwd_entry *ret_entry);

/* Whether an entry of an earlier day could be made by today's rules: ids, home and shell. */
bool passwd_entry_fits(const struct passwd_entry *entry, const struct passwd_entry_rules *rules);

/* A decimal number of at most 10 digits, without sign, blank or leading zero, that fits. */
bool passwd_entry_read_id(const char *text, uint32_t *ret_id);

#endif
