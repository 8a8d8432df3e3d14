/*
 * A daemon that does what a script says, true or false: it is told each message to expect and to
 * send, knows nothing else, and is honest only where the script is.
 */
#include "tests/pam/play.h"

#include "common/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const class_names[] = {"ok", "refused", "forbidden", "expired", "unknown",
    "not-ours", "unreachable", "unavailable", "misconfigured", "internal", "conversation"};
static const char *const kind_names[] = {"", "password", "code", "acknowledge"};

struct received {
    uint8_t bytes[KC_MESSAGE_MAX];
    size_t length;
    int fd;
    struct ucred credentials;
};

bool is_daemon_line(const struct line *line)
{
    static const char *const words[] = {"gets", "sends", "hangs", "closes", "pauses"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(line->words[0], words[i]) == 0)
            return true;
    return false;
}

static void take_control(struct msghdr *message, struct received *received)
{
    received->fd = -1;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item; item = CMSG_NXTHDR(message, item)) {
        if (item->cmsg_type == SCM_CREDENTIALS)
            memcpy(&received->credentials, CMSG_DATA(item), sizeof received->credentials);
        else if (item->cmsg_type == SCM_RIGHTS)
            memcpy(&received->fd, CMSG_DATA(item), sizeof received->fd);
    }
}

static void receive(int fd, const struct line *line, struct received *received)
{
    char control[256];
    struct iovec part = {received->bytes, sizeof received->bytes};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control};
    ssize_t got = recvmsg(fd, &message, 0);
    if (got <= 0)
        play_fail(line, "the module hung up instead");
    received->length = (size_t)got;
    take_control(&message, received);
    if (received->credentials.pid != getppid() || received->credentials.uid != host_real_euid())
        play_fail(line, "wrong credentials: uid %d, pid %d", (int)received->credentials.uid,
            (int)received->credentials.pid);
}

static void expect_text(const struct line *line, const char *name, const char *value)
{
    const char *wanted = line_value(line, 2, name);
    char *expanded = expand(wanted ? wanted : value);
    if (strcmp(expanded, value) != 0)
        play_fail(line, "%s is `%s`", name, value);
    free(expanded);
}

static void expect_key(const struct line *line, struct kc_view key)
{
    char hex[KC_KEY_HEX_SIZE] = "none";
    if (key.length == KC_KEY_SIZE)
        kc_key_to_hex(key.bytes, hex);
    expect_text(line, "key", hex);
}

static void expect_login(const struct line *line, const struct kc_wire_login *login)
{
    char number[32];
    snprintf(number, sizeof number, "%d", (int)login->uid);
    expect_text(line, "uid", number);
    expect_text(line, "user", login->user);
    expect_text(line, "service", login->service);
    expect_text(line, "rhost", login->rhost);
    expect_text(line, "tty", login->tty);
    expect_text(line, "access", login->access);
    expect_text(line, "no_token", login->no_token ? "yes" : "no");
    if (login->caller_uid != getuid())
        play_fail(line, "caller_uid is %d", (int)login->caller_uid);
    if (!line_value(line, 2, "user") || !line_value(line, 2, "uid"))
        play_fail(line, "say which user and uid");
}

/* `pidfd=yes`: a descriptor has come along that is the module's process (valgrind knows none). */
static void expect_pidfd(const struct line *line, int fd)
{
    char path[64], text[512] = "", pid[32];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    FILE *file = fd >= 0 ? fopen(path, "re") : NULL;
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[length] = 0;
    snprintf(pid, sizeof pid, "Pid:\t%d\n", (int)getppid());
    if (getenv("KCLOGIN_TEST_NO_PIDFD"))
        return;
    expect_text(line, "pidfd", strstr(text, pid) ? "yes" : fd >= 0 ? "other" : "no");
    if (file)
        fclose(file);
    if (fd >= 0)
        close(fd);
}

static void expect_answer(const struct line *line, const struct kc_wire_request *request)
{
    char *wanted = expand(line->words[3]);
    if (strcmp(kind_names[request->kind], line->words[2]) != 0)
        play_fail(line, "the answer's kind is %s", kind_names[request->kind]);
    if (request->answer.length != strlen(wanted) ||
        memcmp(request->answer.bytes, wanted, request->answer.length) != 0)
        play_fail(line, "the answer is `%.*s`", (int)request->answer.length,
            (const char *)request->answer.bytes);
    free(wanted);
}

static void gets_line(int fd, const struct line *line)
{
    static const char *const types[] = {
        "", "AUTH", "ANSWER", "ACCOUNT", "OPEN", "CLOSE", "PASSWD", "STATUS"};
    static struct received received;
    struct kc_wire_request request;
    receive(fd, line, &received);
    if (kc_wire_decode_request(received.bytes, received.length, &request) != KC_OK)
        play_fail(line, "not a message");
    if (strcmp(types[request.type], line->words[1]) != 0)
        play_fail(line, "it is %s", types[request.type]);
    if (request.type == KC_WIRE_ANSWER)
        expect_answer(line, &request);
    else if (request.type != KC_WIRE_CLOSE)
        expect_login(line, &request.login);
    expect_key(line, request.key);
    expect_pidfd(line, received.fd);
}

