/*
 * A host program with threads: logins that run at once in one process have nothing in
 * common. Each asks its own person, gets its own answer and its own token. Built with
 * -fsanitize=thread it also shows that the module has no memory that two of them write.
 */
#include "common/wire.h"

#include <pthread.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define LOGINS 12 /* of each thread; every third with a wrong password */
#define UID_FIRST 1001

static char root[] = "/tmp/kclogin-threads.XXXXXX";

static void must(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "FAIL %s\n", what);
    exit(1);
}

/* --- the daemon: a process, with a thread for each connection ------------------------------- */

static void reply_with(int fd, const struct kc_wire_reply *reply)
{
    uint8_t bytes[2048];
    size_t length = 0;
    must(kc_wire_encode_reply(reply, bytes, sizeof bytes, &length) == KC_OK, "encode");
    must(send(fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length, "send");
}

/* The key says whose it is: 32 times the user's letter. */
static void answer_request(int fd, const struct kc_wire_request *request, char *user)
{
    uint8_t key[KC_KEY_SIZE];
    char token[64], password[KC_USER_MAX + 8];
    struct kc_wire_reply done = {.type = KC_WIRE_DONE, .word = "ok"};
    if (request->type != KC_WIRE_ANSWER && request->type != KC_WIRE_CLOSE)
        snprintf(user, KC_USER_MAX, "%s", request->login.user);
    memset(key, user[0] ? user[strlen(user) - 1] : 0, sizeof key);
    if (request->type == KC_WIRE_AUTH) {
        reply_with(fd, &(struct kc_wire_reply){
                           .type = KC_WIRE_ASK, .kind = KC_ASK_PASSWORD, .text = "Password: "});
        return;
    }
    if (request->type == KC_WIRE_ANSWER) {
        snprintf(password, sizeof password, "of %s", user);
        if (request->answer.length != strlen(password) ||
            memcmp(request->answer.bytes, password, strlen(password)) != 0) {
            done.class = KC_CLASS_REFUSED;
            snprintf(done.word, sizeof done.word, "bad-credentials");
            reply_with(fd, &done);
            return;
        }
    }
    bool keyed = request->type == KC_WIRE_ACCOUNT || request->type == KC_WIRE_OPEN;
    must(!keyed || (request->key.length == sizeof key &&
                       memcmp(request->key.bytes, key, sizeof key) == 0),
        "somebody else's key");
    if (request->type == KC_WIRE_ANSWER || request->type == KC_WIRE_OPEN)
        done.key = (struct kc_view){key, sizeof key};
    if (request->type == KC_WIRE_OPEN) {
        snprintf(token, sizeof token, "token-of-%s", user);
        done.exports = KC_EXPORT_TOKEN | KC_EXPORT_HANDLE;
        done.expires = 1900000000;
        done.token = (struct kc_view){(uint8_t *)token, strlen(token)};
    }
    reply_with(fd, &done);
}

static void *serve(void *data)
{
    int fd = (int)(intptr_t)data;
    char user[KC_USER_MAX] = "";
    for (;;) {
        uint8_t bytes[2048];
        struct kc_wire_request request;
        ssize_t got = recv(fd, bytes, sizeof bytes, 0); /* a descriptor that came along is closed */
        if (got <= 0)
            break;
        must(kc_wire_decode_request(bytes, (size_t)got, &request) == KC_OK, "decode");
        answer_request(fd, &request, user);
    }
    close(fd);
    return NULL;
}

static void play_daemon(int listener)
{
    alarm(300);
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        must(fd >= 0, "accept");
        must(pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0, "a thread");
        pthread_detach(thread);
    }
}

/* --- the host program ----------------------------------------------------------------------- */

struct person {
    char user[16];
    const char *password;
};

static int converse(
    int count, const struct pam_message **messages, struct pam_response **ret_responses, void *data)
{
    const struct person *person = data;
    (void)messages;
    *ret_responses = calloc((size_t)count, sizeof **ret_responses);
    for (int i = 0; i < count; i++)
        (*ret_responses)[i].resp = strdup(person->password);
    return PAM_SUCCESS;
}

