/*
 * What comes beside a message (cmsg(3)).
 * Used by connection.c.
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
