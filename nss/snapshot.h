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
#include <time.h>
#include <sys/types.h>

/* A lookup is one function: what is known of it is not asked again at each step. */
#define NSS_INLINED __attribute__((always_inline)) static inline

#define NSS_PREFIX_SIZE 256u

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
    char home_prefix[NSS_PREFIX_SIZE]; /* and where homes may lie */
    size_t home_prefix_length;
    const struct nss_snapshot *previous; /* what was published before it */
};

/*
 * One attempt to read: the arena that was the newest when it began. `mapped` is what snapshot->map
 * says, and known where a lookup is compiled, so that one through a mapping has no other way in it.
 */
struct nss_attempt {
    const struct nss_snapshot *snapshot;
    const unsigned char *map; /* of the arena */
    uint64_t arena;           /* its offset in the file */
    uint64_t size;
    uint64_t now; /* seconds of the host's running time, as the freshness words count them */
    uint32_t generation;
    bool mapped;
};

/* Copies `size` bytes at `offset` to `to`. False where the file has become shorter. */
bool nss_snapshot_pread(
    const struct nss_snapshot *snapshot, uint64_t offset, void *to, size_t size);

/*
 * What is read from a mapping may be written at the same time: whole words, relaxed, and judged
 * only after nss_attempt_hold.
 */
NSS_INLINED void nss_load_word(const unsigned char *from, unsigned char *to)
{
    const uint64_t word = atomic_load_explicit(
        (const _Atomic uint64_t *)(const void *)from, memory_order_relaxed);
    memcpy(to, &word, sizeof word);
}

/* In steps that a compiler resolves where the size is a constant, as it mostly is. */
NSS_INLINED void nss_load(const unsigned char *from, void *to, size_t size)
{
    unsigned char *out = to;
    uint64_t last;
    for (; size >= 32; size -= 32, from += 32, out += 32) {
        nss_load_word(from, out);
        nss_load_word(from + 8, out + 8);
        nss_load_word(from + 16, out + 16);
        nss_load_word(from + 24, out + 24);
    }
    if (size >= 16) {
        nss_load_word(from, out);
        nss_load_word(from + 8, out + 8);
        size -= 16, from += 16, out += 16;
    }
    if (size >= 8) {
        nss_load_word(from, out);
        size -= 8, from += 8, out += 8;
    }
    if (size > 0) {
        nss_load_word(from, (unsigned char *)&last);
        memcpy(out, &last, size);
    }
}

/* Whether so many bytes at `offset` lie in the arena. Offsets are made of 32-bit places. */
NSS_INLINED bool nss_attempt_has(const struct nss_attempt *attempt, uint64_t offset, uint64_t size)
{
    return offset + size <= attempt->size;
}

/*
 * Copies `size` bytes at `offset`, a multiple of 8, of the attempt's arena. False: they do not lie
 * in it, rounded up to 8.
 */
NSS_INLINED bool nss_attempt_fetch(
    const struct nss_attempt *attempt, uint64_t offset, void *to, size_t size)
{
    if (!nss_attempt_has(attempt, offset, kc_snapshot_round(size)))
        return false;
    if (!attempt->mapped)
        return nss_snapshot_pread(attempt->snapshot, attempt->arena + offset, to, size);
    nss_load(attempt->map + offset, to, size);
    return true;
}

/* The same of the arena's head, which every arena has. */
NSS_INLINED bool nss_attempt_fetch_head(
    const struct nss_attempt *attempt, size_t offset, void *to, size_t size)
{
    if (!attempt->mapped)
        return nss_snapshot_pread(attempt->snapshot, attempt->arena + offset, to, size);
    nss_load(attempt->map + offset, to, size);
    return true;
}

/* An item of a list, of a mapped arena. The caller has checked that it lies there. */
NSS_INLINED uint32_t nss_load_item(const struct nss_attempt *attempt, uint64_t offset)
{
    const void *item = attempt->map + offset;
    return atomic_load_explicit((const _Atomic uint32_t *)item, memory_order_relaxed);
}