static void check_environment(pam_handle_t *handle, const char *user)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "token-of-%s", user);
    const char *token = pam_getenv(handle, "KEYCLOAK_ACCESS_TOKEN");
    const char *session = pam_getenv(handle, "KCLOGIN_SESSION");
    must(token && strcmp(token, wanted) == 0, "somebody else's token");
    must(session && strlen(session) == 2 * KC_KEY_SIZE, "no handle");
    must(!pam_getenv(handle, "KCLOGIN_TRANSACTION"), "the transaction is left");
}

static void log_in(struct person *person, bool right)
{
    char password[32];
    const struct pam_conv conversation = {converse, person};
    pam_handle_t *handle = NULL;
    snprintf(password, sizeof password, "%s %s", right ? "of" : "not of", person->user);
    person->password = password;
    must(pam_start_confdir("threads", person->user, &conversation, root, &handle) == PAM_SUCCESS,
        "start");
    int result = pam_authenticate(handle, 0);
    must(result == (right ? PAM_SUCCESS : PAM_AUTH_ERR), "authenticate");
    if (right) {
        must((result = pam_acct_mgmt(handle, 0)) == PAM_SUCCESS, "account");
        must((result = pam_open_session(handle, 0)) == PAM_SUCCESS, "open");
        check_environment(handle, person->user);
        must((result = pam_close_session(handle, 0)) == PAM_SUCCESS, "close");
    }
    pam_end(handle, result);
}

static void *run(void *data)
{
    struct person *person = data;
    for (int i = 0; i < LOGINS; i++)
        log_in(person, i % 3 != 2);
    return NULL;
}

static void write_text(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "we");
    must(file && fputs(text, file) >= 0 && fclose(file) == 0, path);
    chmod(path, 0644);
}

static void make_host(const char *module, struct person *people)
{
    char text[8192], listed[512] = "local_accounts =", path[128];
    size_t used = 0;
    must(mkdtemp(root) != NULL, "mkdtemp");
    setenv("KCLOGIN_TEST_ROOT", root, 1);
    snprintf(path, sizeof path, "%s/run", root);
    must(mkdir(path, 0755) == 0 && chmod(path, 0755) == 0, path);
    for (int i = 0; i < THREADS; i++) {
        snprintf(people[i].user, sizeof people[i].user, "user%c", 'a' + i);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s:x:%d:1001::/:/bin/sh\n",
            people[i].user, UID_FIRST + i);
        snprintf(listed + strlen(listed), sizeof listed - strlen(listed), " %s", people[i].user);
    }
    write_text("passwd", text);
    write_text("group", "");
    snprintf(listed + strlen(listed), sizeof listed - strlen(listed), "\n");
    write_text("host.conf", listed);
    /* what the realm does not deny of a listed account is for the modules after us to say */
    snprintf(text, sizeof text,
        "auth required %s\naccount required %s\naccount required pam_permit.so\n"
        "session required %s\n",
        module, module, module);
    write_text("threads", text);
    write_text("other", text);
}

static int start_listening(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/run/%s", root,
        geteuid() == 0 ? "priv.socket" : "socket");
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    must(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 64) == 0,
        "listen");
    return fd;
}

static void remove_host(void)
{
    static const char *const names[] = {
        "run/priv.socket", "run/socket", "run", "passwd", "group", "host.conf", "threads", "other"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", root, names[i]);
        (void)remove(path);
    }
    (void)rmdir(root);
}

int main(void)
{
    static struct person people[THREADS];
    pthread_t threads[THREADS];
    const char *given = getenv("KCLOGIN_TEST_MODULE");
    char *module = given ? realpath(given, NULL) : NULL;
    int status = 0;
    must(module != NULL, "KCLOGIN_TEST_MODULE names no module");
    make_host(module, people);
    int listener = start_listening();
    pid_t daemon = fork();
    if (daemon == 0)
        play_daemon(listener);
    for (int i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], NULL, run, &people[i]) == 0, "a thread");
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    must(waitpid(daemon, &status, WNOHANG) == 0, "the daemon");
    kill(daemon, SIGKILL);
    waitpid(daemon, &status, 0);
    remove_host();
    free(module);
    fprintf(stderr, "%d logins of %d people\n", THREADS * LOGINS, THREADS);
    return 0;
}
