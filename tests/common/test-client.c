/*
 * The socket client: whom it trusts, how long it waits, and what it takes. The daemon's side is
 * this process too: a packet waits in its socket until somebody looks.
 */
#include "common/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#define OTHER_UID 12345

struct bed {
    char dir[64];
    char path[100];
    int listener;
    struct kc_client client;
    int peer;
};

static int make(void **state)
{
    static struct bed bed;
    bed = (struct bed){.listener = -1, .client = KC_CLIENT_INIT, .peer = -1};
    snprintf(bed.dir, sizeof bed.dir, "/tmp/kclogin-client.XXXXXX");
    if (!mkdtemp(bed.dir))
        return -1;
    snprintf(bed.path, sizeof bed.path, "%s/socket", bed.dir);
    *state = &bed;
    return chmod(bed.dir, 0755);
}

static int unmake(void **state)
{
    struct bed *bed = *state;
    kc_client_close(&bed->client);
    if (bed->peer >= 0)
        close(bed->peer);
    if (bed->listener >= 0)
        close(bed->listener);
    unlink(bed->path);
    return rmdir(bed->dir);
}

static int bind_socket(const struct bed *bed)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", bed->path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void start_listening(struct bed *bed, int backlog)
{
    bed->listener = bind_socket(bed);
    assert_int_equal(listen(bed->listener, backlog), 0);
}

static enum kc_status open_public(struct bed *bed)
{
    return kc_client_open(bed->dir, KC_SOCKET_PUBLIC, getuid(), &bed->client);
}

static void connect_bed(struct bed *bed)
{
    int on = 1;
    start_listening(bed, 8);
    assert_int_equal(open_public(bed), KC_OK);
    bed->peer = accept4(bed->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(bed->peer >= 0);
    setsockopt(bed->peer, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
}

static void test_no_folder(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(kc_client_open("/nonexistent/kclogin", KC_SOCKET_PUBLIC, 0, &bed->client),
        KC_DAEMON_UNREACHABLE);
    assert_int_equal(bed->client.fd, -1);
}

static void test_no_socket(void **state)
{
    assert_int_equal(open_public(*state), KC_DAEMON_UNREACHABLE);
}

static void test_nobody_listens(void **state)
{
    struct bed *bed = *state;
    close(bind_socket(bed));
    assert_int_equal(open_public(bed), KC_DAEMON_UNREACHABLE);
}

static void test_the_other_socket_is_not_tried(void **state)
{
    struct bed *bed = *state;
    start_listening(bed, 8);
    assert_int_equal(kc_client_open(bed->dir, KC_SOCKET_PRIVILEGED, getuid(), &bed->client),
        KC_DAEMON_UNREACHABLE);
}

static void test_path_too_long(void **state)
{
    struct bed *bed = *state;
    char dir[200];
    memset(dir, 'd', sizeof dir);
    dir[0] = '/';
    dir[sizeof dir - 1] = 0;
    assert_int_equal(kc_client_open(dir, KC_SOCKET_PUBLIC, 0, &bed->client), KC_TOO_LARGE);
    memset(bed->path, 0, sizeof bed->path);
    dir[108 - 7] = 0; /* with "/socket" and its NUL one byte too many */
    assert_int_equal(kc_client_open(dir, KC_SOCKET_PUBLIC, 0, &bed->client), KC_TOO_LARGE);
    dir[108 - 8] = 0;
    assert_int_equal(kc_client_open(dir, KC_SOCKET_PUBLIC, 0, &bed->client), KC_DAEMON_UNREACHABLE);
}

static void test_folder_that_others_write(void **state)
{
    struct bed *bed = *state;
    static const mode_t modes[] = {0777, 01777, 0775, 0757};
    start_listening(bed, 8);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(bed->dir, modes[i]), 0);
        assert_int_equal(open_public(bed), KC_DAEMON_UNTRUSTED);
    }
}

