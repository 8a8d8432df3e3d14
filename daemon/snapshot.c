/*
 * The snapshot's file, as the daemon writes it for all processes of the host.
 * Used by directory.c. common/snapshot.h has the layout and the order of the writes.
 * Must never shorten a file that others may have mapped, nor touch the arena they read.
 */
#include "daemon/snapshot.h"

#include "common/cleanup.h"
#include "common/name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#define FIRST_ARENA                                                                                \
    ((uint64_t)256 * 1024) /* bytes of an arena, and words, in a file that is made anew */
#define FIRST_WORDS 8192u
#define NEW_NAME KC_SNAPSHOT_NAME ".new"

struct snapshot {
    int folder; /* descriptors */
    int lock;
    unsigned char *map;           /* the whole file */
    struct kc_snapshot_head head; /* a copy of what does not change */
    uint32_t *fresh; /* a copy of all words, also of those that the file has no room for */
    uint32_t fresh_count;
    bool enumerate;
    uint32_t user_grace;
    uint32_t group_grace;
};

static _Atomic uint32_t *state_word(unsigned char *map, size_t member)
{
    void *word = map + offsetof(struct kc_snapshot_head, state) + member;
    return (_Atomic uint32_t *)word;
}

#define STATE(map, name) state_word((map), offsetof(struct kc_snapshot_state, name))

static _Atomic uint32_t *fresh_word(const struct snapshot *snapshot, uint32_t word)
{
    void *at = snapshot->map + snapshot->head.fresh_offset + (uint64_t)word * sizeof(uint32_t);
    return (_Atomic uint32_t *)at;
}

/* Copies whole words, each in one store: readers may be looking. */
static void store_words(unsigned char *to, const unsigned char *from, uint64_t size)
{
    _Atomic uint64_t *words = (_Atomic uint64_t *)(void *)to;
    for (uint64_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, from + at, sizeof word);
        atomic_store_explicit(words++, word, memory_order_relaxed);
    }
}

static void put_policy(const struct snapshot *snapshot, unsigned char *map)
{
    atomic_store_explicit(STATE(map, enumerate), snapshot->enumerate, memory_order_relaxed);
    atomic_store_explicit(STATE(map, user_grace), snapshot->user_grace, memory_order_relaxed);
    atomic_store_explicit(STATE(map, group_grace), snapshot->group_grace, memory_order_relaxed);
}

