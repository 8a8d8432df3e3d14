/*
 * The HTTP server: takes requests, finds their endpoint, sends answers, spoilt ones too.
 * Used by main; send and control see its inside.
 * Never listens beyond the loopback.
 */
#ifndef REALM_SERVER_H
#define REALM_SERVER_H

#include "common/status.h"
#include "realm/exchange.h"
#include "realm/realm.h"
#include "realm/route.h"
#include "realm/tls.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>

struct realm_counts {
    atomic_uint connections, open, handshakes, tokens;
    atomic_uint requests[REALM_ENDPOINT_COUNT];
};

struct realm_server {
    struct realm *realm;
    const char *path;            /* before /realms */
    const struct realm_tls *tls; /* NULL: http */
    FILE *log;
    struct MHD_Daemon *daemon;
    char *base; /* scheme, host, port and path */
    struct realm_counts counts;
    atomic_uint resets; /* a fault in progress ends when this moves */
    atomic_bool stopping;
};

/*
 * Listens at `address` (an address of the loopback; KC_CONFIG_INVALID for any other) and `port`,
 * 0 for a free one, and begins to answer. KC_SYSTEM.
 */
enum kc_status realm_server_start(struct realm_server *server, const char *address, uint16_t port);

/* Ends every request in progress and every connection. */
void realm_server_stop(struct realm_server *server);

#endif
