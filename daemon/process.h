/*
 * A process that holds a session: its pidfd, its number, and the start time that makes the number
 * mean one process only. Used by sessions.c, session_recover.c and main.c.
 * Must never take another process for the one that opened the session.
 */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

#define PROCESS_BOOT_ID_SIZE 37
#define PROCESS_START_UNKNOWN 0u /* a start time that was not to be had */

/*
 * KC_NOT_FOUND always means that the process has ended. Whoever must not take a shortage for that
 * has KC_NO_ROOM (descriptors), KC_NO_MEMORY or KC_SYSTEM: it cannot be told just now.
 */

/* The process number behind a pidfd. KC_MALFORMED where it is no pidfd, KC_NOT_FOUND: it ended. */
enum kc_status process_of_pidfd(int pidfd, uint32_t *ret_pid);

/*
 * When a process started, in clock ticks since boot. KC_NOT_AUTHORIZED, and KC_NOT_FOUND of a
 * process that lives, where /proc hides those of other users (hidepid).
 */
enum kc_status process_started(uint32_t pid, uint64_t *ret_ticks);

/* A pidfd (the caller's) of the process that has this number now. */
enum kc_status process_hold(uint32_t pid, int *ret_pidfd);

/* A pidfd of the process that had this number and start time. Of one whose start is unknown, or is
 * hidden now, nobody can say that it is the same: KC_NOT_FOUND. */
enum kc_status process_open(uint32_t pid, uint64_t started, int *ret_pidfd);

/* Whether /proc hides the processes of other users. */
bool process_hidden(void);

/* The kernel's random id of this boot, as text. */
enum kc_status process_boot_id(char ret_id[PROCESS_BOOT_ID_SIZE]);

#endif
