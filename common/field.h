/*
 * Fields of a passwd entry: what one may hold, and where a home may lie.
 * Used by the daemon where it makes entries, and by the NSS module, which believes no daemon.
 * Must never accept what a passwd file, a shell or a path could read as something else.
 */
#ifndef KC_FIELD_H
#define KC_FIELD_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a field may hold the text: no control character and no colon. */
bool kc_field_valid(const char *text, size_t length);

/*
 * Whether `path` may be a realm user's home: a valid field, below the folder whose path is the
 * first `length` bytes of `prefix` (kc_field_prefix), without an empty part, `.` or `..`.
 */
bool kc_field_home(const char *path, const char *prefix, size_t length);

/* How much of a folder's path counts: without slashes at its end. */
size_t kc_field_prefix(const char *prefix);

#endif
