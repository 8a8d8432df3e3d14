/*
 * /etc/shells: the shells that a realm user may name.
 * Used by directory.c.
 * Must never let a line that is no absolute path be one.
 */
#ifndef DAEMON_SHELLS_H
#define DAEMON_SHELLS_H

#include "common/status.h"

/* The file's shells, NULL-terminated, the caller's; none where there is no file. KC_NO_MEMORY. */
enum kc_status shells_read(const char *path, char ***ret_shells);
void shells_free(char **shells); /* NULL is fine */

#endif
