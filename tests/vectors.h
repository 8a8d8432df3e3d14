/*
 * Where the tests' data lie, and reading a file of them.
 * Used by tests that run over tests/vectors.
 * A file that is missing fails the test; it is never passed over.
 */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <stddef.h>

/* The path of tests/vectors/`name`, in memory of the caller. */
char *vectors_path(const char *name);

/* A whole file; a NUL, not counted, stands behind it. In memory of the caller; NULL: unreadable. */
char *vectors_read(const char *path, size_t *ret_length);

#endif
