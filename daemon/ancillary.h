/*
 * What comes beside a message: who sends it, as the kernel says, and a descriptor.
 * Used by connection.c and connections.c.
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

enum ancillary_next {
    ANCILLARY_NOTHING, /* just now */
    ANCILLARY_END,     /* nor will anything come */
    ANCILLARY_MESSAGE,
    ANCILLARY_DESCRIPTORS, /* a message that brings some */
};

/*
 * What the next message brings, and who has sent it; nothing is taken. A descriptor that is taken
 * must be closed, and that may last as long as its sender likes: so the sender is looked at first.
 */
enum ancillary_next ancillary_peek(int fd, struct ancillary *ret);

/* Drops the next message, which must bring none. */
void ancillary_drop(int fd);

/*
 * Reads what came with recvmsg(2). False where descriptors came that nobody asked for (`may_pass`:
 * one is welcome): they are closed, but a welcome one before them is in `ret` all the same.
 */
bool ancillary_read(struct msghdr *message, bool may_pass, struct ancillary *ret);

#endif
