/*
 * /etc/shells: the shells that a realm user may name.
 * Used by directory.c.
 * Must never let a line that is no absolute path be one.
 */
#include "daemon/shells.h"

#include "common/cleanup.h"

#include <stdio.h>
#include <string.h>

#define SHELLS_MAX 256u
#define LINE_MAX_SIZE 512

static void cleanup_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

void shells_free(char **shells)
{
    for (size_t i = 0; shells && shells[i]; i++)
        free(shells[i]);
    free(shells);
}

enum kc_status shells_read(const char *path, char ***ret_shells)
{
    char line[LINE_MAX_SIZE];
    size_t count = 0;
    char **shells = calloc(SHELLS_MAX + 1, sizeof *shells);
    if (!shells)
        return KC_NO_MEMORY;
    KC_CLEANUP(cleanup_file) FILE *file = fopen(path, "re");
    while (file && count < SHELLS_MAX && fgets(line, sizeof line, file)) {
        const size_t length = strcspn(line, "\n");
        if (line[length] != '\n' || line[0] != '/' || strcspn(line, " \t#") < length)
            continue;
        line[length] = '\0';
        shells[count] = strdup(line);
        if (!shells[count++]) {
            shells_free(shells);
            /* the attribute closes it: cppcheck-suppress resourceLeak */
            return KC_NO_MEMORY;
        }
    }
    *ret_shells = shells;
    return KC_OK;
}
