/*
 * The two sockets: accepting, and a pause where there is no descriptor left.
 * Used by main.c.
 * Must never take one socket for the other: the socket is the authority.
 */
#include "daemon/server.h"

#include "daemon/connections.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#define ACCEPT_PAUSE_US 100000ull /* when there is no descriptor left */
#define ACCEPT_AT_ONCE 16         /* connections taken in one turn of the loop */

struct server {
    sd_event *event;
    struct listeners listeners;
    sd_event_source *accepting[2];
    sd_event_source *resume; /* accepting, after a pause */
    struct connections connections;
};

static int on_resume(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)source, (void)now;
    struct server *server = userdata;
    for (size_t i = 0; i < 2; i++)
        (void)sd_event_source_set_enabled(server->accepting[i], SD_EVENT_ON);
    return 0;
}

/* Who knocks stays at the door, so the loop would come back here at once and for ever. From which
 * socket on: 0 for both, 1 for the public one. */
static void pause_accepting(struct server *server, size_t first)
{
    if (sd_event_source_set_time_relative(server->resume, ACCEPT_PAUSE_US) < 0 ||
        sd_event_source_set_enabled(server->resume, SD_EVENT_ONESHOT) < 0)
        return;
    for (size_t i = first; i < 2; i++)
        (void)sd_event_source_set_enabled(server->accepting[i], SD_EVENT_OFF);
}

static int on_connect(sd_event_source *source, int listener, uint32_t events, void *userdata)
{
    (void)source, (void)events;
    struct server *server = userdata;
    bool privileged = listener == server->listeners.privileged;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        if (!privileged && closer_behind(server->connections.closer)) {
            pause_accepting(server, 1);
            return 0;
        }
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause_accepting(server, 0);
            return 0;
        }
        connections_add(&server->connections, fd, privileged);
    }
    return 0;
}

static enum kc_status accept_on(struct server *server, int listener, sd_event_source **ret_source)
{
    int flags = fcntl(listener, F_GETFL);
    if (flags < 0 || fcntl(listener, F_SETFL, flags | O_NONBLOCK) != 0 ||
        sd_event_add_io(server->event, ret_source, listener, EPOLLIN, on_connect, server) < 0)
        return KC_SYSTEM;
    return KC_OK;
}

enum kc_status server_new(
    struct daemon *daemon, struct listeners listeners, struct server **ret_server)
{
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return KC_NO_MEMORY;
    server->event = daemon->event;
    server->listeners = listeners;
    enum kc_status status = connections_init(&server->connections, daemon);
    if (status == KC_OK && sd_event_add_time_relative(daemon->event, &server->resume,
                               CLOCK_MONOTONIC, 0, 0, on_resume, server) < 0)
        status = KC_SYSTEM;
    if (status == KC_OK)
        status = accept_on(server, listeners.privileged, &server->accepting[0]);
    if (status == KC_OK)
        status = accept_on(server, listeners.public, &server->accepting[1]);
    /* root's transactions before everybody's questions */
    if (status == KC_OK && sd_event_source_set_priority(
                               server->accepting[1], CONNECTIONS_PUBLIC_PRIORITY) < 0)
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
    for (size_t i = 0; i < 2; i++)
        sd_event_source_disable_unref(server->accepting[i]);
    sd_event_source_disable_unref(server->resume);
    close(server->listeners.privileged);
    /* Who waits there may have sent something already. */
    if (server->connections.closer)
        closer_take(server->connections.closer, server->listeners.public);
    else
        close(server->listeners.public);
    connections_end(&server->connections);
    free(server);
}
