/*
 * A folder of a test's own.
 * Used by the tests that read files.
 * Must never leave anything behind, nor follow a link when it cleans up.
 */
#include "tests/common/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int folder_make(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);
    if (!folder)
        return -1;
    const char *base = getenv("TMPDIR");
    snprintf(folder->path, sizeof folder->path, "%.200s/kclogin-test-XXXXXX", base ? base : "/tmp");
    *state = folder;
    return mkdtemp(folder->path) ? 0 : -1;
}

int folder_remove(void **state)
{
    struct folder *folder = *state;
    DIR *dir = opendir(folder->path);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            unlinkat(dirfd(dir), entry->d_name, 0) < 0)
            unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
    if (dir)
        closedir(dir);
    int result = rmdir(folder->path);
    free(folder);
    return result;
}

const char *folder_path(const struct folder *folder, const char *name)
{
    static char path[2 * FOLDER_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    return path;
}

const char *folder_write(
    const struct folder *folder, const char *name, mode_t mode, const void *bytes, size_t length)
{
    const char *path = folder_path(folder, name);
    unlink(path); /* it may be one that its owner cannot write */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || (length && write(fd, bytes, length) != (ssize_t)length) || fchmod(fd, mode) < 0 ||
        close(fd) < 0)
        abort();
    return path;
}

const char *folder_text(const struct folder *folder, const char *name, const char *text)
{
    return folder_write(folder, name, 0600, text, strlen(text));
}
