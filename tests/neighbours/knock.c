/*
 * Knocking at the daemon's sockets by hand.
 * Used by the programs beside it.
 * Must never wait without a limit.
 */
#include "tests/neighbours/knock.h"

#include "common/cleanup.h"

#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define LINGER_SECONDS 20
#define PASSED_MAX 253 /* SCM_MAX_FD */

void knock_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

unsigned knock_number(const char *text)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (!*text || *end || number > UINT32_MAX)
        knock_fail("%s is no number", text);
    return (unsigned)number;
}

void knock_become(uid_t uid)
{
    if (uid && (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 ||
                   setresuid(uid, uid, uid) != 0 || geteuid() != uid))
        knock_fail("cannot become %u: %m", uid);
}

int knock_try(const char *path, int flags)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (snprintf(address.sun_path, sizeof address.sun_path, "%s", path) >=
        (int)sizeof address.sun_path)
        knock_fail("%s is too long", path);
    KC_AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return -1;
    return KC_TAKE_FD(fd);
}

int knock_open(const char *path)
{
    int fd = knock_try(path, 0);
    if (fd < 0)
        knock_fail("%s: %m", path);
    return fd;
}

size_t knock_message(enum kc_wire_type type, const struct kc_wire_login *who, uint8_t *ret_bytes)
{
    static const uint8_t key[KC_KEY_SIZE];
    struct kc_wire_request request = {.type = type, .kind = KC_ASK_PASSWORD};
    size_t length;
    if (who)
        request.login = *who;
    if (type == KC_WIRE_ACCOUNT || type == KC_WIRE_OPEN || type == KC_WIRE_CLOSE)
        request.key = (struct kc_view){key, sizeof key};
    if (kc_wire_encode_request(&request, ret_bytes, KC_MESSAGE_MAX, &length) != KC_OK)
        knock_fail("message %d cannot be written", type);
    return length;
}

bool knock_say(int fd, const void *bytes, size_t length, const int *passed, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * PASSED_MAX)];
    } control = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *item = &control.align;
        item->cmsg_level = SOL_SOCKET;
        item->cmsg_type = SCM_RIGHTS;
        item->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(item), passed, sizeof(int) * count);
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL) >= 0;
}

enum heard knock_hear(int fd, int milliseconds, struct kc_wire_reply *ret_reply)
{
    static uint8_t bytes[KC_MESSAGE_MAX];
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    for (int tries = 0; tries < 2; tries++) {
        if (poll(&waiting, 1, milliseconds) <= 0)
            return HEARD_NOTHING;
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (got == 0)
            return HEARD_END;
        if (got < 0)
            continue; /* ECONNRESET comes once, before what was said last */
        if (kc_wire_decode_reply(bytes, (size_t)got, ret_reply) != KC_OK)
            knock_fail("the daemon says what is no reply");
        return HEARD_REPLY;
    }
    return HEARD_END;
}

/* Its own end closes nothing that lingers: a process that exits does not wait. */
static void pass_and_vanish(
    const struct sockaddr_in *address, int to, const void *bytes, size_t length)
{
    static const char unread[65536];
    const struct linger linger = {.l_onoff = 1, .l_linger = LINGER_SECONDS};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0)
        knock_fail("no connection over the loopback: %m");
    while (send(fd, unread, sizeof unread, MSG_DONTWAIT) > 0)
        ;
    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) != 0 ||
        !knock_say(to, bytes, length, &fd, 1))
        knock_fail("cannot pass it: %m");
    _exit(EXIT_SUCCESS);
}

void knock_pass_lingering(int fd, const void *bytes, size_t length, uid_t uid)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int status = EXIT_FAILURE;
    KC_AUTO_CLOSE int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        knock_fail("nobody listens on the loopback: %m");
    pid_t child = fork();
    if (child == 0) {
        knock_become(uid);
        pass_and_vanish(&address, fd, bytes, length);
    }
    if (child < 0 || accept4(listener, NULL, NULL, SOCK_CLOEXEC) < 0 ||
        waitpid(child, &status, 0) != child || status != 0)
        knock_fail("nothing was passed");
}
