/*
 * What comes beside a message: who sends it, as the kernel says, and a descriptor.
 * Used by connection.c.
 * Must never leave a descriptor open that nobody asked for.
 */
#ifndef DAEMON_ANCILLARY_H
#define DAEMON_ANCILLARY_H

#include <stdbool.h>
#include <sys/socket.h>

/* Room for what a message may bring; the kernel cuts off what comes beyond (MSG_CTRUNC). */
union ancillary_room {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
};

struct ancillary {
    bool has_credentials;
    struct ucred credentials;
    int fd; /* the caller's to close; -1: none */
};

/*
 * Reads what came with recvmsg(2). False where descriptors came that nobody asked for (`may_pass`:
 * one is welcome): they are closed, but a welcome one before them is in `ret` all the same.
 */
bool ancillary_read(struct msghdr *message, bool may_pass, struct ancillary *ret);

#endif
