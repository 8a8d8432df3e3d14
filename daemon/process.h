/*
 * A process that holds a session: its pidfd, its number, and the start time that makes the number
 * mean one process only. Used by sessions.c and session_recover.c.
 * Must never take another process for the one that opened the session.
 */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include "common/status.h"

#include <stdint.h>

#define PROCESS_BOOT_ID_SIZE 37

/* The process number behind a pidfd. KC_MALFORMED where it is no pidfd, KC_NOT_FOUND: it ended. */
enum kc_status process_of_pidfd(int pidfd, uint32_t *ret_pid);

/* When a process started, in clock ticks since boot. KC_NOT_FOUND, KC_SYSTEM. */
enum kc_status process_started(uint32_t pid, uint64_t *ret_ticks);

/* A pidfd (the caller's) of the process that had this number and start time. KC_NOT_FOUND. */
enum kc_status process_open(uint32_t pid, uint64_t started, int *ret_pidfd);

/* The kernel's random id of this boot, as text. KC_SYSTEM. */
enum kc_status process_boot_id(char ret_id[PROCESS_BOOT_ID_SIZE]);

#endif
