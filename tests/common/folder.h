/*
 * A folder of a test's own with files in it, removed at its end.
 * Used by the tests that read files.
 */
#ifndef TESTS_COMMON_FOLDER_H
#define TESTS_COMMON_FOLDER_H

#include <stddef.h>
#include <sys/types.h>

#define FOLDER_PATH_MAX 256

struct folder {
    char path[FOLDER_PATH_MAX];
};

/* cmocka's set-up and tear-down: *state is a struct folder. */
int folder_make(void **state);
int folder_remove(void **state);

/* Writes a file; returns its path, valid until the next call. */
const char *folder_write(
    const struct folder *folder, const char *name, mode_t mode, const void *bytes, size_t length);

/* The same for a text, mode 0600. */
const char *folder_text(const struct folder *folder, const char *name, const char *text);

/* The path of a name in the folder, valid until the next call. */
const char *folder_path(const struct folder *folder, const char *name);

#endif
