/*
 * What comes beside a message (cmsg(3)).
 * Used by connection.c and connections.c.
 * Must never leave a descriptor open that nobody asked for.
 */
#include "daemon/ancillary.h"

#include <string.h>
#include <unistd.h>

static void close_rights(const struct cmsghdr *item)
{
    size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(item) + i * sizeof fd, sizeof fd);
        close(fd);
    }
}

bool ancillary_read(struct msghdr *message, bool may_pass, struct ancillary *ret)
{
    *ret = (struct ancillary){.fd = -1};
    bool good = true;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item; item = CMSG_NXTHDR(message, item)) {
        if (item->cmsg_level != SOL_SOCKET)
            continue;
        if (item->cmsg_type == SCM_CREDENTIALS &&
            item->cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
            memcpy(&ret->credentials, CMSG_DATA(item), sizeof ret->credentials);
            ret->has_credentials = true;
        } else if (item->cmsg_type == SCM_RIGHTS) {
            if (may_pass && ret->fd < 0 && item->cmsg_len == CMSG_LEN(sizeof(int))) {
                memcpy(&ret->fd, CMSG_DATA(item), sizeof ret->fd);
            } else {
                close_rights(item);
                good = false;
            }
        }
    }
    return good;
}

enum ancillary_next ancillary_peek(int fd, struct ancillary *ret)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control; /* without room for a descriptor: the kernel makes none, and says that it was cut */
    struct iovec none = {0};
    struct msghdr message = {.msg_iov = &none,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control};
    ssize_t got = recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT);
    /* ECONNRESET comes once, before what the caller has sent last. */
    if (got < 0)
        return ANCILLARY_NOTHING;
    if (message.msg_controllen == 0)
        return ANCILLARY_END; /* a message has its sender's credentials, however short it is */
    (void)ancillary_read(&message, false, ret);
    return message.msg_flags & MSG_CTRUNC ? ANCILLARY_DESCRIPTORS : ANCILLARY_MESSAGE;
}

void ancillary_drop(int fd)
{
    struct iovec none = {0};
    struct msghdr message = {.msg_iov = &none, .msg_iovlen = 1};
    (void)recvmsg(fd, &message, MSG_DONTWAIT);
}
