/*
 * The two listening sockets.
 * Used by main.c.
 * Must never accept a socket of another kind, nor leave one that others could have made.
 */
#include "daemon/listen.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#define BACKLOG 256

static void free_names(char ***names)
{
    for (char **name = *names; name && *name; name++)
        free(*name);
    free(*names);
}

enum kc_status listen_from_systemd(struct listeners *ret_listeners)
{
    KC_CLEANUP(free_names) char **names = NULL;
    int count = sd_listen_fds_with_names(1, &names);
    if (count <= 0)
        return count == 0 ? KC_NOT_FOUND : KC_SYSTEM;
    struct listeners found = {-1, -1};
    for (int i = 0; i < count; i++) {
        int fd = SD_LISTEN_FDS_START + i;
        if (sd_is_socket_unix(fd, SOCK_SEQPACKET, 1, NULL, 0) <= 0)
            return KC_CONFIG_INVALID;
        if (strcmp(names[i], "priv") == 0)
            found.privileged = fd;
        else if (strcmp(names[i], "public") == 0)
            found.public = fd;
        else
            return KC_CONFIG_INVALID;
    }
    if (found.privileged < 0 || found.public < 0)
        return KC_CONFIG_INVALID;
    *ret_listeners = found;
    return KC_OK;
}

enum kc_status listen_make_folder(const char *path, unsigned mode, unsigned uid, unsigned gid)
{
    if (mkdir(path, mode) != 0 && errno != EEXIST)
        return KC_SYSTEM;
    KC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat folder;
    if (fd < 0 || fstat(fd, &folder) != 0)
        return KC_SYSTEM;
    if (folder.st_uid != geteuid() && folder.st_uid != uid)
        return KC_CONFIG_UNTRUSTED;
    if (fchown(fd, uid, gid) != 0 || fchmod(fd, mode) != 0)
        return KC_SYSTEM;
    return KC_OK;
}

static enum kc_status bind_one(const char *run_dir, const char *name, mode_t mode, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", run_dir, name);
    if (length < 0 || (size_t)length >= sizeof address.sun_path)
        return KC_TOO_LARGE;
    KC_AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        return KC_SYSTEM;
    if (unlink(address.sun_path) != 0 && errno != ENOENT)
        return KC_SYSTEM;
    /* Made with mode 0600 (umask 077) and opened up only when it is whole. */
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        chmod(address.sun_path, mode) != 0 || listen(fd, BACKLOG) != 0)
        return KC_SYSTEM;
    *ret_fd = KC_TAKE_FD(fd);
    return KC_OK;
}

static enum kc_status make_subfolder(
    const char *run_dir, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", run_dir, name) >= (int)sizeof path)
        return KC_TOO_LARGE;
    return listen_make_folder(path, mode, uid, gid);
}

enum kc_status listen_bind(
    const char *run_dir, unsigned uid, unsigned gid, struct listeners *ret_listeners)
{
    enum kc_status status = listen_make_folder(run_dir, 0755, geteuid(), getegid());
    if (status == KC_OK)
        status = make_subfolder(run_dir, "sessions", 0700, uid, gid);
    if (status == KC_OK)
        status = make_subfolder(run_dir, "snapshot", 0755, uid, gid);
    if (status != KC_OK)
        return status;
    KC_AUTO_CLOSE int privileged = -1;
    status = bind_one(run_dir, "priv.socket", 0600, &privileged);
    if (status != KC_OK)
        return status;
    KC_AUTO_CLOSE int public = -1;
    status = bind_one(run_dir, "socket", 0666, &public);
    if (status != KC_OK)
        return status;
    *ret_listeners = (struct listeners){KC_TAKE_FD(privileged), KC_TAKE_FD(public)};
    return KC_OK;
}
