/*
 * Grants that wait to be claimed and sessions that are open: who may claim them, and their end at
 * the realm. Each is a file (session_file.h); memory holds what finds it and what it waits for.
 * Used by login.c, account.c and phases.c.
 * Must never give a token to anybody but the one who logged in.
 */
#ifndef DAEMON_SESSIONS_H
#define DAEMON_SESSIONS_H

#include "daemon/grant.h"
#include "daemon/session_file.h"

#include <systemd/sd-event.h>

struct sessions;

/* A grant that nobody claims in this time is logged out at the realm. Milliseconds. */
#define SESSIONS_CLAIM_MS 120000

/* Keeps its files in `dir`, which must be the daemon's own. Borrows event and realm. KC_SYSTEM. */
enum kc_status sessions_new(
    sd_event *event, struct realm *realm, const char *dir, struct sessions **ret_sessions);

/* Stops; the files stay, and the next start takes them up again. */
void sessions_free(struct sessions *sessions);

/*
 * After a start: grants keep what is left of their time, sessions are tied to their processes
 * again, and what is over is logged out. Files that are no session's are removed. What cannot be
 * told for want of descriptors or memory is looked at again by itself. Returns how many were found.
 */
size_t sessions_recover(struct sessions *sessions);

/*
 * Keeps the grant of a login that succeeded in the process `pid` and makes its transaction key. The
 * answer's tokens are not taken. KC_BUSY (too many wait), KC_SYSTEM, KC_NO_MEMORY; the caller then
 * ends the grant.
 */
enum kc_status sessions_grant(struct sessions *sessions, const struct kc_wire_login *who,
    uint32_t pid, const struct grant_answer *answer, uint8_t ret_key[KC_KEY_SIZE]);

/* Ends a grant at the realm that the rules let nobody claim. */
void sessions_discard(
    struct sessions *sessions, const struct kc_wire_login *who, const struct grant_answer *answer);

/*
 * The record of the grant that `key` names, if `who` is the one who logged in: the same user,
 * service and rhost. It stays unclaimed. KC_TRANSACTION_UNKNOWN, KC_TRANSACTION_MISMATCH.
 */
enum kc_status sessions_peek(struct sessions *sessions, const uint8_t key[KC_KEY_SIZE],
    const struct kc_wire_login *who, struct session_record *ret_record);

/*
 * Claims a grant: from now on the key is worth nothing. If `who` is the one who logged in, uid
 * included, a session begins that ends with the process behind `pidfd` (taken; negative: the
 * process `pid`); else the grant ends at the realm. KC_TRANSACTION_UNKNOWN;
 * KC_USER_SWITCHED (the process that logged in has become another user, as sudo does) or
 * KC_TRANSACTION_MISMATCH (every other difference); KC_NOT_FOUND (the process has ended),
 * KC_SYSTEM, KC_NO_MEMORY.
 */
enum kc_status sessions_open(struct sessions *sessions, const uint8_t key[KC_KEY_SIZE],
    const struct kc_wire_login *who, int pidfd, uint32_t pid, struct session_record *ret_record,
    uint8_t ret_handle[KC_KEY_SIZE]);

/* Ends a session: its log-out at the realm is on its way. KC_NOT_FOUND. */
enum kc_status sessions_close(struct sessions *sessions, const uint8_t handle[KC_KEY_SIZE]);

struct sessions_count {
    size_t grants, open, ending;
};

struct sessions_count sessions_count(const struct sessions *sessions);

#endif
