/*
 * The two listening sockets: taken from systemd, or made by the daemon before it drops root.
 * Used by main.c.
 * Must never accept a socket of another kind, nor leave one that others could have made.
 */
#ifndef DAEMON_LISTEN_H
#define DAEMON_LISTEN_H

#include "common/status.h"

struct listeners {
    int privileged; /* run_dir/priv.socket, root 0600 */
    int public;     /* run_dir/socket, 0666 */
};

/*
 * Sockets from systemd, told apart by their names "priv" and "public". KC_NOT_FOUND where systemd
 * passed none, KC_CONFIG_INVALID where it passed others.
 */
enum kc_status listen_from_systemd(struct listeners *ret_listeners);

/*
 * Makes `run_dir` (0755, the caller's own) where it is missing, binds both sockets in it, and
 * makes run_dir/sessions (0700) and run_dir/snapshot (0755) for uid:gid. KC_CONFIG_UNTRUSTED where
 * the folder is not the caller's or others may write it, KC_SYSTEM, KC_TOO_LARGE (the path).
 */
enum kc_status listen_bind(
    const char *run_dir, unsigned uid, unsigned gid, struct listeners *ret_listeners);

/* Makes a folder of uid:gid where it is missing. KC_CONFIG_UNTRUSTED: there is one, of neither the
 * caller's nor theirs; KC_SYSTEM. */
enum kc_status listen_make_folder(const char *path, unsigned mode, unsigned uid, unsigned gid);

#endif
