/*
 * A crowd at a socket: so many connections, and logins left open at their prompt, of one uid or of
 * many, each come back at once when it is hung up on.
 * Run by the suite: crowd SOCKET UID UIDS CONNECTIONS LOGINS SECONDS USER; the logins are the
 * user's. Tells how many connections it held at most, and how often it was sent away.
 */
#include "tests/neighbours/knock.h"

#include "common/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PATIENCE_MS 20

struct crowd {
    const char *path;
    size_t size;
    struct pollfd *members; /* fd -1: outside */
    size_t logins;          /* the first so many ask for one */
    uint8_t auth[KC_MESSAGE_MAX];
    size_t auth_length;
    unsigned long knocked, full, sent_away, prompts;
    size_t held, most;
};

static void leave(struct crowd *crowd, size_t i)
{
    close(crowd->members[i].fd);
    crowd->members[i].fd = -1;
    crowd->held--;
}

static bool come(struct crowd *crowd, size_t i)
{
    int fd = knock_try(crowd->path, SOCK_NONBLOCK);
    crowd->knocked++;
    if (fd < 0) {
        if (errno != EAGAIN)
            knock_fail("%s: %m", crowd->path);
        crowd->full++;
        return false;
    }
    crowd->members[i].fd = fd;
    crowd->held++;
    if (i < crowd->logins && !knock_say(fd, crowd->auth, crowd->auth_length, NULL, 0)) {
        crowd->sent_away++;
        leave(crowd, i);
    }
    return true;
}

static void look(struct crowd *crowd, size_t i)
{
    struct kc_wire_reply reply;
    short seen = crowd->members[i].revents;
    if (seen & POLLIN && knock_hear(crowd->members[i].fd, 0, &reply) == HEARD_REPLY &&
        reply.type == KC_WIRE_ASK) {
        crowd->prompts++;
    } else if (seen) {
        crowd->sent_away++;
        leave(crowd, i);
    }
}

static void stand_about(struct crowd *crowd, int64_t end)
{
    while (kc_now_ms() < end) {
        for (size_t i = 0; i < crowd->size; i++)
            if (crowd->members[i].fd < 0 && !come(crowd, i))
                break;
        if (poll(crowd->members, crowd->size, PATIENCE_MS) < 0)
            knock_fail("poll: %m");
        for (size_t i = 0; i < crowd->size; i++)
            if (crowd->members[i].fd >= 0)
                look(crowd, i);
        crowd->most = crowd->held > crowd->most ? crowd->held : crowd->most;
    }
    printf("uid %u: %zu held at most, %lu knocks, %lu at a full door, %lu sent away, %lu prompts\n",
        geteuid(), crowd->most, crowd->knocked, crowd->full, crowd->sent_away, crowd->prompts);
}

static void gather(struct crowd *crowd, size_t size, const char *user, int64_t end)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_max < size + 16)
        knock_fail("no %zu descriptors", size);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    struct kc_wire_login who = {.uid = geteuid(), .service = "su"};
    snprintf(who.user, sizeof who.user, "%s", user);
    crowd->auth_length = knock_message(KC_WIRE_AUTH, &who, crowd->auth);
    crowd->size = size;
    crowd->members = calloc(size, sizeof *crowd->members);
    if (!crowd->members)
        knock_fail("no memory");
    for (size_t i = 0; i < size; i++)
        crowd->members[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    stand_about(crowd, end);
}

int main(int argc, char **argv)
{
    static struct crowd crowd;
    if (argc != 8)
        knock_fail("usage: crowd SOCKET UID UIDS CONNECTIONS LOGINS SECONDS USER");
    unsigned uid = knock_number(argv[2]), uids = knock_number(argv[3]);
    size_t size = knock_number(argv[4]);
    crowd.path = argv[1];
    crowd.logins = knock_number(argv[5]);
    int64_t end = kc_now_ms() + knock_number(argv[6]) * 1000ll;
    for (unsigned i = 0; i < uids; i++) {
        pid_t child = fork();
        if (child < 0)
            knock_fail("fork: %m");
        if (child == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            knock_become(uid + i);
            gather(&crowd, size, argv[7], end);
            return EXIT_SUCCESS;
        }
    }
    int status, bad = 0;
    while (wait(&status) > 0)
        bad += status != 0;
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
