/*
 * Descriptors passed along where none is wanted: one, many, the connection's own, and such as will
 * not close.
 * Run by the suite: passing SOCKET UID TIMES.
 * The daemon must hang up each time, keep none of them, and wait for none.
 */
#include "tests/neighbours/knock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define WAIT_MS 5000
#define MANY 100
#define LINGERING 8 /* of each run: each one costs some MB of buffers */
#define AT_ONCE 40  /* more than one uid may have open */

static uint8_t bytes[KC_MESSAGE_MAX];

static void must_be_hung_up_on(int fd)
{
    struct kc_wire_reply reply;
    if (knock_hear(fd, WAIT_MS, &reply) != HEARD_END)
        knock_fail("the daemon answers who passes descriptors");
    close(fd);
}

static void say(int fd, const int *passed, size_t count)
{
    size_t length = knock_message(KC_WIRE_STATUS, NULL, bytes);
    /* It may have hung up already, where there was no room; newer kernels may not pass them. */
    if (!knock_say(fd, bytes, length, passed, count) && errno != EPIPE && errno != ECONNRESET)
        knock_fail("cannot pass %zu descriptors: %m", count);
}

static void pass_many(const char *path)
{
    int passed[MANY];
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < MANY; i++)
        passed[i] = null;
    for (size_t count = 1; count <= MANY; count += 33) {
        int fd = knock_open(path);
        say(fd, passed, count);
        must_be_hung_up_on(fd);
    }
    close(null);
}

/* Without the daemon's help the connection would hold itself open. */
static void pass_itself(const char *path)
{
    int fd = knock_open(path);
    say(fd, &fd, 1);
    must_be_hung_up_on(fd);
}

/* The one that is on its way is the last: whoever drops it waits. */
static void pass_lingering(const char *path)
{
    int fd = knock_open(path);
    size_t length = knock_message(KC_WIRE_STATUS, NULL, bytes);
    knock_pass_lingering(fd, bytes, length, 0);
    must_be_hung_up_on(fd);
}

/* Some of these are hung up on for want of room, with the descriptor unread. */
static void pass_at_once(const char *path)
{
    int fds[AT_ONCE];
    for (size_t i = 0; i < AT_ONCE; i++)
        fds[i] = knock_open(path);
    for (size_t i = 0; i < AT_ONCE; i++)
        say(fds[i], fds, 2);
    for (size_t i = 0; i < AT_ONCE; i++)
        must_be_hung_up_on(fds[i]);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        knock_fail("usage: passing SOCKET UID TIMES");
    unsigned times = knock_number(argv[3]);
    knock_become(knock_number(argv[2]));
    for (unsigned i = 0; i < times; i++) {
        pass_many(argv[1]);
        pass_itself(argv[1]);
        if (i < LINGERING && geteuid() != 0) /* root holds up nobody but itself */
            pass_lingering(argv[1]);
        pass_at_once(argv[1]);
    }
    return EXIT_SUCCESS;
}