/* Writes an arena that is `size` bytes long, and makes it the newest. */
static void move_on(unsigned char *map, const struct kc_snapshot_head *head,
    const unsigned char *arena, uint64_t size)
{
    const uint32_t next = atomic_load_explicit(STATE(map, generation), memory_order_relaxed) + 1;
    const uint32_t generation = next == 0 ? 2 : next; /* 0 is none; its arena stays the same */
    atomic_store_explicit(STATE(map, building), generation, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    store_words(map + head->arena_offset[generation % 2], arena, size);
    atomic_store_explicit(STATE(map, generation), generation, memory_order_release);
    /* the file has it; this process needs none of it before the next writing */
    (void)madvise(map + head->arena_offset[0], 2 * head->arena_size, MADV_DONTNEED);
}

static struct kc_snapshot_head make_head(uint64_t arena_size, uint64_t words)
{
    const uint64_t arenas =
        KC_SNAPSHOT_HEAD_SIZE + ((words * sizeof(uint32_t) + 4095) & ~(uint64_t)4095);
    return (struct kc_snapshot_head){
        .magic = KC_SNAPSHOT_MAGIC,
        .file_size = arenas + 2 * arena_size,
        .fresh_offset = KC_SNAPSHOT_HEAD_SIZE,
        .fresh_count = words,
        .arena_offset = {arenas, arenas + arena_size},
        .arena_size = arena_size,
    };
}

/* Makes a file of that size beside the old one, its room reserved, and maps it. */
static enum kc_status make_file(
    int folder, const struct kc_snapshot_head *head, unsigned char **ret_map)
{
    KC_AUTO_CLOSE int fd = -1;
    void *map;
    int error;
    if (unlinkat(folder, NEW_NAME, 0) < 0 && errno != ENOENT)
        return KC_SYSTEM;
    fd = openat(folder, NEW_NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0 || fchmod(fd, 0644) < 0)
        return KC_SYSTEM;
    error = posix_fallocate(fd, 0, (off_t)head->file_size);
    if (error != 0) {
        unlinkat(folder, NEW_NAME, 0);
        errno = error;
        return KC_SYSTEM;
    }
    map = mmap(NULL, head->file_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return KC_SYSTEM;
    memcpy(map, head, sizeof *head);
    *ret_map = map;
    return KC_OK;
}

static uint64_t doubled(uint64_t size, uint64_t wanted)
{
    while (size < wanted)
        size *= 2;
    return size;
}

/*
 * The head of the next file. What has outgrown a file makes one of twice its size, both the arenas
 * and the table, so that all files before it are together smaller than it.
 */
static struct kc_snapshot_head larger_head(const struct snapshot *snapshot, uint64_t arena_size)
{
    uint64_t arena = FIRST_ARENA, words = FIRST_WORDS;
    if (snapshot->map) {
        const bool outgrown = arena_size > snapshot->head.arena_size ||
                              snapshot->fresh_count > snapshot->head.fresh_count;
        arena = snapshot->head.arena_size * (outgrown ? 2 : 1);
        words = snapshot->head.fresh_count * (outgrown ? 2 : 1);
    }
    return make_head(doubled(arena, arena_size), doubled(words, snapshot->fresh_count));
}

/*
 * Publishes an arena in a file of its own: complete first, then the old one says that it has
 * moved, then the name leads to the new one.
 */
static enum kc_status replace(
    struct snapshot *snapshot, const unsigned char *arena, uint64_t arena_size)
{
    const struct kc_snapshot_head head = larger_head(snapshot, arena_size);
    unsigned char *map = NULL;
    const enum kc_status status = make_file(snapshot->folder, &head, &map);
    if (status != KC_OK)
        return status;
    put_policy(snapshot, map);
    if (snapshot->fresh_count > 0)
        memcpy(map + head.fresh_offset, snapshot->fresh, snapshot->fresh_count * sizeof(uint32_t));
    move_on(map, &head, arena, arena_size);
    if (snapshot->map)
        atomic_store_explicit(STATE(snapshot->map, moved), 1, memory_order_release);
    if (renameat(snapshot->folder, NEW_NAME, snapshot->folder, KC_SNAPSHOT_NAME) < 0) {
        const int error = errno;
        munmap(map, head.file_size);
        errno = error;
        return KC_SYSTEM;
    }
    if (snapshot->map)
        munmap(snapshot->map, snapshot->head.file_size);
    snapshot->map = map;
    snapshot->head = head;
    return KC_OK;
}

/* The arenas' pages stay in the file, and need not be counted as this process's memory. */
static void let_go(const struct snapshot *snapshot)
{
    (void)madvise(snapshot->map + snapshot->head.arena_offset[0], 2 * snapshot->head.arena_size,
        MADV_DONTNEED);
}

enum kc_status snapshot_publish(struct snapshot *snapshot, const struct arena_content *content)
{
    const uint64_t size = arena_size(content);
    KC_AUTO_FREE unsigned char *arena = malloc(size);
    enum kc_status status;
    if (!arena)
        return KC_NO_MEMORY;
    status = arena_build(content, arena, size);
    if (status != KC_OK)
        return status;
    /* a predecessor that was killed may have said that this file has moved, and got no further */
    if (!snapshot->map ||
        atomic_load_explicit(STATE(snapshot->map, moved), memory_order_relaxed) != 0 ||
        size > snapshot->head.arena_size || snapshot->fresh_count > snapshot->head.fresh_count)
        status = replace(snapshot, arena, size);
    else
        move_on(snapshot->map, &snapshot->head, arena, size);
    if (status == KC_OK)
        let_go(snapshot);
    return status;
}

enum kc_status snapshot_set_fresh(struct snapshot *snapshot, uint32_t word, uint32_t until)
{
    if (word >= snapshot->fresh_count) {
        const uint32_t count = (uint32_t)doubled(FIRST_WORDS, (uint64_t)word + 1);
        uint32_t *fresh = realloc(snapshot->fresh, count * sizeof *fresh);
        if (!fresh)
            return KC_NO_MEMORY;
        memset(fresh + snapshot->fresh_count, 0, (count - snapshot->fresh_count) * sizeof *fresh);
        snapshot->fresh = fresh;
        snapshot->fresh_count = count;
    }
    snapshot->fresh[word] = until;
    if (snapshot->map && word < snapshot->head.fresh_count)
        atomic_store_explicit(fresh_word(snapshot, word), until, memory_order_relaxed);
    return KC_OK;
}

void snapshot_expire_all(struct snapshot *snapshot)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    for (uint32_t i = 0; i < snapshot->fresh_count; i++)
        if (snapshot->fresh[i] > (uint32_t)now.tv_sec)
            snapshot_set_fresh(snapshot, i, (uint32_t)now.tv_sec);
}

void snapshot_age(struct snapshot *snapshot, int64_t seconds)
{
    for (uint32_t i = 0; i < snapshot->fresh_count; i++) {
        const int64_t until = (int64_t)snapshot->fresh[i] - seconds;
        snapshot_set_fresh(snapshot, i, until < 1 ? 0 : (uint32_t)until);
    }
}

void snapshot_withdraw(struct snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->fresh_count; i++)
        if (snapshot->fresh[i] != 0)
            snapshot_set_fresh(snapshot, i, 0);
}

void snapshot_set_policy(
    struct snapshot *snapshot, bool enumerate, uint32_t user_grace, uint32_t group_grace)
{
    snapshot->enumerate = enumerate;
    snapshot->user_grace = user_grace;
    snapshot->group_grace = group_grace;
    if (snapshot->map)
        put_policy(snapshot, snapshot->map);
}

