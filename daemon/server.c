/*
 * Connections of the two sockets.
 * Used by login.c and phases.c.
 * Must never take authority from anything but the socket that was knocked at.
 */
#include "daemon/server.h"

#include "common/secret.h"
#include "daemon/log.h"
#include "daemon/login.h"
#include "daemon/phases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define CONNECTIONS_MAX 1024        /* on each socket */
#define CONNECTIONS_MAX_OF_UID 32   /* on the public socket */
#define IDLE_US (10 * 1000000ull)   /* without a login under way */
#define ACCEPT_PAUSE_US 100000ull   /* when there is no descriptor left */
#define ACCEPT_AT_ONCE 16           /* connections taken in one turn of the loop */

struct connection {
    struct server *server;
    int fd;
    bool privileged;
    bool finished; /* hung up on: what still comes is not read */
    uid_t uid;     /* who connected */
    uint32_t pid;  /* who sent the last message */
    sd_event_source *readable;
    sd_event_source *idle;
    struct login *login;
    LIST_ENTRY(connection) link;
};

struct server {
    struct daemon *daemon;
    struct listeners listeners;
    sd_event_source *accepting[2];
    sd_event_source *resume; /* accepting, after a pause */
    struct kc_secret buffer; /* the message that is read or written just now */
    unsigned count[2];       /* connections: public, privileged */
    LIST_HEAD(, connection) connections;
};

struct daemon *connection_daemon(const struct connection *connection)
{
    return connection->server->daemon;
}

bool connection_privileged(const struct connection *connection)
{
    return connection->privileged;
}

uid_t connection_uid(const struct connection *connection)
{
    return connection->uid;
}

uint32_t connection_pid(const struct connection *connection)
{
    return connection->pid;
}

const char *connection_caller(
    const struct connection *connection, char ret_text[CONNECTION_CALLER_SIZE])
{
    ret_text[0] = 0;
    if (!connection->privileged)
        snprintf(ret_text, CONNECTION_CALLER_SIZE, " caller=%u", connection->uid);
    return ret_text;
}

struct login *connection_login(const struct connection *connection)
{
    return connection->login;
}