static void test_folder_that_is_a_link(void **state)
{
    struct bed *bed = *state;
    char link[80];
    start_listening(bed, 8);
    snprintf(link, sizeof link, "%s.link", bed->dir);
    assert_int_equal(symlink(bed->dir, link), 0);
    enum kc_status status = kc_client_open(link, KC_SOCKET_PUBLIC, getuid(), &bed->client);
    unlink(link);
    assert_int_equal(status, KC_DAEMON_UNTRUSTED);
}

static void test_socket_that_is_a_file(void **state)
{
    struct bed *bed = *state;
    close(open(bed->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(open_public(bed), KC_DAEMON_UNTRUSTED);
}

static void test_folder_of_another(void **state)
{
    struct bed *bed = *state;
    start_listening(bed, 8);
    if (getuid() != 0) {
        assert_int_equal(
            kc_client_open(bed->dir, KC_SOCKET_PUBLIC, 0, &bed->client), KC_DAEMON_UNTRUSTED);
        return;
    }
    assert_int_equal(chown(bed->dir, OTHER_UID, OTHER_UID), 0);
    assert_int_equal(open_public(bed), KC_DAEMON_UNTRUSTED);
    assert_int_equal(kc_client_open(bed->dir, KC_SOCKET_PUBLIC, OTHER_UID, &bed->client), KC_OK);
}

static void test_socket_of_another(void **state)
{
    struct bed *bed = *state;
    if (getuid() != 0)
        skip();
    start_listening(bed, 8);
    assert_int_equal(lchown(bed->path, OTHER_UID, OTHER_UID), 0);
    assert_int_equal(open_public(bed), KC_DAEMON_UNTRUSTED);
}

/* Folder and socket are root's, but who called listen() is not. */
static void test_listener_of_another(void **state)
{
    struct bed *bed = *state;
    int status = 0;
    if (getuid() != 0)
        skip();
    bed->listener = bind_socket(bed);
    pid_t child = fork();
    if (child == 0)
        _exit(setuid(OTHER_UID) == 0 && listen(bed->listener, 8) == 0 ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(open_public(bed), KC_DAEMON_UNTRUSTED);
    assert_int_equal(bed->client.fd, -1);
}

/* Lesson 39: a full backlog is EAGAIN to a connect that does not block, and unavailable. */
static void test_lesson_39_backlog_full(void **state)
{
    struct bed *bed = *state;
    struct kc_client clients[64];
    enum kc_status status = KC_OK;
    size_t count = 0;
    start_listening(bed, 2);
    int64_t began = kc_now_ms();
    while (count < 64 && status == KC_OK) {
        clients[count] = KC_CLIENT_INIT;
        status = kc_client_open(bed->dir, KC_SOCKET_PUBLIC, getuid(), &clients[count]);
        count += status == KC_OK;
    }
    assert_int_equal(status, KC_DAEMON_UNREACHABLE);
    assert_in_range(kc_now_ms() - began, 900, 5000);
    assert_in_range(count, 2, 4);
    while (count > 0)
        kc_client_close(&clients[--count]);
}

/* Lets one in as soon as the process sleeps, which it does at a full door alone. */
static void let_one_in(int listener, pid_t waiting)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", waiting);
    for (;;) {
        KC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        const char *after_name = got > 0 ? strrchr(text, ')') : NULL;
        if (!after_name || after_name[2] == 'S')
            break;
    }
    close(accept(listener, NULL, NULL));
    _exit(EXIT_SUCCESS);
}

static void test_lesson_39_a_full_door_is_waited_at(void **state)
{
    struct bed *bed = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int inside[64], status;
    size_t count = 0;
    start_listening(bed, 2);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", bed->path);
    for (bool room = true; room && count < 64; count++) {
        inside[count] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        room = connect(inside[count], (struct sockaddr *)&address, sizeof address) == 0;
    }
    assert_in_range(count, 3, 5);
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        let_one_in(bed->listener, parent);
    assert_int_equal(open_public(bed), KC_OK);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_not_equal(fcntl(bed->client.fd, F_GETFL) & O_NONBLOCK, 0);
    while (count > 0)
        close(inside[--count]);
}

/* A host program that has closed its standard descriptors does not get our socket as one. */
static void test_above_standard_descriptors(void **state)
{
    struct bed *bed = *state;
    int status = 0;
    start_listening(bed, 8);
    pid_t child = fork();
    if (child == 0) {
        close(0);
        close(1);
        close(2);
        bool ok = open_public(bed) == KC_OK && bed->client.fd > 2 &&
                  (fcntl(bed->client.fd, F_GETFD) & FD_CLOEXEC) &&
                  (fcntl(bed->client.fd, F_GETFL) & O_NONBLOCK) && fcntl(0, F_GETFD) < 0;
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_request_credentials_and_descriptor(void **state)
{
    struct bed *bed = *state;
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    char control[256];
    uint8_t bytes[64];
    int passed = -1;
    struct ucred credentials = {0};
    struct stat one, two;
    connect_bed(bed);
    const struct kc_wire_request request = {.type = KC_WIRE_STATUS};
    assert_int_equal(
        kc_client_send(&bed->client, &request, bed->listener, kc_now_ms() + 100, &storage),
        KC_OK);
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control};
    assert_int_equal(recvmsg(bed->peer, &message, MSG_CMSG_CLOEXEC), 4);
    assert_memory_equal(bytes, "\1\7\0\0", 4);
    for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item; item = CMSG_NXTHDR(&message, item)) {
        if (item->cmsg_type == SCM_RIGHTS)
            memcpy(&passed, CMSG_DATA(item), sizeof passed);
        else if (item->cmsg_type == SCM_CREDENTIALS)
            memcpy(&credentials, CMSG_DATA(item), sizeof credentials);
    }
    assert_int_equal(credentials.pid, getpid());
    assert_int_equal(credentials.uid, geteuid());
    assert_int_equal(fstat(passed, &one), 0);
    assert_int_equal(fstat(bed->listener, &two), 0);
    assert_int_equal(one.st_ino, two.st_ino);
    close(passed);
}

static void test_reply(void **state)
{
    struct bed *bed = *state;
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    struct kc_wire_reply reply;
    connect_bed(bed);
    send(bed->peer, "\1\101\0\0\2\0\0\0\2hi", 11, 0);
    assert_int_equal(kc_client_receive(&bed->client, kc_now_ms() + 100, &storage, &reply), KC_OK);
    assert_int_equal(reply.style, KC_SHOW_ERROR);
    assert_string_equal(reply.text, "hi");
}

static void test_reply_too_long(void **state)
{
    struct bed *bed = *state;
    static const uint8_t big[KC_MESSAGE_MAX + 1] = {1, 0x41};
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    struct kc_wire_reply reply;
    connect_bed(bed);
    assert_int_equal(send(bed->peer, big, sizeof big, 0), sizeof big);
    assert_int_equal(
        kc_client_receive(&bed->client, kc_now_ms() + 100, &storage, &reply), KC_PROTOCOL);
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* A daemon has no descriptor to give: none arrives, and the message counts for nothing. */
static void test_reply_with_a_descriptor(void **state)
{
    struct bed *bed = *state;
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    struct kc_wire_reply reply;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    connect_bed(bed);
    struct iovec part = {(void *)"\1\101\0\0\2\0\0\0\2hi", 11};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes};
    struct cmsghdr *item = CMSG_FIRSTHDR(&message);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(item), &bed->listener, sizeof(int));
    assert_int_equal(sendmsg(bed->peer, &message, 0), 11);
    int before = open_descriptors();
    assert_int_equal(
        kc_client_receive(&bed->client, kc_now_ms() + 100, &storage, &reply), KC_PROTOCOL);
    assert_int_equal(open_descriptors(), before);
}

static void test_hung_up(void **state)
{
    struct bed *bed = *state;
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    struct kc_wire_reply reply;
    const struct kc_wire_request request = {.type = KC_WIRE_STATUS};
    connect_bed(bed);
    send(bed->peer, "\1\101\0\0\2\0\0\0\2hi", 11, 0);
    close(KC_TAKE_FD(bed->peer));
    /* No SIGPIPE, and the last word is still there. */
    assert_int_equal(
        kc_client_send(&bed->client, &request, -1, kc_now_ms() + 100, &storage),
        KC_DAEMON_UNREACHABLE);
    assert_int_equal(kc_client_receive(&bed->client, kc_now_ms() + 100, &storage, &reply), KC_OK);
    assert_int_equal(kc_client_receive(&bed->client, kc_now_ms() + 100, &storage, &reply),
        KC_DAEMON_UNREACHABLE);
}

/* The kernel reports a reset before what was said last: it must not swallow it. */
static void test_hung_up_with_a_question_unread(void **state)
{
    struct bed *bed = *state;
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    struct kc_wire_reply reply;
    const struct kc_wire_request request = {.type = KC_WIRE_STATUS};
    connect_bed(bed);
    assert_int_equal(
        kc_client_send(&bed->client, &request, -1, kc_now_ms() + 100, &storage), KC_OK);
    send(bed->peer, "\1\101\0\0\2\0\0\0\2hi", 11, 0);
    close(KC_TAKE_FD(bed->peer));
    assert_int_equal(kc_client_receive(&bed->client, kc_now_ms() + 100, &storage, &reply), KC_OK);
    assert_string_equal(reply.text, "hi");
}

static void on_alarm(int number)
{
    (void)number;
}

/* Lesson 25: a silent daemon costs the deadline, though signals come all the while. */
static void test_lesson_25_deadline(void **state)
{
    struct bed *bed = *state;
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    struct kc_wire_reply reply;
    const struct sigaction action = {.sa_handler = on_alarm};
    const struct itimerval often = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};
    connect_bed(bed);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    int64_t began = kc_now_ms();
    enum kc_status status = kc_client_receive(&bed->client, began + 150, &storage, &reply);
    int64_t took = kc_now_ms() - began;
    setitimer(ITIMER_REAL, &never, NULL);
    assert_int_equal(status, KC_TIMED_OUT);
    assert_in_range(took, 149, 5000);
}

