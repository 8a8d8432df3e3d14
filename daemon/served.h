/*
 * Which groups of the realm are Linux groups, and under which names ([groups]).
 * Used by sweep.c and the directory. Pure.
 * Must never let two paths meet in one name.
 */
#ifndef DAEMON_SERVED_H
#define DAEMON_SERVED_H

#include "common/limits.h"
#include "common/status.h"

#include <stdbool.h>

struct config_groups;

#define SERVED_PATH_MAX 1024u

/* Whether `served`, an item of `serve`, means all children of a group (/x, or / with a star
 * behind). */
bool served_is_children(const char *served);

/*
 * The name of the group at `path`: the one that `name.NAME` gives it, else its parts joined by
 * dots: /a/b is a.b. KC_NOT_FOUND: it is not served. KC_ENTRY_NAME_TAKEN: it is served, but its
 * name is none that Linux has, or another path has it by `name.NAME`.
 */
enum kc_status served_name(
    const struct config_groups *groups, const char *path, char ret_name[KC_LOOKUP_NAME_MAX]);

#endif