/* Whether a head says what this file is, and nothing that make_head would not say. */
static bool is_sound_head(const struct kc_snapshot_head *head, uint64_t size)
{
    const struct kc_snapshot_head expected = make_head(head->arena_size, head->fresh_count);
    return size > KC_SNAPSHOT_HEAD_SIZE && head->arena_size <= size && head->fresh_count <= size &&
           head->arena_size % KC_SNAPSHOT_UNIT == 0 && head->file_size == size &&
           memcmp(head, &expected, offsetof(struct kc_snapshot_head, state)) == 0;
}

/* Maps the file that is there, if a predecessor left it whole. NULL: there is none. */
static unsigned char *take_up(int folder)
{
    KC_AUTO_CLOSE int fd =
        openat(folder, KC_SNAPSHOT_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct kc_snapshot_head head;
    struct stat stat;
    unsigned char *map;
    uint32_t generation;
    if (fd < 0 || fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode) || stat.st_uid != geteuid() ||
        (stat.st_mode & 0022) != 0 || stat.st_nlink != 1 ||
        pread(fd, &head, sizeof head, 0) != (ssize_t)sizeof head ||
        !is_sound_head(&head, (uint64_t)stat.st_size))
        return NULL;
    map = mmap(NULL, head.file_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return NULL;
    generation = atomic_load_explicit(STATE(map, generation), memory_order_relaxed);
    if (generation != 0 && arena_is_sound(map + head.arena_offset[generation % 2], head.arena_size))
        return map;
    /* readers must not go on believing it: the next publishing makes another one */
    atomic_store_explicit(STATE(map, moved), 1, memory_order_release);
    munmap(map, head.file_size);
    return NULL;
}

static enum kc_status load(struct snapshot *snapshot)
{
    static const struct arena_content nothing;
    snapshot->map = take_up(snapshot->folder);
    if (!snapshot->map)
        return snapshot_publish(snapshot, &nothing);
    memcpy(&snapshot->head, snapshot->map, sizeof snapshot->head);
    snapshot->fresh = calloc(snapshot->head.fresh_count, sizeof *snapshot->fresh);
    if (!snapshot->fresh)
        return KC_NO_MEMORY;
    snapshot->fresh_count = (uint32_t)snapshot->head.fresh_count;
    for (uint32_t i = 0; i < snapshot->fresh_count; i++)
        snapshot->fresh[i] = atomic_load_explicit(fresh_word(snapshot, i), memory_order_relaxed);
    return KC_OK;
}

enum kc_status snapshot_open(const char *folder, struct snapshot **ret_snapshot)
{
    struct snapshot *snapshot = calloc(1, sizeof *snapshot);
    enum kc_status status = KC_SYSTEM;
    if (!snapshot)
        return KC_NO_MEMORY;
    snapshot->lock = -1;
    snapshot->folder = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (snapshot->folder >= 0)
        snapshot->lock = openat(
            snapshot->folder, "writer.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (snapshot->lock >= 0)
        status = flock(snapshot->lock, LOCK_EX | LOCK_NB) == 0 ? KC_OK : KC_BUSY;
    if (status == KC_OK)
        status = load(snapshot);
    if (status != KC_OK) {
        snapshot_close(snapshot);
        return status;
    }
    *ret_snapshot = snapshot;
    return KC_OK;
}

void snapshot_close(struct snapshot *snapshot)
{
    if (!snapshot)
        return;
    if (snapshot->map)
        munmap(snapshot->map, snapshot->head.file_size);
    if (snapshot->lock >= 0)
        close(snapshot->lock);
    if (snapshot->folder >= 0)
        close(snapshot->folder);
    free(snapshot->fresh);
    free(snapshot);
}

/* Records of one range, whose heads begin alike. */
static void walk_range(const unsigned char *arena, const struct kc_snapshot_range *range,
    bool groups, snapshot_each *each, void *userdata)
{
    uint64_t at = (uint64_t)range->begin * KC_SNAPSHOT_UNIT;
    while (at < (uint64_t)range->end * KC_SNAPSHOT_UNIT) {
        struct kc_record_user user;
        struct kc_record_group group;
        const size_t head_size = groups ? sizeof group : sizeof user;
        memcpy(&user, arena + at, sizeof user);
        memcpy(&group, arena + at, sizeof group);
        each(userdata, user.kind, (const char *)arena + at + head_size,
            groups ? group.fresh : user.fresh);
        at += head_size + kc_snapshot_round(user.strings_size);
    }
}

void snapshot_walk(const struct snapshot *snapshot, snapshot_each *each, void *userdata)
{
    unsigned char *map = snapshot->map;
    const uint32_t generation = atomic_load_explicit(STATE(map, generation), memory_order_relaxed);
    const unsigned char *arena = map + snapshot->head.arena_offset[generation % 2];
    struct kc_arena_head head;
    memcpy(&head, arena, sizeof head);
    walk_range(arena, &head.users, false, each, userdata);
    walk_range(arena, &head.groups, true, each, userdata);
}
