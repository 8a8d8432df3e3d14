/*
 * Knocking at the daemon's sockets by hand: raw bytes, descriptors, and what comes back.
 * Used by the programs beside it, which the suite runs as hostile neighbours.
 * Must never wait without a limit, nor check what it sends: what is wrong is wrong on purpose.
 */
#ifndef TESTS_NEIGHBOURS_KNOCK_H
#define TESTS_NEIGHBOURS_KNOCK_H

#include "common/wire.h"

#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

enum heard {
    HEARD_NOTHING, /* in time */
    HEARD_END,     /* the daemon has hung up */
    HEARD_REPLY,
};

/* Says what is not as it must be, and ends the program. */
void knock_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* A number of the command line; ends the program where it is none. */
unsigned knock_number(const char *text);

/* Gives up all authority for that of a uid; 0 changes nothing. */
void knock_become(uid_t uid);

/* Connects; -1 with errno where the daemon does not take it. `flags` are socket(2)'s. */
int knock_try(const char *path, int flags);

/* Connects, and ends the program where that cannot be done. */
int knock_open(const char *path);

/* Writes a whole and good message; its length. The key is 32 zero bytes where one belongs. */
size_t knock_message(enum kc_wire_type type, const struct kc_wire_login *who, uint8_t *ret_bytes);

/* Sends a packet with descriptors beside it; false with errno. */
bool knock_say(int fd, const void *bytes, size_t length, const int *passed, size_t count);

/* Waits for a packet; what it says is good until the next one is heard. */
enum heard knock_hear(int fd, int milliseconds, struct kc_wire_reply *ret_reply);

/* As the uid, sends a packet, and beside it the last reference to a connection over the loopback
 * whose close waits for bytes that its peer never reads. The peer stays open. */
void knock_pass_lingering(int fd, const void *bytes, size_t length, uid_t uid);

#endif
