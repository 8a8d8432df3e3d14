/*
 * All connections: who is let in, how many there may be of whom, and how they go.
 * Used by server.c.
 * Must never let one person take the room of all others.
 */
#include "daemon/connections.h"

#include "common/cleanup.h"
#include "daemon/account.h"
#include "daemon/ancillary.h"
#include "daemon/connection_internal.h"
#include "daemon/explain.h"
#include "daemon/log.h"
#include "daemon/assign.h"
#include "daemon/login.h"
#include "daemon/lookup.h"
#include "daemon/share.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 1024u              /* on each socket */
#define MOST_OF_UID 32u         /* on the public socket */
#define MOST_OF_SHARE 128u      /* there, of uids that may all be one person's */
#define MOST_LOGINS 64u         /* of one local person, on the privileged socket */
#define MOST_LOGINS_OF_ALL 512u /* of all of them; the rest is for who comes from elsewhere */
#define SEND_BYTES 16384        /* what a stranger may leave unread; the longest answer is 5 KiB */
#define DROPPED_AT_ONCE 16
#define IDLE_US (10 * 1000000ull) /* without a login under way */
#define SWEEP_US (2 * 1000000ull) /* one timer for all: each of its own would cost a login more */

static bool room_for_stranger(const struct connections *connections, uid_t uid)
{
    const struct kc_bounds *bounds = connections->daemon->bounds;
    const uint64_t share = share_of(bounds, uid);
    unsigned of_uid = 0, of_share = 0;
    const struct connection *connection;
    LIST_FOREACH(connection, &connections->open, link)
    {
        if (connection->privileged)
            continue;
        of_uid += connection->uid == uid;
        of_share += share_of(bounds, connection->uid) == share;
    }
    return of_uid < MOST_OF_UID && of_share < MOST_OF_SHARE;
}

static bool room_for(const struct connections *connections, bool privileged, uid_t uid)
{
    if (connections->count[privileged] >= connections->most[privileged])
        return false;
    return privileged || room_for_stranger(connections, uid);
}

bool connections_room_for_login(const struct connections *connections, uint32_t caller_uid)
{
    unsigned of_caller = 0, of_all = 0;
    const struct connection *connection;
    LIST_FOREACH(connection, &connections->open, link)
    {
        if (!connection->privileged || !connection->login)
            continue;
        uint32_t caller = login_caller(connection->login);
        of_all += caller != 0;
        of_caller += caller == caller_uid;
    }
    return of_caller < MOST_LOGINS && of_all < MOST_LOGINS_OF_ALL;
}

void connections_log_refusal(struct connections *connections, bool privileged, uid_t uid,
    uint32_t pid, enum kc_status status)
{
    /* Each line about root's own socket has cost root a connection, unless people's programs fill
     * it. */
    bool counted = !privileged || status == KC_BUSY;
    if (counted && !log_budget_line(connections->budget, privileged, uid))
        return;
    log_line(LOG_WARNING, "connection uid=%u pid=%u socket=%s result=%s reason=%s", uid, pid,
        privileged ? "priv" : "public", status == KC_BUSY ? "unavailable" : "denied",
        kc_status_word(status));
}

/*
 * What was sent and not read goes with the connection, and with it perhaps the last reference to
 * somebody's descriptor: the kernel waits in whoever closes. After the shutdown nothing more comes.
 */
void connections_let_go(struct connections *connections, int fd)
{
    struct ancillary beside;
    (void)shutdown(fd, SHUT_RDWR);
    for (int i = 0; i < DROPPED_AT_ONCE; i++) {
        switch (ancillary_peek(fd, &beside)) {
        case ANCILLARY_END:
            close(fd);
            return;
        case ANCILLARY_DESCRIPTORS:
            closer_take(connections->closer, fd);
            return;
        case ANCILLARY_MESSAGE:
            ancillary_drop(fd);
            break;
        case ANCILLARY_NOTHING:
            break;
        }
    }
    closer_take(connections->closer, fd);
}

void connection_close(struct connection *connection)
{
    if (connection->login)
        login_abandon(connection->login);
    if (connection->lookup)
        lookup_cancel(connection->lookup);
    if (connection->account)
        account_abandon(connection->account);
    if (connection->explanation)
        explain_abandon(connection->explanation);
    if (connection->assignment)
        assign_abandon(connection->assignment);
    LIST_REMOVE(connection, link);
    connection->all->count[connection->privileged]--;
    sd_event_source_disable_unref(connection->readable);
    connections_let_go(connection->all, connection->fd);
    free(connection);
}

static void plan_sweep(struct connections *connections)
{
    (void)sd_event_source_set_time_relative(connections->sweep, SWEEP_US);
    (void)sd_event_source_set_enabled(connections->sweep, SD_EVENT_ONESHOT);
}

