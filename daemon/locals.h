/*
 * The host's own names and ids, of /etc/passwd and /etc/group, in one table, read anew when the
 * files change.
 * Used by the directory, which serves nobody who has one of them.
 * Must never forget a name because a file cannot be read: then everything is the host's own.
 */
#ifndef DAEMON_LOCALS_H
#define DAEMON_LOCALS_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sd_event;
struct locals;

/* The table is another one now; what of the realm is the host's own since then must go. */
typedef void locals_changed(void *userdata);

/* Reads both files (paths, which stay the caller's) and watches them. Where they cannot be watched,
 * locals_look is the only look at them. KC_NO_MEMORY. */
enum kc_status locals_new(struct sd_event *event, const char *passwd, const char *group,
    locals_changed *changed, void *userdata, struct locals **ret_locals);
void locals_free(struct locals *locals);

/* Reads the files where they are others than they were, and calls locals_changed. */
void locals_look(struct locals *locals);

/* Whether a user or a group of the host has the name, or a user, or a group, the id. */
bool locals_have_name(const struct locals *locals, const char *name);
bool locals_have_uid(const struct locals *locals, uint32_t uid);
bool locals_have_gid(const struct locals *locals, uint32_t gid);

/* The names that a lookup can have, in the order of bytes, each once; valid until the next change.
 */
const char *const *locals_users(const struct locals *locals, size_t *ret_count);
const char *const *locals_groups(const struct locals *locals, size_t *ret_count);

#endif