/* Lesson 25: a daemon that reads nothing, until no more fits. */
static void test_lesson_25_full_socket(void **state)
{
    struct bed *bed = *state;
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    const struct kc_wire_request request = {.type = KC_WIRE_STATUS};
    enum kc_status status = KC_OK;
    connect_bed(bed);
    int64_t began = kc_now_ms(), deadline = began + 100;
    for (int i = 0; i < 100000 && status == KC_OK; i++)
        status = kc_client_send(&bed->client, &request, -1, deadline, &storage);
    assert_int_equal(status, KC_TIMED_OUT);
    assert_true(kc_now_ms() - began < 2000);
}

#define BED_TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BED_TEST(test_no_folder),
        BED_TEST(test_no_socket),
        BED_TEST(test_nobody_listens),
        BED_TEST(test_the_other_socket_is_not_tried),
        BED_TEST(test_path_too_long),
        BED_TEST(test_folder_that_others_write),
        BED_TEST(test_folder_that_is_a_link),
        BED_TEST(test_socket_that_is_a_file),
        BED_TEST(test_folder_of_another),
        BED_TEST(test_socket_of_another),
        BED_TEST(test_listener_of_another),
        BED_TEST(test_lesson_39_backlog_full),
        BED_TEST(test_lesson_39_a_full_door_is_waited_at),
        BED_TEST(test_above_standard_descriptors),
        BED_TEST(test_request_credentials_and_descriptor),
        BED_TEST(test_reply),
        BED_TEST(test_reply_too_long),
        BED_TEST(test_reply_with_a_descriptor),
        BED_TEST(test_hung_up),
        BED_TEST(test_hung_up_with_a_question_unread),
        BED_TEST(test_lesson_25_deadline),
        BED_TEST(test_lesson_25_full_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