static void send_bytes(int fd, const void *bytes, size_t length)
{
    struct iovec part = {(void *)bytes, length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    (void)syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL);
}

static unsigned number_of(const char *const *names, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], word) == 0)
            return (unsigned)i;
    return (unsigned)strtoul(word, NULL, 10);
}

/* Written by hand, so that no limit of the encoder keeps a liar from lying. */
static void send_done(int fd, const struct line *line)
{
    static uint8_t bytes[4 * KC_MESSAGE_MAX];
    uint8_t key[KC_KEY_SIZE];
    const char *key_word = line_value(line, 3, "key"), *word = line_value(line, 3, "word");
    const char *exports = line_value(line, 3, "exports"), *expires = line_value(line, 3, "expires");
    const char *token_word = line_value(line, 3, "token"), *report = line_value(line, 3, "report");
    char *token = expand(token_word ? token_word : "");
    unsigned class =
        number_of(class_names, sizeof class_names / sizeof *class_names, line->words[2]);
    struct kc_writer writer = kc_writer_on(bytes, sizeof bytes);
    memset(key, key_word ? (int)strtol(key_word, NULL, 16) : 0, sizeof key);
    kc_write_u8(&writer, KC_WIRE_VERSION);
    kc_write_u8(&writer, KC_WIRE_DONE);
    kc_write_u16(&writer, 0);
    kc_write_u8(&writer, (uint8_t) class);
    kc_write_text(&writer, word ? word : class == 0 ? "ok" : "");
    kc_write_bytes(&writer, key, key_word ? sizeof key : 0);
    kc_write_u8(&writer, exports ? (uint8_t)strtoul(exports, NULL, 0) : 0);
    kc_write_u64(&writer, expires ? strtoull(expires, NULL, 10) : 0);
    kc_write_text(&writer, token);
    kc_write_text(&writer, report ? report : "");
    send_bytes(fd, bytes, writer.length);
    free(token);
}

static void send_text(int fd, const struct line *line, enum kc_wire_type type)
{
    static uint8_t bytes[KC_MESSAGE_MAX];
    struct kc_writer writer = kc_writer_on(bytes, sizeof bytes);
    size_t text = 3;
    kc_write_u8(&writer, KC_WIRE_VERSION);
    kc_write_u8(&writer, (uint8_t)type);
    kc_write_u16(&writer, 0);
    if (type == KC_WIRE_ASK) {
        kc_write_u8(&writer, (uint8_t)number_of(kind_names, 4, line->words[2]));
        kc_write_u8(&writer, strcmp(line->words[text++], "on") == 0);
    } else {
        kc_write_u8(&writer, strcmp(line->words[2], "error") == 0 ? KC_SHOW_ERROR : KC_SHOW_INFO);
    }
    char *expanded = expand(line->words[text]);
    kc_write_text(&writer, expanded);
    send_bytes(fd, bytes, writer.length);
    free(expanded);
}

static void send_hex(int fd, const char *hex)
{
    uint8_t bytes[2048];
    size_t length = 0;
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        bytes[length++] = (uint8_t)byte;
    send_bytes(fd, bytes, length);
}

static void sends_line(int fd, const struct line *line)
{
    static uint8_t zeros[KC_MESSAGE_MAX + 4096];
    const char *what = line->words[1];
    if (strcmp(what, "DONE") == 0)
        send_done(fd, line);
    else if (strcmp(what, "ASK") == 0)
        send_text(fd, line, KC_WIRE_ASK);
    else if (strcmp(what, "SHOW") == 0)
        send_text(fd, line, KC_WIRE_SHOW);
    else if (strcmp(what, "hex") == 0)
        send_hex(fd, line->words[2]);
    else if (strcmp(what, "zeros") == 0)
        send_bytes(fd, zeros, (size_t)strtoul(line->words[2], NULL, 10));
    else if (strcmp(what, "SHOWS") == 0)
        for (long i = strtol(line->words[4], NULL, 10); i > 0; i--)
            send_text(fd, line, KC_WIRE_SHOW);
    else
        play_fail(line, "sends what?");
}

/* A module that is through hangs up, and has nothing more to say. */
static void expect_end(int fd, const struct line *line)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, 0);
    if (got > 0)
        play_fail(line, "the module has more to say");
}

void fake_daemon(const struct place *place, int door, const struct line *lines, size_t count)
{
    int on = 1, fd = -1;
    const struct line *last = lines;
    alarm(30);
    fd = accept4(place->door[door], NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        play_fail(last, "accept: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    for (size_t i = 0; i < count; i++) {
        if (!is_daemon_line(&lines[i]))
            continue;
        last = &lines[i];
        if (strcmp(last->words[0], "gets") == 0)
            gets_line(fd, last);
        else if (strcmp(last->words[0], "sends") == 0)
            sends_line(fd, last);
        else if (strcmp(last->words[0], "pauses") == 0)
            usleep((useconds_t)strtoul(last->words[1], NULL, 10) * 1000);
        else if (strcmp(last->words[0], "closes") == 0)
            exit(0);
    }
    expect_end(fd, last);
    exit(0);
}
