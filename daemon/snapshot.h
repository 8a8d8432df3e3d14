/*
 * The snapshot's file, as the daemon writes it for all processes of the host.
 * Used by directory.c. common/snapshot.h has the layout and the order of the writes.
 * Must never shorten a file that others may have mapped, nor touch the arena they read.
 */
#ifndef DAEMON_SNAPSHOT_H
#define DAEMON_SNAPSHOT_H

#include "daemon/arena.h"

struct snapshot;

/*
 * Takes up the file in `folder`, or makes one where there is none that is whole. Holds a lock that
 * keeps a second daemon out. KC_BUSY: there is another; KC_SYSTEM (errno), KC_NO_MEMORY.
 */
enum kc_status snapshot_open(const char *folder, struct snapshot **ret_snapshot);
void snapshot_close(struct snapshot *snapshot);

/*
 * What the file that was taken up says: calls `each` for every record, with the first of its
 * freshness words, so that entries keep their words.
 */
typedef void snapshot_each(
    void *userdata, enum kc_record_kind kind, const char *name, uint32_t fresh);
void snapshot_walk(const struct snapshot *snapshot, snapshot_each *each, void *userdata);

/*
 * Publishes `content`. Readers see all of it or nothing. Grows the file where it must.
 * KC_TOO_LARGE, KC_MALFORMED: of arena_build; KC_SYSTEM: no room on the file system: what was
 * published before stays. KC_NO_MEMORY.
 */
enum kc_status snapshot_publish(struct snapshot *snapshot, const struct arena_content *content);

/*
 * Says until when a part of an entry may be used: seconds of CLOCK_MONOTONIC; 0: no more.
 * A word that the file has no room for yet is kept for the next publishing.
 */
enum kc_status snapshot_set_fresh(struct snapshot *snapshot, uint32_t word, uint32_t until);

/* No entry is fresh any more; within its grace it may still be used. */
void snapshot_expire_all(struct snapshot *snapshot);

/* Time has passed that CLOCK_MONOTONIC did not count: each entry is as much older, also in its
 * grace. */
void snapshot_age(struct snapshot *snapshot, int64_t seconds);

/* No entry may be used any more. */
void snapshot_withdraw(struct snapshot *snapshot);

/* Whether readers list everybody, and how long they may use what is old when nobody answers. */
void snapshot_set_policy(
    struct snapshot *snapshot, bool enumerate, uint32_t user_grace, uint32_t group_grace);

#endif
