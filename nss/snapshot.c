/*
 * Opens the snapshot's file, proves whose it is, and maps it or reads it.
 * Used by the lookups of nss/, in every process of the host.
 * Must never map it in a privileged process: who truncates a mapped file kills who reads it.
 */
#include "nss/snapshot.h"

#include "common/bounds.h"
#include "common/field.h"
#include "common/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define READS 8    /* of a word that two reads must agree on */
#define FIRST_FD 3 /* a caller may have closed its standard descriptors */

const struct nss_snapshot *_Atomic nss_published;

bool nss_snapshot_pread(const struct nss_snapshot *snapshot, uint64_t offset, void *to, size_t size)
{
    unsigned char *out = to;
    ssize_t got;

    while (size > 0) {
        got = pread(snapshot->fd, out, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        out += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

/* A read is not atomic: two that agree are. */
bool nss_snapshot_read_state(const struct nss_snapshot *snapshot, size_t offset, uint32_t *ret)
{
    uint32_t before;
    uint32_t now;
    if (!nss_snapshot_pread(snapshot, offset, &before, sizeof before))
        return false;
    for (unsigned i = 0; i < READS; i++) {
        if (!nss_snapshot_pread(snapshot, offset, &now, sizeof now))
            return false;
        if (now == before) {
            *ret = now;
            return true;
        }
        before = now;
    }
    return false;
}

/* A descriptor that is not 0, 1 or 2. Takes `fd`. */
static int above_standard(int fd)
{
    int moved;

    if (fd < 0 || fd >= FIRST_FD)
        return fd;
    moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
    close(fd);
    return moved;
}

/* The folder `snapshot`, in a run folder that is root's and in nobody else's hands. */
static int open_folder(struct stat *ret_stat)
{
    char path[256];
    struct stat run;
    int fd;
    const int length = snprintf(path, sizeof path, "%s/snapshot", kc_path_run());

    if (length < 0 || (size_t)length >= sizeof path || lstat(kc_path_run(), &run) < 0)
        return -1;
    if (!S_ISDIR(run.st_mode) || run.st_uid != kc_path_owner() || (run.st_mode & 0022) != 0)
        return -1;
    fd = above_standard(open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd < 0)
        return -1;
    if (fstat(fd, ret_stat) == 0 && (ret_stat->st_mode & 0022) == 0)
        return fd;
    close(fd);
    return -1;
}

/* The file, which belongs to whom its folder belongs to. */
static int open_file(struct stat *ret_stat)
{
    struct stat folder;
    const int folder_fd = open_folder(&folder);
    int fd;

    if (folder_fd < 0)
        return -1;
    fd = above_standard(openat(
        folder_fd, KC_SNAPSHOT_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    close(folder_fd);
    if (fd < 0)
        return -1;
    if (fstat(fd, ret_stat) == 0 && S_ISREG(ret_stat->st_mode) &&
        ret_stat->st_uid == folder.st_uid && (ret_stat->st_mode & 0022) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Whether `size` bytes at `offset` lie in a file of `file` bytes, behind its head. */
static bool lies_within(uint64_t file, uint64_t offset, uint64_t size)
{
    return offset % KC_SNAPSHOT_UNIT == 0 && offset >= KC_SNAPSHOT_HEAD_SIZE && offset <= file &&
           size <= file - offset;
}

static bool take_head(struct nss_snapshot *snapshot, const struct kc_snapshot_head *head)
{
    if (head->magic != KC_SNAPSHOT_MAGIC || head->file_size != snapshot->size ||
        head->arena_size % KC_SNAPSHOT_UNIT != 0 ||
        head->arena_size < sizeof(struct kc_arena_head) || head->fresh_count > UINT32_MAX ||
        !lies_within(head->file_size, head->fresh_offset,
            kc_snapshot_round(head->fresh_count * sizeof(uint32_t))) ||
        !lies_within(head->file_size, head->arena_offset[0], head->arena_size) ||
        !lies_within(head->file_size, head->arena_offset[1], head->arena_size))
        return false;
    snapshot->fresh_offset = head->fresh_offset;
    snapshot->fresh_count = head->fresh_count;
    snapshot->arena_offset[0] = head->arena_offset[0];
    snapshot->arena_offset[1] = head->arena_offset[1];
    snapshot->arena_size = head->arena_size;
    return true;
}

static bool take_bounds(struct nss_snapshot *snapshot)
{
    struct kc_conf_error error;
    KC_AUTO_BOUNDS struct kc_bounds *bounds = NULL;

    if (kc_bounds_load(kc_path_host_conf(), kc_path_owner(), &bounds, &error) != KC_OK)
        return false;
    snapshot->id_first = bounds->ids.first;
    snapshot->id_last = bounds->ids.last;
    snapshot->home_prefix_length = kc_field_prefix(bounds->home_prefix);
    if (snapshot->home_prefix_length >= sizeof snapshot->home_prefix)
        return false;
    memcpy(snapshot->home_prefix, bounds->home_prefix, snapshot->home_prefix_length);
    return snapshot->id_first > 0 && snapshot->id_first <= snapshot->id_last;
}

/* Opens and checks. The descriptor in ret_snapshot is the caller's. */
static bool open_snapshot(struct nss_snapshot *ret_snapshot)
{
    struct nss_snapshot snapshot = {.fd = -1};
    struct kc_snapshot_head head;
    struct stat stat;

    snapshot.fd = open_file(&stat);
    if (snapshot.fd < 0)
        return false;
    snapshot.device = stat.st_dev;
    snapshot.inode = stat.st_ino;
    snapshot.size = stat.st_size > 0 ? (uint64_t)stat.st_size : 0;
    if (snapshot.size < KC_SNAPSHOT_HEAD_SIZE ||
        !nss_snapshot_pread(&snapshot, 0, &head, sizeof head) || !take_head(&snapshot, &head) ||
        !take_bounds(&snapshot)) {
        close(snapshot.fd);
        return false;
    }
    *ret_snapshot = snapshot;
    return true;
}

/*
 * Another user must not be able to make a process of root's die by shortening a file that it has
 * mapped. One that is not root, does not run a setuid program and cannot become root again stays so
 * until it executes something: once it has mapped the file, it is not asked any more.
 */
bool nss_is_privileged(void)
{
    uid_t real;
    uid_t effective;
    uid_t saved;

    if (atomic_load_explicit(&nss_published, memory_order_relaxed))
        return false;
    return getauxval(AT_SECURE) != 0 || getresuid(&real, &effective, &saved) < 0 || real == 0 ||
           effective == 0 || saved == 0;
}

/* Maps what was opened; its descriptor is closed. NULL: it stays as it is. */
static struct nss_snapshot *map_snapshot(const struct nss_snapshot *opened)
{
    struct nss_snapshot *mapped = malloc(sizeof *mapped);
    void *map;

    if (!mapped)
        return NULL;
    map = mmap(NULL, opened->size, PROT_READ, MAP_SHARED, opened->fd, 0);
    if (map == MAP_FAILED) {
        free(mapped);
        return NULL;
    }
    madvise(map, opened->size, MADV_RANDOM);
    *mapped = *opened;
    mapped->map = map;
    mapped->fd = -1;
    close(opened->fd);
    return mapped;
}

/* Publishes `mapped` in `before`'s place. Where another thread was first, its one counts. */
static const struct nss_snapshot *publish(
    const struct nss_snapshot *before, struct nss_snapshot *mapped)
{
    mapped->previous = before;
    if (atomic_compare_exchange_strong_explicit(
            &nss_published, &before, mapped, memory_order_acq_rel, memory_order_acquire))
        return mapped;
    munmap((void *)(uintptr_t)mapped->map, mapped->size);
    free(mapped);
    return before;
}

const struct nss_snapshot *nss_snapshot_take(struct nss_snapshot *own)
{
    struct nss_snapshot *mapped;

    if (!open_snapshot(own))
        return NULL;
    mapped = nss_is_privileged() ? NULL : map_snapshot(own);
    return mapped ? publish(NULL, mapped) : own;
}

void nss_snapshot_close(struct nss_snapshot *own)
{
    close(own->fd);
}

bool nss_snapshot_renew(const struct nss_snapshot *snapshot)
{
    struct nss_snapshot opened;
    struct nss_snapshot *mapped;

    if (!snapshot->map)
        return false; /* it was opened for this lookup */
    if (!open_snapshot(&opened))
        return false;
    mapped = opened.device == snapshot->device && opened.inode == snapshot->inode
                 ? NULL
                 : map_snapshot(&opened);
    if (!mapped) {
        close(opened.fd);
        return false;
    }
    publish(snapshot, mapped);
    return true;
}
