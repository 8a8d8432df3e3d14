/*
 * The listening socket: on the loopback, or not at all.
 * Used by server.
 * Never listens where another machine could knock.
 */
#ifndef REALM_LISTEN_H
#define REALM_LISTEN_H

#include "common/status.h"

#include <stdint.h>

/*
 * A listening socket at `address` (127.0.0.0/8, ::1 or localhost; else KC_CONFIG_INVALID) and
 * `port` (0: any). *ret_host is "HOST:PORT" as it stands in a URL; the caller frees. KC_SYSTEM.
 */
enum kc_status realm_listen(const char *address, uint16_t port, int *ret_fd, char **ret_host);

#endif