/* Copies `count` items of a list, from its item `first` on. False: they do not lie in the arena. */
NSS_INLINED bool nss_attempt_fetch_items(const struct nss_attempt *attempt, uint32_t place,
    uint32_t first, uint32_t *to, size_t count)
{
    const uint64_t offset = ((uint64_t)place + first) * KC_SNAPSHOT_ITEM;
    const size_t size = count * KC_SNAPSHOT_ITEM;
    if (!nss_attempt_has(attempt, offset, size))
        return false;
    if (!attempt->mapped)
        return nss_snapshot_pread(attempt->snapshot, attempt->arena + offset, to, size);
    for (size_t i = 0; i < count; i++)
        to[i] = nss_load_item(attempt, offset + i * KC_SNAPSHOT_ITEM);
    return true;
}

/* Reads one of the head's words (see struct kc_snapshot_state) where it is not mapped. */
bool nss_snapshot_read_state(const struct nss_snapshot *snapshot, size_t offset, uint32_t *ret);

#define NSS_STATE(name) (offsetof(struct kc_snapshot_head, state.name))

NSS_INLINED bool nss_snapshot_state(const struct nss_snapshot *snapshot, bool mapped, size_t offset,
    memory_order order, uint32_t *ret)
{
    if (!mapped)
        return nss_snapshot_read_state(snapshot, offset, ret);
    const void *word = snapshot->map + offset;
    *ret = atomic_load_explicit((const _Atomic uint32_t *)word, order);
    return true;
}

/* What attempts measure ages by. Asked once a lookup, before anything else. */
NSS_INLINED uint64_t nss_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec;
}

/* Begins an attempt. False: no generation yet, or a file that changes under the reader. */
NSS_INLINED bool nss_attempt_begin(const struct nss_snapshot *snapshot, bool mapped, uint64_t now,
    struct nss_attempt *ret_attempt)
{
    uint32_t generation;
    if (!nss_snapshot_state(
            snapshot, mapped, NSS_STATE(generation), memory_order_acquire, &generation) ||
        generation == 0)
        return false;
    const uint64_t arena = snapshot->arena_offset[generation % 2];
    *ret_attempt = (struct nss_attempt){
        .snapshot = snapshot,
        .map = mapped ? snapshot->map + arena : NULL,
        .arena = arena,
        .size = snapshot->arena_size,
        .now = now,
        .generation = generation,
        .mapped = mapped,
    };
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

NSS_INLINED enum nss_hold nss_attempt_hold(const struct nss_attempt *attempt)
{
    uint32_t building;
    uint32_t ahead;
    atomic_thread_fence(memory_order_acquire);
    if (!nss_snapshot_state(attempt->snapshot, attempt->mapped, NSS_STATE(building),
            memory_order_relaxed, &building))
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
 * The snapshot that all threads of the process share. What it points to never changes and is never
 * freed: another thread may be reading through it. A file is replaced by one twice its size, so all
 * that a process ever leaves behind is less than its newest mapping.
 */
extern const struct nss_snapshot *_Atomic nss_published __attribute__((visibility("hidden")));

/* For a process that has not mapped it. */
const struct nss_snapshot *nss_snapshot_take(struct nss_snapshot *own);
void nss_snapshot_close(struct nss_snapshot *own);

/*
 * The snapshot of this host for one lookup: a published mapping, or for privileged processes one
 * of the caller's own in `own`, to be given back. NULL: there is none that can be trusted.
 */
NSS_INLINED const struct nss_snapshot *nss_snapshot_mapped(void)
{
    return atomic_load_explicit(&nss_published, memory_order_acquire);
}

NSS_INLINED const struct nss_snapshot *nss_snapshot_get(struct nss_snapshot *own)
{
    const struct nss_snapshot *mapped = nss_snapshot_mapped();

    return mapped ? mapped : nss_snapshot_take(own);
}

NSS_INLINED void nss_snapshot_put(const struct nss_snapshot *snapshot, struct nss_snapshot *own)
{
    if (snapshot == own)
        nss_snapshot_close(own);
}

/*
 * Looks whether the path leads to another file than `snapshot`'s by now, and takes it up.
 * True: nss_snapshot_get will give a new one.
 */
bool nss_snapshot_renew(const struct nss_snapshot *snapshot);

#endif