static void restart_idle(struct connection *connection)
{
    uint64_t now;
    if (sd_event_now(connection->server->daemon->event, CLOCK_MONOTONIC, &now) < 0 ||
        sd_event_source_set_time(connection->idle, now + IDLE_US) < 0)
        return;
    (void)sd_event_source_set_enabled(
        connection->idle, connection->login ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

void connection_set_login(struct connection *connection, struct login *login)
{
    connection->login = login;
    restart_idle(connection);
}

static void close_connection(struct connection *connection)
{
    if (connection->login)
        login_abandon(connection->login);
    LIST_REMOVE(connection, link);
    connection->server->count[connection->privileged]--;
    sd_event_source_disable_unref(connection->readable);
    sd_event_source_disable_unref(connection->idle);
    close(connection->fd);
    free(connection);
}

void connection_hang_up(struct connection *connection)
{
    /* The loop sees the end of the connection and closes it there, with nobody else in its code. */
    connection->finished = true;
    (void)shutdown(connection->fd, SHUT_RDWR);
}

void connection_reply(struct connection *connection, const struct kc_wire_reply *reply)
{
    struct kc_secret *buffer = &connection->server->buffer;
    size_t length;
    enum kc_status status =
        kc_wire_encode_reply(reply, buffer->bytes, KC_MESSAGE_MAX, &length);
    if (status != KC_OK ||
        send(connection->fd, buffer->bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        connection_hang_up(connection);
    if (status == KC_OK)
        kc_wipe(buffer->bytes, length);
}

static void copy_text(char *to, const char *from, size_t size)
{
    size_t length = strnlen(from, size - 1);
    memcpy(to, from, length);
    to[length] = 0;
}

void connection_ask(
    struct connection *connection, enum kc_ask_kind kind, bool echo, const char *text)
{
    struct kc_wire_reply reply = {.type = KC_WIRE_ASK, .kind = kind, .echo = echo};
    copy_text(reply.text, text, sizeof reply.text);
    connection_reply(connection, &reply);
}

void connection_show(struct connection *connection, enum kc_show_style style, const char *text)
{
    struct kc_wire_reply reply = {.type = KC_WIRE_SHOW, .style = style};
    copy_text(reply.text, text, sizeof reply.text);
    connection_reply(connection, &reply);
}

void connection_done(struct connection *connection, enum kc_status status)
{
    struct kc_wire_reply reply = {.type = KC_WIRE_DONE, .class = kc_status_class(status)};
    copy_text(reply.word, kc_status_word(status), sizeof reply.word);
    connection_reply(connection, &reply);
}

/* What came beside a message. */
struct beside {
    bool has_credentials;
    struct ucred credentials;
    int fd; /* -1: none */
};

static void close_rights(const struct cmsghdr *item)
{
    size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(item) + i * sizeof fd, sizeof fd);
        close(fd);
    }
}

/* False where descriptors came that nobody asked for: they are closed. */
static bool read_beside(struct msghdr *message, bool privileged, struct beside *ret)
{
    bool good = true;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item; item = CMSG_NXTHDR(message, item)) {
        if (item->cmsg_level != SOL_SOCKET)
            continue;
        if (item->cmsg_type == SCM_CREDENTIALS && item->cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
            memcpy(&ret->credentials, CMSG_DATA(item), sizeof ret->credentials);
            ret->has_credentials = true;
        } else if (item->cmsg_type == SCM_RIGHTS) {
            if (privileged && ret->fd < 0 && item->cmsg_len == CMSG_LEN(sizeof(int))) {
                memcpy(&ret->fd, CMSG_DATA(item), sizeof ret->fd);
            } else {
                close_rights(item);
                good = false;
            }
        }
    }
    return good;
}

/* On the privileged socket each message says who sends it; a descriptor may have changed hands. */
static bool authentic(struct connection *connection, const struct beside *beside)
{
    if (!beside->has_credentials)
        return false;
    connection->pid = (uint32_t)beside->credentials.pid;
    return !connection->privileged ||
           beside->credentials.uid == connection->server->daemon->root;
}

static void refuse(struct connection *connection, enum kc_status status)
{
    log_line(LOG_WARNING, "connection uid=%u pid=%u socket=%s result=denied reason=%s",
        connection->uid, connection->pid, connection->privileged ? "priv" : "public",
        kc_status_word(status));
    connection_hang_up(connection);
}

static void dispatch(
    struct connection *connection, const struct kc_wire_request *request, int *passed_fd)
{
    if (connection->login && request->type != KC_WIRE_ANSWER) {
        refuse(connection, KC_PROTOCOL);
        return;
    }
    switch (request->type) {
    case KC_WIRE_AUTH:
        login_begin(connection, &request->login);
        break;
    case KC_WIRE_ANSWER:
        if (connection->login)
            login_answer(connection->login, request->kind, request->answer);
        else
            refuse(connection, KC_PROTOCOL);
        break;
    case KC_WIRE_ACCOUNT:
        phases_account(connection, &request->login, request->key);
        break;
    case KC_WIRE_OPEN:
        phases_open(connection, &request->login, request->key, KC_TAKE_FD(*passed_fd));
        break;
    case KC_WIRE_CLOSE:
        phases_close(connection, request->key);
        break;
    case KC_WIRE_PASSWD:
        phases_passwd(connection);
        break;
    case KC_WIRE_STATUS:
        phases_status(connection);
        break;
    default:
        refuse(connection, KC_PROTOCOL);
    }
}

static void handle(struct connection *connection, size_t length, struct msghdr *message)
{
    struct beside beside = {.fd = -1};
    bool good = read_beside(message, connection->privileged, &beside);
    KC_AUTO_CLOSE int passed_fd = beside.fd;
    struct kc_secret *buffer = &connection->server->buffer;
    struct kc_wire_request request;
    if (!good || (message->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        refuse(connection, KC_PROTOCOL);
        return;
    }
    if (!authentic(connection, &beside)) {
        refuse(connection, KC_NOT_AUTHORIZED);
        return;
    }
    enum kc_status status = kc_wire_decode_request(buffer->bytes, length, &request);
    if (status == KC_OK && passed_fd >= 0 && request.type != KC_WIRE_OPEN)
        status = KC_PROTOCOL;
    if (status != KC_OK) {
        refuse(connection, status);
        return;
    }
    dispatch(connection, &request, &passed_fd);
    restart_idle(connection);
}

/*
 * A login that ends writes into the same buffer that its answer was read into: a handler takes
 * what it needs of a request before it replies.
 */
static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source, (void)events;
    struct connection *connection = userdata;
    if (connection->finished) {
        close_connection(connection);
        return 0;
    }
    struct kc_secret *buffer = &connection->server->buffer;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = buffer->bytes, .iov_len = KC_MESSAGE_MAX};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0) {
        close_connection(connection);
        return 0;
    }
    handle(connection, (size_t)got, &message);
    kc_wipe(buffer->bytes, (size_t)got);
    return 0;
}

static int on_idle(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)source, (void)now;
    close_connection(userdata);
    return 0;
}