/* Ends those on which nothing came for too long. */
static int on_sweep(sd_event_source *source, uint64_t due, void *userdata)
{
    (void)source, (void)due;
    struct connections *connections = userdata;
    uint64_t now = 0;
    (void)sd_event_now(connections->daemon->event, CLOCK_MONOTONIC, &now);
    for (struct connection *connection = LIST_FIRST(&connections->open), *next; connection;
         connection = next) {
        next = LIST_NEXT(connection, link);
        if (!connection->login && !connection->assignment &&
            now >= connection->heard_us + IDLE_US)
            connection_close(connection);
    }
    connections->sweeping = !LIST_EMPTY(&connections->open);
    if (connections->sweeping)
        plan_sweep(connections);
    return 0;
}

/* Root's connections first, and the realm's answers with them. */
static int watch(struct connection *connection, int fd)
{
    sd_event *event = connection->all->daemon->event;
    int64_t priority =
        connection->privileged ? SD_EVENT_PRIORITY_NORMAL : CONNECTIONS_PUBLIC_PRIORITY;
    int error = sd_event_add_io(
        event, &connection->readable, fd, EPOLLIN, connection_on_readable, connection);
    return error < 0 ? error : sd_event_source_set_priority(connection->readable, priority);
}

static bool serve(struct connections *connections, int fd, bool privileged, uid_t uid)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return false;
    *connection =
        (struct connection){.all = connections, .fd = fd, .privileged = privileged, .uid = uid};
    if (watch(connection, fd) < 0) {
        sd_event_source_disable_unref(connection->readable);
        free(connection);
        return false;
    }
    (void)sd_event_now(connections->daemon->event, CLOCK_MONOTONIC, &connection->heard_us);
    if (!connections->sweeping)
        plan_sweep(connections);
    connections->sweeping = true;
    LIST_INSERT_HEAD(&connections->open, connection, link);
    connections->count[privileged]++;
    return true;
}

static bool set(int fd, int option, int value)
{
    return setsockopt(fd, SOL_SOCKET, option, &value, sizeof value) == 0;
}

void connections_add(struct connections *connections, int fd, bool privileged)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (!set(fd, SO_PASSCRED, 1) || (!privileged && !set(fd, SO_SNDBUF, SEND_BYTES)) ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        connections_let_go(connections, fd);
        return;
    }
    if (!room_for(connections, privileged, peer.uid)) {
        connections_log_refusal(connections, privileged, peer.uid, (uint32_t)peer.pid, KC_BUSY);
        connections_let_go(connections, fd);
    } else if (!serve(connections, fd, privileged, peer.uid)) {
        connections_let_go(connections, fd);
    }
}

static void report_left_out(bool privileged, const uint32_t *uid, uint64_t lines)
{
    char caller[12] = "others";
    if (uid)
        snprintf(caller, sizeof caller, "%u", *uid);
    log_line(LOG_WARNING, "left-out uid=%s socket=%s lines=%llu seconds=%d", caller,
        privileged ? "priv" : "public", (unsigned long long)lines, LOG_BUDGET_SECONDS);
}

/* Of the descriptors that there may be, sessions take half, root's connections a quarter, and
 * strangers' an eighth: whatever they do, there is some left for the realm. */
static unsigned most_of(rlim_t files)
{
    return files < MOST ? (unsigned)files : MOST;
}

enum kc_status connections_init(struct connections *ret_connections, struct daemon *daemon)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return KC_SYSTEM;
    ret_connections->daemon = daemon;
    LIST_INIT(&ret_connections->open);
    ret_connections->most[true] = most_of(files.rlim_cur / 4);
    ret_connections->most[false] = most_of(files.rlim_cur / 8);
    if (sd_event_add_time_relative(daemon->event, &ret_connections->sweep, CLOCK_MONOTONIC, 0, 0,
            on_sweep, ret_connections) < 0 ||
        sd_event_source_set_enabled(ret_connections->sweep, SD_EVENT_OFF) < 0)
        return KC_SYSTEM;
    enum kc_status status = closer_new(&ret_connections->closer);
    if (status == KC_OK)
        status = log_budget_new(daemon->event, report_left_out, &ret_connections->budget);
    if (status == KC_OK)
        status = kc_secret_reserve(&ret_connections->buffer, KC_MESSAGE_MAX);
    return status;
}

void connections_end(struct connections *connections)
{
    while (!LIST_EMPTY(&connections->open))
        connection_close(LIST_FIRST(&connections->open));
    sd_event_source_disable_unref(connections->sweep);
    closer_free(connections->closer);
    log_budget_free(connections->budget);
    kc_secret_wipe(&connections->buffer);
}
