/*
 * The socket client.
 * Used by the modules and the command, inside other people's processes.
 * Must never block past its deadline, raise a signal, or take the place of descriptor 0, 1 or 2.
 */
#include "common/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#define DOOR_MS 1000 /* how long a caller stands at a door where too many stand already */

static const char *const socket_names[] = {
    [KC_SOCKET_PRIVILEGED] = "priv.socket",
    [KC_SOCKET_PUBLIC] = "socket",
};

int64_t kc_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool owner_trusted(uid_t uid, uid_t owner)
{
    return uid == 0 || uid == owner;
}

/* The folder and the socket in it are the owner's, and nobody else could have put them there. */
static enum kc_status check_path(const char *dir, const char *path, uid_t owner)
{
    struct stat folder, node;
    if (lstat(dir, &folder) != 0 || lstat(path, &node) != 0)
        return errno == ENOENT || errno == EACCES ? KC_DAEMON_UNREACHABLE : KC_SYSTEM;
    if (!S_ISDIR(folder.st_mode) || !owner_trusted(folder.st_uid, owner) ||
        (folder.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return KC_DAEMON_UNTRUSTED;
    if (!S_ISSOCK(node.st_mode) || !owner_trusted(node.st_uid, owner))
        return KC_DAEMON_UNTRUSTED;
    return KC_OK;
}

/* SO_PEERCRED of a connected socket names who called listen(), however the daemon dropped since. */
static enum kc_status check_listener(int fd, uid_t owner)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return KC_SYSTEM;
    return owner_trusted(peer.uid, owner) ? KC_OK : KC_DAEMON_UNTRUSTED;
}

/* A host program may have closed its standard descriptors: ours must not take their place. */
static int socket_above_standard(void)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return above;
}

/* Those who wait are let in by their turn. To be sent away at once would make a login a lottery
 * wherever somebody else crowds the door. */
static enum kc_status wait_at_the_door(int fd, const struct sockaddr_un *address)
{
    const struct timeval patience = {.tv_sec = DOOR_MS / 1000, .tv_usec = DOOR_MS % 1000 * 1000L};
    int64_t end = kc_now_ms() + DOOR_MS;
    int flags = fcntl(fd, F_GETFL), error;
    if (flags < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0)
        return KC_SYSTEM;
    do
        error = connect(fd, (const struct sockaddr *)address, sizeof *address);
    while (error != 0 && errno == EINTR && kc_now_ms() < end);
    if (fcntl(fd, F_SETFL, flags) != 0)
        return KC_SYSTEM;
    return error == 0 ? KC_OK : KC_DAEMON_UNREACHABLE;
}

static enum kc_status connect_to(const char *path, struct kc_client *client)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path) + 1);
    client->fd = socket_above_standard();
    if (client->fd < 0)
        return kc_status_from_errno(errno);
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) == 0)
        return KC_OK;
    return errno == EAGAIN ? wait_at_the_door(client->fd, &address) : KC_DAEMON_UNREACHABLE;
}

enum kc_status kc_client_open(
    const char *dir, enum kc_socket socket, uid_t owner, struct kc_client *ret_client)
{
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path];
    int length = snprintf(path, sizeof path, "%s/%s", dir, socket_names[socket]);
    if (length < 0 || (size_t)length >= sizeof path)
        return KC_TOO_LARGE;
    enum kc_status status = check_path(dir, path, owner);
    if (status != KC_OK)
        return status;
    KC_AUTO_CLIENT struct kc_client client = KC_CLIENT_INIT;
    status = connect_to(path, &client);
    if (status == KC_OK)
        status = check_listener(client.fd, owner);
    if (status == KC_OK)
        ret_client->fd = KC_TAKE_FD(client.fd);
    return status;
}

/* Waits until something may be possible. A descriptor that only claims to be ready, again and
 * again, waits no longer than another: `again` says that this is not the first time. */
