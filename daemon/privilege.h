/*
 * What the daemon gives up: root, core dumps, new privileges, the host's name service.
 * Used by main.c, once, before the first byte from outside.
 * Must never leave the process half dropped: a failure is for the caller to end on.
 */
#ifndef DAEMON_PRIVILEGE_H
#define DAEMON_PRIVILEGE_H

#include "common/status.h"

#include <sys/types.h>

/* Nothing of the environment reaches a library but what systemd has to say to the daemon. */
void privilege_clean_environment(void);

/* No core dumps, no tracing by others of the same user, freed memory wiped, umask 077. */
void privilege_harden(void);

/*
 * As root without systemd: a mount namespace of its own, in which /etc/nsswitch.conf names files
 * and dns alone, so that no library in the daemon can wait for the daemon. `run_dir` holds the
 * file that is laid over. KC_SYSTEM where the kernel does not allow it.
 */
enum kc_status privilege_own_nsswitch(const char *run_dir);

/* Code and constants that only the start needed are no longer held in memory: what is needed again
 * comes from the files. */
void privilege_give_back_start(void);

/* Becomes uid and gid for good: groups, real, effective and saved ids. KC_SYSTEM. */
enum kc_status privilege_drop(uid_t uid, gid_t gid);

/* No program that this process could ever start gains a privilege. KC_SYSTEM. */
enum kc_status privilege_no_new(void);

#endif
