/*
 * A caller that asks and asks, and never reads an answer.
 * Run by the suite: unread SOCKET UID CONNECTIONS.
 * The daemon must hang up, however many connections do that, and keep little for them meanwhile.
 */
#include "tests/neighbours/knock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#define WAIT_MS 5000
#define MOST 100000u

int main(int argc, char **argv)
{
    static uint8_t bytes[KC_MESSAGE_MAX];
    if (argc != 4)
        knock_fail("usage: unread SOCKET UID CONNECTIONS");
    knock_become(knock_number(argv[2]));
    size_t length = knock_message(KC_WIRE_STATUS, NULL, bytes);
    unsigned asked = 0, most = 0;
    for (unsigned i = knock_number(argv[3]); i > 0; i--) {
        int fd = knock_open(argv[1]);
        unsigned here = 0;
        struct pollfd waiting = {.fd = fd, .events = POLLOUT};
        while (poll(&waiting, 1, WAIT_MS) > 0 && knock_say(fd, bytes, length, NULL, 0))
            if (++here > MOST)
                knock_fail("the daemon goes on answering who never reads");
        if (errno != EPIPE && errno != ECONNRESET)
            knock_fail("after %u questions the daemon neither hears nor hangs up: %m", here);
        asked += here;
        most = here > most ? here : most;
        /* It stays open: what the daemon has sent is still there. */
    }
    printf("%u questions, at most %u on one connection\n", asked, most);
    return EXIT_SUCCESS;
}
