/*
 * Calls of the module that fail on demand, one after the other, so that every error path runs.
 * Linked into the test build of the module (ld --wrap); play_fails() decides.
 * Must never change a call that is not to fail.
 */
#include <errno.h>
#include <poll.h>
#include <security/pam_modules.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

__attribute__((weak)) int play_fails(const char *name);

static int fails(const char *name, int error)
{
    if (!play_fails || !play_fails(name))
        return 0;
    errno = error;
    return 1;
}

#define WRAP(result, name, parameters, arguments, error, failure)                                  \
    result __real_##name parameters;                                                               \
    result __wrap_##name parameters;                                                               \
    result __wrap_##name parameters                                                                \
    {                                                                                              \
        return fails(#name, error) ? (failure) : __real_##name arguments;                          \
    }

WRAP(void *, malloc, (size_t size), (size), ENOMEM, NULL)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), ENOMEM, NULL)
WRAP(void *, realloc, (void *old, size_t size), (old, size), ENOMEM, NULL)
WRAP(char *, strdup, (const char *text), (text), ENOMEM, NULL)
WRAP(void *, mmap, (void *at, size_t size, int protection, int flags, int fd, off_t offset),
    (at, size, protection, flags, fd, offset), ENOMEM, MAP_FAILED)
WRAP(int, open, (const char *path, int flags, mode_t mode), (path, flags, mode), EMFILE, -1)
WRAP(ssize_t, read, (int fd, void *bytes, size_t size), (fd, bytes, size), EIO, -1)
WRAP(int, fstat, (int fd, struct stat *node), (fd, node), EIO, -1)
WRAP(int, lstat, (const char *path, struct stat *node), (path, node), EIO, -1)
WRAP(int, socket, (int family, int type, int protocol), (family, type, protocol), EMFILE, -1)
WRAP(int, connect, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size),
    ECONNREFUSED, -1)
WRAP(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *size),
    (fd, level, name, value, size), EIO, -1)
WRAP(int, poll, (struct pollfd * fds, nfds_t count, int timeout), (fds, count, timeout), ENOMEM, -1)
WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags),
    EPIPE, -1)
WRAP(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), EIO, -1)
WRAP(int, pam_set_item, (pam_handle_t * pamh, int item, const void *value), (pamh, item, value),
    ENOMEM, PAM_BUF_ERR)
WRAP(int, pam_putenv, (pam_handle_t * pamh, const char *line), (pamh, line), ENOMEM, PAM_BUF_ERR)
WRAP(int, pam_set_data,
    (pam_handle_t * pamh, const char *name, void *data,
        void (*cleanup)(pam_handle_t *pamh, void *data, int error_status)),
    (pamh, name, data, cleanup), ENOMEM, PAM_BUF_ERR)
