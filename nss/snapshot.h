/*
 * The snapshot's file as a reader has it: mapped, or read call by call.
 * Used by the lookups of nss/.
 * Must never take a lock, wait, or believe an offset that it has not checked.
 */
#ifndef NSS_SNAPSHOT_H
#define NSS_SNAPSHOT_H

#include "common/snapshot.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

/* One opened file. Immutable; once published to other threads it is never freed. */
struct nss_snapshot {
    const unsigned char *map; /* NULL: read by pread from fd */
    int fd;                   /* -1 where it is mapped */
    dev_t device;
    ino_t inode;
    uint64_t size;
    uint64_t fresh_offset;
    uint64_t fresh_count;
    uint64_t arena_offset[2];
    uint64_t arena_size;
    uint32_t id_first; /* the host bounds' range of ids */
    uint32_t id_last;
    const struct nss_snapshot *previous; /* what was published before it */
};

/* One attempt to read: the arena that was the newest when it began. */
struct nss_attempt {
    const struct nss_snapshot *snapshot;
    uint64_t arena; /* its offset in the file */
    uint32_t generation;
};

/*
 * Copies `size` bytes at `offset`, a multiple of 8, to `to`. The caller has checked that they lie
 * in the file, rounded up to 8. False where the file has become shorter.
 */
bool nss_snapshot_pread(
    const struct nss_snapshot *snapshot, uint64_t offset, void *to, size_t size);

/* Inlined, since most sizes are constants and the loop then is a few loads. */
__attribute__((always_inline)) static inline bool nss_snapshot_fetch(
    const struct nss_snapshot *snapshot, uint64_t offset, void *to, size_t size)
{
    const _Atomic uint64_t *words;
    unsigned char *out = to;
    uint64_t word;
    if (!snapshot->map)
        return nss_snapshot_pread(snapshot, offset, to, size);
    /* the writer may be at work: whole words, relaxed, and judged only after nss_attempt_holds */
    words = (const _Atomic uint64_t *)(const void *)(snapshot->map + offset);
    for (; size >= sizeof word; size -= sizeof word, out += sizeof word) {
        word = atomic_load_explicit(words++, memory_order_relaxed);
        memcpy(out, &word, sizeof word);
    }
    if (size > 0) {
        word = atomic_load_explicit(words, memory_order_relaxed);
        memcpy(out, &word, size);
    }
    return true;
}

/* The same from place `place` of the attempt's arena, with its bounds checked. */
__attribute__((always_inline)) static inline bool nss_attempt_fetch(
    const struct nss_attempt *attempt, uint64_t offset, void *to, size_t size)
{
    const uint64_t limit = attempt->snapshot->arena_size;
    return offset <= limit && kc_snapshot_round(size) <= limit - offset &&
           nss_snapshot_fetch(attempt->snapshot, attempt->arena + offset, to, size);
}

/* Reads one of the head's words (see struct kc_snapshot_state) where it is not mapped. */
bool nss_snapshot_read_state(const struct nss_snapshot *snapshot, size_t offset, uint32_t *ret);

#define NSS_STATE(name) (offsetof(struct kc_snapshot_head, state.name))

static inline bool nss_snapshot_state(
    const struct nss_snapshot *snapshot, size_t offset, memory_order order, uint32_t *ret)
{
    if (!snapshot->map)
        return nss_snapshot_read_state(snapshot, offset, ret);
    /* cppcheck-suppress nullPointerArithmeticRedundantCheck ; returned above */
    const void *word = snapshot->map + offset;
    *ret = atomic_load_explicit((const _Atomic uint32_t *)word, order);
    return true;
}

/* Begins an attempt. False: no generation yet, or a file that changes under the reader. */
static inline bool nss_attempt_begin(
    const struct nss_snapshot *snapshot, struct nss_attempt *ret_attempt)
{
    uint32_t generation;
    if (!nss_snapshot_state(snapshot, NSS_STATE(generation), memory_order_acquire, &generation) ||
        generation == 0)
        return false;
    ret_attempt->snapshot = snapshot;
    ret_attempt->arena = snapshot->arena_offset[generation % 2];
    ret_attempt->generation = generation;
    return true;
}

/*
 * Whether what was fetched since nss_attempt_begin is of one generation: found, not found and
 * not enough room count only then.
 */
enum nss_hold {
    NSS_HOLDS,
    NSS_OVERTAKEN, /* try again */
    NSS_DAMAGED,
};

static inline enum nss_hold nss_attempt_hold(const struct nss_attempt *attempt)
{
    uint32_t building;
    uint32_t ahead;
    atomic_thread_fence(memory_order_acquire);
    if (!nss_snapshot_state(
            attempt->snapshot, NSS_STATE(building), memory_order_relaxed, &building))
        return NSS_DAMAGED;
    ahead = building - attempt->generation;
    if (ahead <= 1)
        return NSS_HOLDS;
    return ahead < UINT32_MAX / 2 ? NSS_OVERTAKEN : NSS_DAMAGED;
}

/*
 * Whether this process is root, runs a setuid program, or may become root again: it reads the file
 * and never maps it, and looks twice at what it is told.
 */
bool nss_is_privileged(void);

/*
 * The snapshot of this host for one lookup: a published mapping, or for privileged processes one
 * of the caller's own in `own`, to be given back. NULL: there is none that can be trusted.
 */
const struct nss_snapshot *nss_snapshot_get(struct nss_snapshot *own);
void nss_snapshot_put(const struct nss_snapshot *snapshot, struct nss_snapshot *own);

/*
 * Looks whether the path leads to another file than `snapshot`'s by now, and takes it up.
 * True: nss_snapshot_get will give a new one.
 */
bool nss_snapshot_renew(const struct nss_snapshot *snapshot);

#endif
