/*
 * Connections: their messages, and how many there may be.
 * Used by server.c, login.c and phases.c.
 * Must never take authority from anything but the socket that was knocked at.
 */
#include "daemon/connection.h"

#include "daemon/ancillary.h"
#include "daemon/log.h"
#include "daemon/login.h"
#include "daemon/phases.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CONNECTIONS_MAX 1024      /* on each socket */
#define CONNECTIONS_MAX_OF_UID 32 /* on the public socket */
#define IDLE_US (10 * 1000000ull) /* without a login under way */

struct connection {
    struct connections *all;
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

struct daemon *connection_daemon(const struct connection *connection)
{
    return connection->all->daemon;
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
    if (sd_event_now(connection->all->daemon->event, CLOCK_MONOTONIC, &now) < 0 ||
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
    connection->all->count[connection->privileged]--;
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
    struct kc_secret *buffer = &connection->all->buffer;
    size_t length;
    enum kc_status status = kc_wire_encode_reply(reply, buffer->bytes, KC_MESSAGE_MAX, &length);
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

/* On the privileged socket each message says who sends it; a descriptor may have changed hands. */
static bool authentic(struct connection *connection, const struct ancillary *beside)
{
    if (!beside->has_credentials)
        return false;
    connection->pid = (uint32_t)beside->credentials.pid;
    return !connection->privileged || beside->credentials.uid == connection->all->daemon->root;
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
    struct ancillary beside;
    bool good = ancillary_read(message, connection->privileged, &beside);
    KC_AUTO_CLOSE int passed_fd = beside.fd;
    struct kc_secret *buffer = &connection->all->buffer;
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
    struct kc_secret *buffer = &connection->all->buffer;
    union ancillary_room control;
    struct iovec part = {.iov_base = buffer->bytes, .iov_len = KC_MESSAGE_MAX};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control};
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

static unsigned connections_of(const struct connections *connections, uid_t uid)
{
    unsigned count = 0;
    const struct connection *connection;
    LIST_FOREACH(connection, &connections->open, link)
    count += !connection->privileged && connection->uid == uid;
    return count;
}

static bool room_for(const struct connections *connections, bool privileged, uid_t uid)
{
    if (connections->count[privileged] >= CONNECTIONS_MAX)
        return false;
    return privileged || connections_of(connections, uid) < CONNECTIONS_MAX_OF_UID;
}

static struct connection *new_connection(
    struct connections *connections, int fd, bool privileged, uid_t uid)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return NULL;
    connection->all = connections;
    connection->fd = -1;
    connection->privileged = privileged;
    connection->uid = uid;
    sd_event *event = connections->daemon->event;
    if (sd_event_add_io(event, &connection->readable, fd, EPOLLIN, on_readable, connection) < 0 ||
        sd_event_add_time_relative(
            event, &connection->idle, CLOCK_MONOTONIC, IDLE_US, 0, on_idle, connection) < 0) {
        sd_event_source_disable_unref(connection->readable);
        free(connection);
        return NULL;
    }
    connection->fd = fd;
    LIST_INSERT_HEAD(&connections->open, connection, link);
    connections->count[privileged]++;
    return connection;
}

void connections_add(struct connections *connections, int accepted, bool privileged)
{
    KC_AUTO_CLOSE int fd = accepted;
    struct ucred peer;
    socklen_t size = sizeof peer;
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return;
    if (room_for(connections, privileged, peer.uid) &&
        new_connection(connections, fd, privileged, peer.uid))
        (void)KC_TAKE_FD(fd);
}

enum kc_status connections_init(struct connections *ret_connections, struct daemon *daemon)
{
    ret_connections->daemon = daemon;
    LIST_INIT(&ret_connections->open);
    return kc_secret_reserve(&ret_connections->buffer, KC_MESSAGE_MAX);
}

void connections_end(struct connections *connections)
{
    while (!LIST_EMPTY(&connections->open))
        close_connection(LIST_FIRST(&connections->open));
    kc_secret_wipe(&connections->buffer);
}
