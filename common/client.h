/*
 * The socket client: a connection to the daemon that trusts nothing it has not checked.
 * Used by the modules and the command, inside other people's processes.
 * Must never block past its deadline, raise a signal, or take the place of descriptor 0, 1 or 2.
 */
#ifndef KC_CLIENT_H
#define KC_CLIENT_H

#include "common/secret.h"
#include "common/wire.h"

#include <sys/types.h>

enum kc_socket {
    KC_SOCKET_PRIVILEGED, /* DIR/priv.socket: root alone */
    KC_SOCKET_PUBLIC,     /* DIR/socket: everyone */
};

struct kc_client {
    int fd;
};

#define KC_CLIENT_INIT ((struct kc_client){-1})
#define KC_AUTO_CLIENT KC_CLEANUP(kc_client_close)

/* Milliseconds of CLOCK_MONOTONIC now; a deadline is a sum of this and a wait. */
int64_t kc_now_ms(void);

/*
 * Connects to a socket in folder `dir`, after checking that folder, socket and listener belong to
 * uid 0, or to `owner` where that is another (tests), and that nobody else may write the folder.
 * A caller whose effective uid is 0 uses the privileged socket, any other the public one.
 * Where the backlog is full it waits for a second at most.
 * KC_DAEMON_UNREACHABLE (nobody listens, or the backlog stays full: EAGAIN, EACCES and ENOENT never
 * lead to another socket), KC_DAEMON_UNTRUSTED, KC_TOO_LARGE (the path), KC_SYSTEM.
 */
enum kc_status kc_client_open(
    const char *dir, enum kc_socket socket, uid_t owner, struct kc_client *ret_client);

/*
 * Sends a request, with the caller's effective uid as credentials and, where `passed_fd` is not
 * negative, that descriptor (it stays the caller's). `deadline` is in kc_now_ms() time. `storage`
 * is room for the message, wiped after it; nothing of the request may lie there.
 * KC_TOO_LARGE, KC_TIMED_OUT, KC_DAEMON_UNREACHABLE, KC_NO_MEMORY.
 */
enum kc_status kc_client_send(struct kc_client *client, const struct kc_wire_request *request,
    int passed_fd, int64_t deadline, struct kc_secret *storage);

/*
 * Receives a reply; its views point into `storage`, which must stay as long as they are used.
 * KC_TIMED_OUT, KC_DAEMON_UNREACHABLE (the daemon hung up), KC_PROTOCOL, KC_PROTOCOL_VERSION,
 * KC_NO_MEMORY.
 */
enum kc_status kc_client_receive(struct kc_client *client, int64_t deadline,
    struct kc_secret *storage, struct kc_wire_reply *ret_reply);

void kc_client_close(struct kc_client *client);

#endif