static unsigned connections_of(const struct server *server, uid_t uid)
{
    unsigned count = 0;
    const struct connection *connection;
    LIST_FOREACH(connection, &server->connections, link)
        count += !connection->privileged && connection->uid == uid;
    return count;
}

static bool room_for(const struct server *server, bool privileged, uid_t uid)
{
    if (server->count[privileged] >= CONNECTIONS_MAX)
        return false;
    return privileged || connections_of(server, uid) < CONNECTIONS_MAX_OF_UID;
}

static struct connection *new_connection(struct server *server, int fd, bool privileged, uid_t uid)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->server = server;
    connection->fd = -1;
    connection->privileged = privileged;
    connection->uid = uid;
    sd_event *event = server->daemon->event;
    if (sd_event_add_io(event, &connection->readable, fd, EPOLLIN, on_readable, connection) < 0 ||
        sd_event_add_time_relative(
            event, &connection->idle, CLOCK_MONOTONIC, IDLE_US, 0, on_idle, connection) < 0) {
        sd_event_source_disable_unref(connection->readable);
        free(connection);
        return NULL;
    }
    connection->fd = fd;
    LIST_INSERT_HEAD(&server->connections, connection, link);
    server->count[privileged]++;
    return connection;
}

static void accept_one(struct server *server, int accepted, bool privileged)
{
    KC_AUTO_CLOSE int fd = accepted;
    struct ucred peer;
    socklen_t size = sizeof peer;
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return;
    if (room_for(server, privileged, peer.uid) &&
        new_connection(server, fd, privileged, peer.uid))
        (void)KC_TAKE_FD(fd);
}

static int on_resume(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)source, (void)now;
    struct server *server = userdata;
    for (size_t i = 0; i < 2; i++)
        (void)sd_event_source_set_enabled(server->accepting[i], SD_EVENT_ON);
    return 0;
}

/* Who knocks stays at the door, so the loop would come back here at once and for ever. */
static void pause_accepting(struct server *server)
{
    if (sd_event_source_set_time_relative(server->resume, ACCEPT_PAUSE_US) < 0 ||
        sd_event_source_set_enabled(server->resume, SD_EVENT_ONESHOT) < 0)
        return;
    for (size_t i = 0; i < 2; i++)
        (void)sd_event_source_set_enabled(server->accepting[i], SD_EVENT_OFF);
}

static int on_connect(sd_event_source *source, int listener, uint32_t events, void *userdata)
{
    (void)source, (void)events;
    struct server *server = userdata;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause_accepting(server);
            return 0;
        }
        accept_one(server, fd, listener == server->listeners.privileged);
    }
    return 0;
}

static enum kc_status accept_on(struct server *server, int listener, sd_event_source **ret_source)
{
    int flags = fcntl(listener, F_GETFL);
    if (flags < 0 || fcntl(listener, F_SETFL, flags | O_NONBLOCK) != 0 ||
        sd_event_add_io(
            server->daemon->event, ret_source, listener, EPOLLIN, on_connect, server) < 0)
        return KC_SYSTEM;
    return KC_OK;
}

enum kc_status server_new(
    struct daemon *daemon, struct listeners listeners, struct server **ret_server)
{
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return KC_NO_MEMORY;
    server->daemon = daemon;
    server->listeners = listeners;
    LIST_INIT(&server->connections);
    enum kc_status status = kc_secret_reserve(&server->buffer, KC_MESSAGE_MAX);
    if (status == KC_OK && sd_event_add_time_relative(daemon->event, &server->resume,
                               CLOCK_MONOTONIC, 0, 0, on_resume, server) < 0)
        status = KC_SYSTEM;
    if (status == KC_OK)
        status = accept_on(server, listeners.privileged, &server->accepting[0]);
    if (status == KC_OK)
        status = accept_on(server, listeners.public, &server->accepting[1]);
    /* root's transactions before everybody's questions */
    if (status == KC_OK && sd_event_source_set_priority(server->accepting[1], 10) < 0)
        status = KC_SYSTEM;
    if (status != KC_OK) {
        server_free(server);
        return status;
    }
    *ret_server = server;
    return KC_OK;
}

void server_free(struct server *server)
{
    if (!server)
        return;
    while (!LIST_EMPTY(&server->connections))
        close_connection(LIST_FIRST(&server->connections));
    for (size_t i = 0; i < 2; i++)
        sd_event_source_disable_unref(server->accepting[i]);
    sd_event_source_disable_unref(server->resume);
    close(server->listeners.privileged);
    close(server->listeners.public);
    kc_secret_wipe(&server->buffer);
    free(server);
}
