/*
 * The SSH keys of realm users, for `kclogin ssh-keys`: asked for, remembered for found_ttl.
 * Used by lookup.c, and by flush.c.
 * Must never give a key of somebody who is disabled, gone, or the host's own.
 */
#ifndef DAEMON_SSH_KEYS_H
#define DAEMON_SSH_KEYS_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct daemon;
struct ssh_keys;
struct ssh_keys_wait;

/* `daemon` must outlive it; its directory, config and files are borrowed. KC_NO_MEMORY. */
enum kc_status ssh_keys_new(struct daemon *daemon, struct ssh_keys **ret_keys);
void ssh_keys_free(struct ssh_keys *keys); /* who waits hears KC_NOT_READY */

/* Somebody's keys: `count` texts "TYPE BASE64", each with its NUL. */
struct ssh_keys_list {
    const char *text;
    size_t length;
    uint32_t count;
    uint32_t uid;
};

/*
 * KC_OK: `list` is there, valid during the call; it may be empty. KC_ACCOUNT_DISABLED,
 * KC_USER_UNKNOWN, KC_NOT_OURS and the KC_ENTRY_ words: this user has none here. All others: not
 * known just now.
 */
typedef void ssh_keys_found(
    void *userdata, enum kc_status status, const struct ssh_keys_list *list);

/*
 * Asks for a user's keys. Where the realm would have to be asked and may not be (`may_ask`): KC_BUSY.
 * The callback may come before this returns; `ret_wait` is set only while it has not (else to NULL).
 * `deadline_us` is of CLOCK_MONOTONIC. KC_BUSY, KC_NO_MEMORY.
 */
enum kc_status ssh_keys_ask(struct ssh_keys *keys, const char *name, bool may_ask,
    uint64_t deadline_us, ssh_keys_found *found, void *userdata, struct ssh_keys_wait **ret_wait);

void ssh_keys_wait_cancel(struct ssh_keys_wait *wait);

/* From now on the realm is asked anew; what an outage may use stays. `name` NULL: for everybody. */
void ssh_keys_flush(struct ssh_keys *keys, const char *name);

#endif
