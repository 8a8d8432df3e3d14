/*
 * Reading the tests' data.
 * Used by tests that run over tests/vectors.
 * Must never stand in for a file that is not there.
 */
#include "tests/vectors.h"

#include <stdio.h>
#include <stdlib.h>

char *vectors_path(const char *name)
{
    const char *source = getenv("srcdir");
    char *path = NULL;
    if (asprintf(&path, "%s/tests/vectors/%s", source ? source : ".", name) < 0)
        abort();
    return path;
}

char *vectors_read(const char *path, size_t *ret_length)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    size_t length = 0, capacity = 1 << 20;
    char *bytes = malloc(capacity + 1);
    if (!bytes)
        abort();
    length = fread(bytes, 1, capacity, file);
    fclose(file);
    bytes[length] = 0;
    /* The memory ends where the file does, so that a sanitizer sees a read past it. */
    char *exact = realloc(bytes, length + 1);
    *ret_length = length;
    return exact ? exact : bytes;
}
