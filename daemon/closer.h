/*
 * Closing what strangers had a hand in: where the last reference to a descriptor that somebody has
 * sent goes, closing takes as long as its sender likes (SO_LINGER, a large file without a name).
 * Used by connections.c and server.c. Must never let the loop's thread wait for that.
 */
#ifndef DAEMON_CLOSER_H
#define DAEMON_CLOSER_H

#include "common/status.h"

#include <stdbool.h>

struct closer;

/* Starts its thread, with the signals blocked that are blocked now. KC_NO_MEMORY, KC_SYSTEM. */
enum kc_status closer_new(struct closer **ret_closer);

/* What is still to be closed goes with the process, at the latest. */
void closer_free(struct closer *closer);

/* Takes a descriptor and closes it soon. */
void closer_take(struct closer *closer, int fd);

/* So much waits to be closed that strangers should be let in only later. */
bool closer_behind(const struct closer *closer);

#endif