static enum kc_status wait_for(int fd, short events, int64_t deadline, bool again)
{
    for (;;) {
        int64_t left = deadline - kc_now_ms();
        if (again && left <= 0)
            return KC_TIMED_OUT;
        struct pollfd waiting = {.fd = fd, .events = events};
        int ready = poll(&waiting, 1, left > 0 ? (int)(left > 600000 ? 600000 : left) : 0);
        if (ready > 0)
            return KC_OK;
        if (ready < 0 && errno != EINTR)
            return KC_SYSTEM;
        if (left <= 0)
            return KC_TIMED_OUT;
    }
}

/* Credentials, and perhaps a descriptor, beside a message. */
union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
};

static void put_control(struct msghdr *message, union control *control, int passed_fd)
{
    /* su's real uid is the person's: what gives it authority is the effective one, said aloud. */
    struct ucred credentials = {.pid = getpid(), .uid = geteuid(), .gid = getegid()};
    memset(control, 0, sizeof *control);
    message->msg_control = control->bytes;
    message->msg_controllen = sizeof control->bytes;
    struct cmsghdr *item = CMSG_FIRSTHDR(message);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_CREDENTIALS;
    item->cmsg_len = CMSG_LEN(sizeof credentials);
    memcpy(CMSG_DATA(item), &credentials, sizeof credentials);
    message->msg_controllen = CMSG_SPACE(sizeof credentials);
    if (passed_fd < 0)
        return;
    message->msg_controllen = sizeof control->bytes;
    item = CMSG_NXTHDR(message, item); /* room for two; lint: -Wanalyzer-null-dereference */
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof passed_fd);
    memcpy(CMSG_DATA(item), &passed_fd, sizeof passed_fd);
}

static enum kc_status send_all(int fd, const struct msghdr *message, int64_t deadline)
{
    for (;;) {
        if (sendmsg(fd, message, MSG_NOSIGNAL) >= 0)
            return KC_OK;
        /* A kernel that takes no packet of this size, or not these credentials, never will. */
        if (errno == EMSGSIZE)
            return KC_TOO_LARGE;
        if (errno == EPERM)
            return KC_SYSTEM;
        if (errno != EINTR && errno != EAGAIN)
            return KC_DAEMON_UNREACHABLE;
        enum kc_status status = wait_for(fd, POLLOUT, deadline, true);
        if (status != KC_OK)
            return status;
    }
}

enum kc_status kc_client_send(struct kc_client *client, const struct kc_wire_request *request,
    int passed_fd, int64_t deadline, struct kc_secret *storage)
{
    size_t length;
    enum kc_status status = kc_secret_reserve(storage, KC_MESSAGE_MAX);
    if (status == KC_OK)
        status = kc_wire_encode_request(request, storage->bytes, storage->capacity, &length);
    if (status != KC_OK)
        return status;
    union control control;
    struct iovec part = {.iov_base = storage->bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    put_control(&message, &control, passed_fd);
    status = send_all(client->fd, &message, deadline);
    kc_wipe(storage->bytes, length);
    storage->length = 0;
    return status;
}

enum kc_status kc_client_receive(struct kc_client *client, int64_t deadline,
    struct kc_secret *storage, struct kc_wire_reply *ret_reply)
{
    enum kc_status status = kc_secret_reserve(storage, KC_MESSAGE_MAX);
    if (status != KC_OK)
        return status;
    for (bool again = false;; again = true) {
        status = wait_for(client->fd, POLLIN, deadline, again);
        if (status != KC_OK)
            return status;
        /* No room for control data: the kernel closes any descriptor that comes along. */
        struct iovec part = {.iov_base = storage->bytes, .iov_len = KC_MESSAGE_MAX};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        ssize_t got = recvmsg(client->fd, &message, 0);
        /* ECONNRESET comes once, before what the daemon said last. */
        if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == ECONNRESET))
            continue;
        if (got <= 0)
            return KC_DAEMON_UNREACHABLE;
        storage->length = (size_t)got;
        if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
            return KC_PROTOCOL;
        return kc_wire_decode_reply(storage->bytes, storage->length, ret_reply);
    }
}

void kc_client_close(struct kc_client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}
