/*
 * A process that holds a session.
 * Used by sessions.c, session_recover.c and main.c.
 * Must never take another process for the one that opened the session.
 */
#include "daemon/process.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

/* Reads a small file of /proc into text. */
static enum kc_status read_text(const char *path, char *ret_text, size_t size)
{
    KC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT                     ? KC_NOT_FOUND
               : errno == EPERM || errno == EACCES ? KC_NOT_AUTHORIZED
                                                   : kc_status_from_errno(errno);
    ssize_t got = read(fd, ret_text, size - 1);
    if (got < 0)
        return errno == ESRCH ? KC_NOT_FOUND : KC_SYSTEM;
    ret_text[got] = 0;
    return KC_OK;
}

enum kc_status process_of_pidfd(int pidfd, uint32_t *ret_pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    enum kc_status status = read_text(path, text, sizeof text);
    if (status != KC_OK)
        return status;
    const char *line = strstr(text, "\nPid:\t");
    if (!line)
        return KC_MALFORMED;
    long pid = strtol(line + 6, NULL, 10);
    if (pid <= 0)
        return KC_NOT_FOUND;
    *ret_pid = (uint32_t)pid;
    return KC_OK;
}

enum kc_status process_started(uint32_t pid, uint64_t *ret_ticks)
{
    char path[64], text[2048];
    snprintf(path, sizeof path, "/proc/%" PRIu32 "/stat", pid);
    enum kc_status status = read_text(path, text, sizeof text);
    if (status != KC_OK)
        return status;
    /* The second field is the program's name in parentheses and may contain anything. */
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (!at)
        return KC_SYSTEM;
    *ret_ticks = strtoull(at + 1, NULL, 10);
    return KC_OK;
}

enum kc_status process_hold(uint32_t pid, int *ret_pidfd)
{
    if (pid == 0)
        return KC_NOT_FOUND;
    int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    if (pidfd < 0)
        return errno == ESRCH || errno == EINVAL ? KC_NOT_FOUND : kc_status_from_errno(errno);
    *ret_pidfd = pidfd;
    return KC_OK;
}

enum kc_status process_open(uint32_t pid, uint64_t started, int *ret_pidfd)
{
    KC_AUTO_CLOSE int pidfd = -1;
    enum kc_status status = started == PROCESS_START_UNKNOWN ? KC_NOT_FOUND
                                                             : process_hold(pid, &pidfd);
    /* Opened first, compared after: what the descriptor names cannot change any more. */
    uint64_t ticks = 0;
    if (status == KC_OK)
        status = process_started(pid, &ticks);
    if (status == KC_NOT_AUTHORIZED || (status == KC_OK && ticks != started))
        status = KC_NOT_FOUND;
    if (status == KC_OK)
        *ret_pidfd = KC_TAKE_FD(pidfd);
    return status;
}

bool process_hidden(void)
{
    uint64_t ticks;
    enum kc_status status = process_started(1, &ticks);
    return status == KC_NOT_FOUND || status == KC_NOT_AUTHORIZED;
}

enum kc_status process_boot_id(char ret_id[PROCESS_BOOT_ID_SIZE])
{
    char text[PROCESS_BOOT_ID_SIZE + 1];
    enum kc_status status = read_text("/proc/sys/kernel/random/boot_id", text, sizeof text);
    if (status != KC_OK)
        return status == KC_NOT_FOUND ? KC_SYSTEM : status;
    text[strcspn(text, "\n")] = 0;
    memcpy(ret_id, text, PROCESS_BOOT_ID_SIZE);
    return KC_OK;
}
