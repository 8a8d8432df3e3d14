/*
 * A server on the loopback that answers as it is told.
 * Used by the daemon's tests.
 * Must never outlive its test: it dies with the process that started it.
 */
#include "tests/daemon/peer.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct connection {
    struct peer *peer;
    int fd;
    unsigned served;
    size_t length;
    char bytes[65536];
};

static void pause_ms(unsigned ms)
{
    struct timespec span = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&span, NULL);
}

static bool put(int fd, const void *bytes, size_t length)
{
    return send(fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static bool put_text(int fd, const char *text)
{
    return put(fd, text, strlen(text));
}

static bool more(struct connection *connection)
{
    size_t room = sizeof(connection->bytes) - 1 - connection->length;
    ssize_t got = recv(connection->fd, connection->bytes + connection->length, room, 0);
    if (got <= 0)
        return false;
    connection->length += (size_t)got;
    connection->bytes[connection->length] = 0;
    return true;
}

static enum peer_place place_of(const char *head)
{
    static const char *const names[] = {
        "/.well-known/openid-configuration ", "/certs ", "/token ", "/logout ", "/revoke "};
    const char *end = strchr(head, '\r');
    for (int i = 0; i < PEER_ELSE; i++) {
        const char *found = strstr(head, names[i]);
        if (found && found < end)
            return (enum peer_place)i;
    }
    return PEER_ELSE;
}

static void misbehave(const struct peer_reply *reply, int fd)
{
    char chunk[1024];
    memset(chunk, 'x', sizeof(chunk));
    switch (reply->mode) {
    case PEER_HANG:
        pause_ms(60000);
        break;
    case PEER_HALF:
        put_text(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                     "Content-Length: 500\r\n\r\n{\"access");
        break;
    case PEER_ENDLESS_BODY:
        put_text(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
        while (put(fd, chunk, sizeof(chunk)))
            ;
        break;
    case PEER_ENDLESS_HEADERS:
        put_text(fd, "HTTP/1.1 200 OK\r\n");
        while (put_text(fd, "X-More: and more\r\n"))
            ;
        break;
    case PEER_ENDLESS_INTERIM:
        while (put_text(fd, "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"))
            ;
        break;
    default:
        break;
    }
}

static bool answer(struct connection *connection, struct peer_reply *reply)
{
    char head[2048];
    bool bodiless = reply->status == 204 || strstr(reply->extra, "Content-Length");
    int length = snprintf(head, sizeof(head), "HTTP/1.1 %d Whatever\r\n%s%s%s%s", reply->status,
        *reply->type ? "Content-Type: " : "", reply->type, *reply->type ? "\r\n" : "",
        reply->extra);
    if (!bodiless)
        length += snprintf(head + length, sizeof(head) - (size_t)length, "Content-Length: %zu\r\n",
            strlen(reply->body));
    return put(connection->fd, head, (size_t)length) && put_text(connection->fd, "\r\n") &&
           (bodiless || put_text(connection->fd, reply->body));
}

static void note_most(struct peer *peer, unsigned now)
{
    unsigned most = atomic_load(&peer->most_at_once);
    while (now > most && !atomic_compare_exchange_weak(&peer->most_at_once, &most, now))
        ;
}

static bool serve(struct connection *connection)
{
    char *end;
    while (!(end = strstr(connection->bytes, "\r\n\r\n")))
        if (!more(connection))
            return false;
    size_t head = (size_t)(end - connection->bytes) + 4, body = 0;
    const char *length = strcasestr(connection->bytes, "\r\ncontent-length:");
    if (length && length < end)
        body = (size_t)strtoul(length + 17, NULL, 10);
    while (connection->length < head + body)
        if (!more(connection))
            return false;
    struct peer *peer = connection->peer;
    enum peer_place place = place_of(connection->bytes);
    struct peer_reply *reply = &peer->at[place];
    snprintf(reply->head, sizeof(reply->head), "%.*s", (int)head, connection->bytes);
    snprintf(reply->form, sizeof(reply->form), "%.*s", (int)body, connection->bytes + head);
    atomic_fetch_add(&reply->requests, 1);
    if (place == PEER_TOKEN)
        note_most(peer, atomic_fetch_add(&peer->at_once, 1) + 1);
    pause_ms(reply->delay_ms);
    if (place == PEER_TOKEN)
        atomic_fetch_sub(&peer->at_once, 1);
    bool good =
        reply->mode == PEER_REPLY || (reply->mode == PEER_CUT_KEPT && connection->served == 0);
    connection->length = 0;
    connection->bytes[0] = 0;
    connection->served++;
    if (good)
        return answer(connection, reply);
    misbehave(reply, connection->fd);
    return false;
}

static void *run(void *argument)
{
    struct connection *connection = argument;
    while (serve(connection))
        ;
    close(connection->fd);
    free(connection);
    return NULL;
}

static void listen_for_ever(struct peer *peer, int fd)
{
    for (;;) {
        struct connection *connection = calloc(1, sizeof(*connection));
        pthread_t thread;
        if (!connection)
            _exit(1);
        connection->peer = peer;
        connection->fd = accept(fd, NULL, NULL);
        if (connection->fd < 0)
            _exit(1);
        int on = 1;
        setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        atomic_fetch_add(&peer->connections, 1);
        if (pthread_create(&thread, NULL, run, connection) != 0)
            _exit(1);
        pthread_detach(thread);
    }
}

static int bind_port(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_addr = {htonl(INADDR_LOOPBACK)},
        .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int reuse = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse)) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

int peer_hold(int port)
{
    int reuse = 0; /* nor may another that reuses addresses have it */
    int fd = bind_port(port);
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
    return fd;
}

struct peer *peer_start_at(int port)
{
    struct peer *peer =
        mmap(NULL, sizeof(*peer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    int fd = bind_port(port);
    if (peer == MAP_FAILED || fd < 0 || listen(fd, 64) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return NULL;
    peer->port = ntohs(address.sin_port);
    pid_t parent = getpid();
    pid_t child = fork(); /* not into the shared memory: both would write it */
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        listen_for_ever(peer, fd);
    }
    close(fd);
    peer->pid = child;
    return child > 0 ? peer : NULL;
}

struct peer *peer_start(void)
{
    return peer_start_at(0);
}

void peer_freeze(struct peer *peer)
{
    int status;
    kill(peer->pid, SIGSTOP);
    waitpid(peer->pid, &status, WUNTRACED);
}

void peer_thaw(struct peer *peer)
{
    kill(peer->pid, SIGCONT);
}

void peer_stop(struct peer *peer)
{
    kill(peer->pid, SIGKILL);
    waitpid(peer->pid, NULL, 0);
    munmap(peer, sizeof(*peer));
}

void peer_set(
    struct peer *peer, enum peer_place place, int status, const char *type, const char *body)
{
    struct peer_reply *reply = &peer->at[place];
    reply->mode = PEER_REPLY;
    reply->status = status;
    reply->delay_ms = 0;
    reply->extra[0] = 0;
    snprintf(reply->type, sizeof(reply->type), "%s", type);
    snprintf(reply->body, sizeof(reply->body), "%s", body);
    atomic_store(&reply->requests, 0);
}

unsigned peer_count(struct peer *peer, enum peer_place place)
{
    return atomic_load(&peer->at[place].requests);
}
