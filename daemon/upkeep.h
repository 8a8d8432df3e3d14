/*
 * Upkeep: users who are known by look-up alone, asked for many at once before they are stale.
 * Used by the directory; who is in a served group the sweep renews.
 * Must never take a user who is not in an answer for one who is gone.
 */
#ifndef DAEMON_UPKEEP_H
#define DAEMON_UPKEEP_H

#include "common/status.h"

struct directory;
struct upkeep;

/* `directory` must outlive it. KC_NO_MEMORY, KC_SYSTEM. */
enum kc_status upkeep_new(struct directory *directory, struct upkeep **ret_upkeep);
void upkeep_free(struct upkeep *upkeep);

/* Drops what is under way: the realm is another one. */
void upkeep_reset(struct upkeep *upkeep);

#endif
