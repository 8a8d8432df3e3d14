/*
 * A program of root's that opens a socket of the daemon, forks, and gives up root in the child: the
 * child has the descriptor and must have nothing of root's authority (lesson 34).
 * Run by the suite, as root: inherited SOCKET USER UID, the user's right password on standard
 * input.
 */
#include "tests/neighbours/knock.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define NOBODY 65534u
#define WAIT_MS 5000

static const enum kc_wire_type types[] = {
    KC_WIRE_AUTH, KC_WIRE_ACCOUNT, KC_WIRE_OPEN, KC_WIRE_CLOSE, KC_WIRE_PASSWD, KC_WIRE_STATUS};

/* Runs one try in a child that is nobody; the program ends where the child is not content. */
static void as_nobody(void (*try)(int fd, const void *with), int fd, const void *with)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        knock_become(NOBODY);
        try(fd, with);
        _exit(EXIT_SUCCESS);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        knock_fail("a child that is nobody got more than is its own");
}

struct message {
    uint8_t bytes[KC_MESSAGE_MAX];
    size_t length;
};

static void must_be_hung_up_on(int fd, const void *with)
{
    const struct message *message = with;
    struct kc_wire_reply reply;
    if (!knock_say(fd, message->bytes, message->length, NULL, 0))
        knock_fail("cannot say it: %m");
    if (knock_hear(fd, WAIT_MS, &reply) != HEARD_END)
        knock_fail("root's descriptor answers nobody: message %u", message->bytes[1]);
}

/* Credentials of somebody else: the kernel lets nobody but root say them. */
static void must_not_lie(int fd, const void *with)
{
    const struct message *message = with;
    const struct ucred root = {.pid = getpid(), .uid = 0, .gid = 0};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof root)];
    } control = {0};
    struct iovec part = {(void *)(uintptr_t)message->bytes, message->length};
    struct msghdr said = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control};
    struct cmsghdr *item = &control.align;
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_CREDENTIALS;
    item->cmsg_len = CMSG_LEN(sizeof root);
    memcpy(CMSG_DATA(item), &root, sizeof root);
    if (sendmsg(fd, &said, MSG_NOSIGNAL) >= 0)
        knock_fail("the kernel lets nobody say that it is root");
}

/* What nobody may hear of each message on the public socket, whoever has opened it. */
static void must_have_no_authority(int fd, const void *with)
{
    const struct message *message = with;
    struct kc_wire_reply reply;
    enum heard heard;
    bool may_be_ok = message->bytes[1] == KC_WIRE_STATUS;
    if (!knock_say(fd, message->bytes, message->length, NULL, 0))
        knock_fail("cannot say it: %m");
    do
        heard = knock_hear(fd, WAIT_MS, &reply);
    while (heard == HEARD_REPLY && reply.type == KC_WIRE_SHOW);
    if (heard != HEARD_REPLY || reply.type != KC_WIRE_DONE)
        knock_fail("message %u is not done with: %d", message->bytes[1], heard);
    if ((reply.class == KC_CLASS_OK) != may_be_ok || reply.key.length || reply.token.length ||
        reply.exports)
        knock_fail("message %u on the public socket ends with %s", message->bytes[1], reply.word);
    if (may_be_ok && memmem(reply.report.bytes, reply.report.length, "client:", 7))
        knock_fail("the public socket tells what is root's");
}

/* Nor is what nobody passes along taken: it could hold up root, who asks next. */
static void try_a_descriptor(const char *path)
{
    static struct message status;
    struct kc_wire_reply reply;
    int fd = knock_open(path);
    status.length = knock_message(KC_WIRE_STATUS, NULL, status.bytes);
    knock_pass_lingering(fd, status.bytes, status.length, NOBODY);
    if (knock_hear(fd, WAIT_MS, &reply) != HEARD_END)
        knock_fail("a descriptor of nobody's is taken on root's socket");
    close(fd);
    fd = knock_open(path);
    if (!knock_say(fd, status.bytes, status.length, NULL, 0) ||
        knock_hear(fd, WAIT_MS, &reply) != HEARD_REPLY)
        knock_fail("root waits for what nobody has passed along");
    close(fd);
}

/* Root begins the login, and the child that has its descriptor knows the password. */
static void try_a_login_under_way(const char *path, const struct kc_wire_login *who)
{
    static struct message auth, answer;
    struct kc_wire_request request = {.type = KC_WIRE_ANSWER, .kind = KC_ASK_PASSWORD};
    struct kc_wire_reply reply;
    char typed[KC_ANSWER_MAX];
    if (!fgets(typed, sizeof typed, stdin))
        knock_fail("no password on standard input");
    typed[strcspn(typed, "\n")] = 0;
    request.answer = (struct kc_view){(const uint8_t *)typed, strlen(typed)};
    if (kc_wire_encode_request(&request, answer.bytes, sizeof answer.bytes, &answer.length) !=
        KC_OK)
        knock_fail("the answer cannot be written");
    auth.length = knock_message(KC_WIRE_AUTH, who, auth.bytes);
    int fd = knock_open(path);
    if (!knock_say(fd, auth.bytes, auth.length, NULL, 0) ||
        knock_hear(fd, WAIT_MS, &reply) != HEARD_REPLY || reply.type != KC_WIRE_ASK)
        knock_fail("root is not asked for the password");
    as_nobody(must_be_hung_up_on, fd, &answer);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        knock_fail("usage: inherited SOCKET USER UID");
    struct kc_wire_login who = {.uid = knock_number(argv[3]), .service = "su"};
    snprintf(who.user, sizeof who.user, "%s", argv[2]);
    bool privileged = strstr(argv[1], "priv.socket");
    static struct message message;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        message.length = knock_message(types[i], &who, message.bytes);
        int fd = knock_open(argv[1]);
        as_nobody(must_not_lie, fd, &message);
        as_nobody(privileged ? must_be_hung_up_on : must_have_no_authority, fd, &message);
        close(fd);
        if (privileged)
            continue;
        fd = knock_open(argv[1]);
        must_have_no_authority(fd, &message); /* nor has uid 0 itself any */
        close(fd);
    }
    if (!privileged)
        return EXIT_SUCCESS;
    try_a_login_under_way(argv[1], &who);
    try_a_descriptor(argv[1]);
    return EXIT_SUCCESS;
}
