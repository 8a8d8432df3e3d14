/*
 * The daemon's parts, held together for the handlers of requests.
 * Made by main.c, borrowed by connection.c, login.c, account.c and phases.c.
 * Holds no state of its own: each part owns its own.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "common/bounds.h"
#include "daemon/config.h"
#include "daemon/limits.h"
#include "daemon/pacing.h"

#include <stdbool.h>
#include <systemd/sd-event.h>

/* Where things lie; options of the command line. */
struct paths {
    const char *config;
    const char *host_conf;
    const char *run_dir;
    const char *state_dir;
    const char *passwd;
    const char *group;
};

struct daemon {
    sd_event *event;
    struct paths paths;
    uid_t root;            /* whom the privileged socket obeys: 0, but in tests without root */
    struct config *config; /* replaced by a reload; a login keeps the one it began with */
    struct kc_bounds *bounds;
    struct realm *realm;
    struct sessions *sessions;
    struct state *state;         /* NULL: the disk fails, and everything goes on without */
    struct directory *directory; /* NULL: no user or group is served */
    struct ssh_keys *ssh_keys;
    struct evidence *evidence;
    bool assigning; /* an ASSIGN is under way: one at a time */
    struct server *server; /* NULL once the daemon stops */
    unsigned stop_left_ms;
    struct pacing pacing;
    struct limits *limits;
};

#endif
