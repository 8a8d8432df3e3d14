/*
 * A connection and its messages.
 * Used by connections.c, login.c, account.c and phases.c.
 * Must never take authority from anything but the socket that was knocked at.
 */
#include "daemon/connection_internal.h"

#include "daemon/account.h"
#include "daemon/ancillary.h"
#include "daemon/explain.h"
#include "daemon/assign.h"
#include "daemon/login.h"
#include "daemon/lookup.h"
#include "daemon/orders.h"
#include "daemon/phases.h"

#include <stdio.h>
#include <string.h>

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

bool connection_room_for_login(const struct connection *connection, uint32_t caller_uid)
{
    return !connection->privileged || caller_uid == 0 ||
           connections_room_for_login(connection->all, caller_uid);
}

bool connection_may_log(const struct connection *connection)
{
    return connection->privileged ||
           log_budget_line(connection->all->budget, false, connection->uid);
}

static void restart_idle(struct connection *connection)
{
    (void)sd_event_now(connection->all->daemon->event, CLOCK_MONOTONIC, &connection->heard_us);
}

void connection_set_login(struct connection *connection, struct login *login)
{
    connection->login = login;
    restart_idle(connection);
}

void connection_set_lookup(struct connection *connection, struct lookup *lookup)
{
    connection->lookup = lookup;
    restart_idle(connection);
}

void connection_set_assignment(struct connection *connection, struct assignment *assignment)
{
    connection->assignment = assignment;
    restart_idle(connection);
}

void connection_set_explanation(struct connection *connection, struct explanation *explanation)
{
    connection->explanation = explanation;
    restart_idle(connection);
}

void connection_set_account(struct connection *connection, struct account *account)
{
    connection->account = account;
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
    connections_log_refusal(
        connection->all, connection->privileged, connection->uid, connection->pid, status);
    connection_hang_up(connection);
}

static void dispatch(
    struct connection *connection, const struct kc_wire_request *request, int *passed_fd)
{
    if (connection->account || connection->lookup || connection->explanation ||
        ((connection->login || connection->assignment) && request->type != KC_WIRE_ANSWER)) {
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
        else if (connection->assignment)
            assign_answer(connection->assignment, request->kind, request->answer);
        else
            refuse(connection, KC_PROTOCOL);
        break;
    case KC_WIRE_ACCOUNT:
        account_begin(connection, &request->login, request->key);
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
    case KC_WIRE_LOOKUP:
        lookup_begin(connection, &request->lookup);
        break;
    case KC_WIRE_EXPLAIN:
        explain_begin(connection, &request->login);
        break;
    case KC_WIRE_FLUSH:
        orders_flush(connection, &request->order);
        break;
    case KC_WIRE_ADOPT:
        orders_adopt(connection, &request->order);
        break;
    case KC_WIRE_ASSIGN:
        assign_begin(connection, &request->order);
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
static void receive(struct connection *connection)
{
    struct kc_secret *buffer = &connection->all->buffer;
    union ancillary_room control;
    struct iovec part = {.iov_base = buffer->bytes, .iov_len = KC_MESSAGE_MAX};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control};
    ssize_t got = recvmsg(connection->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0)
        return;
    handle(connection, (size_t)got, &message);
    kc_wipe(buffer->bytes, (size_t)got);
}

/* What a message that nobody may send brings along is never taken: it goes as connections go. */
int connection_on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source, (void)events;
    struct connection *connection = userdata;
    struct ancillary beside;
    enum ancillary_next next = connection->finished ? ANCILLARY_END : ancillary_peek(fd, &beside);
    if (next == ANCILLARY_NOTHING)
        return 0;
    if (next == ANCILLARY_END)
        connection_close(connection);
    else if (!authentic(connection, &beside))
        refuse(connection, KC_NOT_AUTHORIZED);
    else if (next == ANCILLARY_DESCRIPTORS && !connection->privileged)
        refuse(connection, KC_PROTOCOL);
    else
        receive(connection);
    return 0;
}
