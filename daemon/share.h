/*
 * Who counts as one among the callers, and how many questions each has left that only the realm can
 * answer.
 * Used by lookup.c, and by connections.c.
 * Must never count two accounts of the realm, or of the host, as one while there is room.
 */
#ifndef DAEMON_SHARE_H
#define DAEMON_SHARE_H

#include "common/bounds.h"

#include <stdbool.h>
#include <stdint.h>

#define SHARE_QUESTIONS 120u /* within SHARE_US */
#define SHARE_US (60 * 1000000ull)
#define SHARES 2048u

/*
 * The same for all uids that may be one person's: whoever has subordinate uids (subuid(5)) may be any
 * of 65,536, so they count by the block. Below 65,536, and in the host's range for the realm, each
 * counts for itself.
 */
uint64_t share_of(const struct kc_bounds *bounds, uint32_t uid);

struct share_questions {
    uint64_t share;
    uint64_t full_us; /* when it is whole again */
    unsigned left;
};

/* One for each share that asked within SHARE_US, and one for all others who find no room. All zero
 * at first. */
struct shares {
    struct share_questions each[SHARES];
    struct share_questions others;
    unsigned count;
};

/* The questions of a share at the time `now_us`, never NULL; valid until the next call. */
struct share_questions *share_questions(struct shares *shares, uint64_t share, uint64_t now_us);

#endif
