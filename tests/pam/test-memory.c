/*
 * Lesson 23: after a login no copy of the password is left in the host program's memory: not in
 * what the conversation gave, nor on the stack, nor in libpam. Every writable mapping is searched;
 * the password itself is never whole in this program's own variables.
 */
#include "common/wire.h"

#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILLER 200 /* before what is searched for: free() writes over a block's beginning */
#define LENGTH 24
#define SCRAMBLE 0x5a

static const unsigned char scrambled[LENGTH] = {0x1b, 0x2c, 0x3d, 0x0e, 0x1f, 0x11, 0x32, 0x23,
    0x14, 0x35, 0x36, 0x07, 0x08, 0x29, 0x3a, 0x2b, 0x0c, 0x1d, 0x3e, 0x2f, 0x30, 0x31, 0x02, 0x13};

static char root[] = "/tmp/kclogin-memory.XXXXXX";

static void must(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "FAIL %s\n", what);
    exit(1);
}

static int is_password(const volatile unsigned char *at)
{
    size_t i = 0;
    while (i < LENGTH && (at[i] ^ SCRAMBLE) == scrambled[i])
        i++;
    return i == LENGTH;
}

/* In all that this process may write. */
static unsigned copies(void)
{
    char line[512], mode[8];
    unsigned long from, to;
    unsigned found = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    must(maps != NULL, "no /proc");
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || strncmp(mode, "rw", 2) != 0 ||
            strstr(line, "[v"))
            continue;
        for (unsigned long at = from; at + LENGTH <= to; at++)
            found += (unsigned)is_password((const volatile unsigned char *)at);
    }
    fclose(maps);
    return found;
}

static char *new_password(void)
{
    char *password = malloc(FILLER + LENGTH + 1);
    memset(password, 'x', FILLER);
    for (size_t i = 0; i < LENGTH; i++)
        password[FILLER + i] = (char)(scrambled[i] ^ SCRAMBLE);
    password[FILLER + LENGTH] = 0;
    return password;
}

static int converse(
    int count, const struct pam_message **messages, struct pam_response **ret_responses, void *data)
{
    (void)count, (void)messages, (void)data;
    *ret_responses = calloc(1, sizeof **ret_responses);
    (*ret_responses)->resp = new_password();
    return PAM_SUCCESS;
}

static void send_reply(int fd, const struct kc_wire_reply *reply)
{
    static uint8_t bytes[KC_MESSAGE_MAX];
    size_t length = 0;
    must(kc_wire_encode_reply(reply, bytes, sizeof bytes, &length) == KC_OK, "encode");
    must(send(fd, bytes, length, 0) == (ssize_t)length, "send");
}

static void receive_request(int fd, enum kc_wire_type type)
{
    static uint8_t bytes[KC_MESSAGE_MAX];
    struct kc_wire_request request;
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    must(got > 0 && kc_wire_decode_request(bytes, (size_t)got, &request) == KC_OK &&
             request.type == type,
        "receive");
    if (type == KC_WIRE_ANSWER)
        must(request.answer.length == FILLER + LENGTH && is_password(request.answer.bytes + FILLER),
            "the answer");
}

static void play_daemon(int listener)
{
    int fd = accept(listener, NULL, NULL);
    receive_request(fd, KC_WIRE_AUTH);
    send_reply(fd, &(struct kc_wire_reply){
                       .type = KC_WIRE_ASK, .kind = KC_ASK_PASSWORD, .text = "Password: "});
    receive_request(fd, KC_WIRE_ANSWER);
    send_reply(fd, &(struct kc_wire_reply){.type = KC_WIRE_DONE, .word = "ok"});
}

static void write_text(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "we");
    must(file && fputs(text, file) >= 0 && fclose(file) == 0, path);
    chmod(path, 0644);
}

static void make_host(const char *module)
{
    char text[4096], path[128];
    must(mkdtemp(root) != NULL, "mkdtemp");
    setenv("KCLOGIN_TEST_ROOT", root, 1);
    snprintf(path, sizeof path, "%s/run", root);
    must(mkdir(path, 0755) == 0 && chmod(path, 0755) == 0, path);
    write_text("passwd", "ada:x:1001:1001::/home/ada:/bin/sh\n");
    write_text("group", "");
    write_text("host.conf", "local_accounts = ada\n");
    snprintf(text, sizeof text, "auth required %s\n", module);
    write_text("memory", text);
    write_text("other", text);
}

static int start_listening(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/run/%s", root,
        geteuid() == 0 ? "priv.socket" : "socket");
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    must(
        bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 2) == 0, "listen");
    return fd;
}

static void remove_host(void)
{
    static const char *const names[] = {"run/priv.socket", "run/socket", "run", "passwd", "group",
        "host.conf", "memory", "other", "."};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", root, names[i]);
        (void)remove(i + 1 < sizeof names / sizeof *names ? path : root);
    }
}

/* The search can find: one copy that is there on purpose. */
static void check_the_search(void)
{
    must(copies() == 0, "the password is there before anybody typed it");
    char *kept = new_password();
    unsigned found = copies();
    memset(kept, 0, FILLER + LENGTH);
    __asm__ volatile("" : : "r"(kept) : "memory");
    free(kept);
    must(found == 1, "the search does not see a copy");
    must(copies() == 0, "the search sees ghosts");
}

int main(void)
{
    static const struct pam_conv conversation = {converse, NULL};
    const char *given = getenv("KCLOGIN_TEST_MODULE");
    char *module = given ? realpath(given, NULL) : NULL;
    pam_handle_t *handle = NULL;
    int status = 0;
    must(module != NULL, "KCLOGIN_TEST_MODULE names no module");
    make_host(module);
    int listener = start_listening();
    pid_t daemon = fork();
    if (daemon == 0) {
        alarm(20);
        play_daemon(listener);
        _exit(0);
    }
    check_the_search();
    must(pam_start_confdir("memory", "ada", &conversation, root, &handle) == PAM_SUCCESS, "start");
    int result = pam_authenticate(handle, 0);
    unsigned left = copies();
    pam_end(handle, result);
    waitpid(daemon, &status, 0);
    remove_host();
    free(module);
    must(result == PAM_SUCCESS && status == 0, "the login");
    fprintf(stderr, "%u copies left\n", left);
    return left == 0 ? 0 : 1;
}
