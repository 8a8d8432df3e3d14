/*
 * Fuzz target: the arena of a snapshot, as a reader meets it.
 * Whatever the bytes say, nothing outside the buffers is touched, ids are in range, names are
 * whole.
 */
#include "fuzz/target.h"
#include "nss/find.h"

#include <string.h>

#define WORDS 64u
#define ARENA (KC_SNAPSHOT_HEAD_SIZE + WORDS * sizeof(uint32_t))
#define FIRST_ID 1879048192u
#define LAST_ID 2147352575u

static struct nss_snapshot snapshot;

/* In the place of nss/snapshot.c: the file is a buffer of this target's. */
const struct nss_snapshot *_Atomic nss_published = &snapshot;

const struct nss_snapshot *nss_snapshot_take(struct nss_snapshot *own)
{
    (void)own;
    return NULL;
}

void nss_snapshot_close(struct nss_snapshot *own)
{
    (void)own;
}

bool nss_snapshot_renew(const struct nss_snapshot *used)
{
    (void)used;
    return false;
}

bool nss_snapshot_pread(const struct nss_snapshot *used, uint64_t offset, void *to, size_t size)
{
    (void)used, (void)offset, (void)to, (void)size;
    return false;
}

bool nss_snapshot_read_state(const struct nss_snapshot *used, size_t offset, uint32_t *ret)
{
    (void)used, (void)offset, (void)ret;
    return false;
}

static bool in_range(uint32_t id)
{
    return id >= FIRST_ID && id <= LAST_ID;
}

/* A buffer of exactly this size, for the sanitizer to see what is beyond it. */
static void find_user(const struct nss_key *key, size_t size)
{
    struct passwd user;
    char *bytes = malloc(size + 1);
    FUZZ_MUST(bytes);
    const struct nss_target target = {.room = {bytes, size}, .user = &user};
    if (nss_find(key, NSS_FRESH, &target) == NSS_FOUND) {
        FUZZ_MUST(in_range(user.pw_uid) && in_range(user.pw_gid));
        FUZZ_MUST(strncmp(user.pw_dir, "/home/", 6) == 0 && !strstr(user.pw_dir, "/../"));
        FUZZ_MUST(key->name ? strcmp(user.pw_name, key->name) == 0 : user.pw_uid == key->id);
        FUZZ_MUST(strlen(user.pw_name) + strlen(user.pw_passwd) + strlen(user.pw_gecos) +
                      strlen(user.pw_dir) + strlen(user.pw_shell) <
                  5 * size);
    }
    free(bytes);
}

static void find_group(const struct nss_key *key, size_t size)
{
    struct group group;
    char *bytes = malloc(size + 1);
    FUZZ_MUST(bytes);
    const struct nss_target target = {.room = {bytes + 1, size}, .group = &group};
    if (nss_find(key, NSS_FRESH, &target) == NSS_FOUND) {
        FUZZ_MUST(in_range(group.gr_gid));
        FUZZ_MUST(key->name ? strcmp(group.gr_name, key->name) == 0 : group.gr_gid == key->id);
        for (char **member = group.gr_mem; *member; member++)
            FUZZ_MUST(strlen(*member) < size);
    }
    free(bytes);
}

static void find_gids(const struct nss_key *key)
{
    long count = 0, size = 0;
    gid_t *array = NULL;
    struct nss_gids gids = {
        .array = &array, .count = &count, .size = &size, .primary = FIRST_ID + 99};
    nss_find(key, NSS_FRESH, &(struct nss_target){.gids = &gids});
    FUZZ_MUST(count <= size);
    for (long i = 0; i < count; i++)
        FUZZ_MUST(in_range(array[i]));
    free(array);
}

static void walk(void)
{
    struct nss_walk users = {0}, groups = {0};
    struct passwd user;
    struct group group;
    char bytes[4096], last[KC_NAME_MAX + 1] = "";
    const struct nss_target a_user = {.room = {bytes, sizeof bytes}, .user = &user};
    const struct nss_target a_group = {.room = {bytes, sizeof bytes}, .group = &group};
    while (nss_find_next(&users, &a_user) == NSS_FOUND) {
        FUZZ_MUST(strcmp(users.last, last) > 0); /* it comes to an end */
        memcpy(last, users.last, sizeof last);
    }
    while (nss_find_next(&groups, &a_group) == NSS_FOUND)
        FUZZ_MUST(in_range(group.gr_gid));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char *const names[] = {"u00000", "u00001", "u00002", "people", "root", "sudo"};
    /* what nss/snapshot.c lets nobody see is an arena without a head */
    const size_t least = sizeof(struct kc_arena_head);
    const size_t size = ARENA + (length < least ? least : (length + 7) / 8 * 8);
    struct kc_snapshot_head head = {
        .state = {.generation = 2, .building = 2, .enumerate = 1},
    };
    uint32_t fresh[WORDS];
    unsigned char *file = calloc(1, size);
    FUZZ_MUST(file);
    memset(fresh, 0xff, sizeof fresh);
    memcpy(file, &head, sizeof head);
    memcpy(file + KC_SNAPSHOT_HEAD_SIZE, fresh, sizeof fresh);
    if (length > 0)
        memcpy(file + ARENA, bytes, length);
    snapshot = (struct nss_snapshot){
        .map = file,
        .fd = -1,
        .size = size,
        .fresh_offset = KC_SNAPSHOT_HEAD_SIZE,
        .fresh_count = WORDS,
        .arena_offset = {ARENA, ARENA},
        .arena_size = size - ARENA,
        .id_first = FIRST_ID,
        .id_last = LAST_ID,
        .home_prefix = "/home",
        .home_prefix_length = sizeof "/home" - 1,
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct nss_key key = {0};
        FUZZ_MUST(nss_key_by_name(names[i], &key));
        find_user(&key, 200);
        find_user(&key, 20);
        find_group(&key, 200);
        find_group(&key, 20);
        find_gids(&key);
    }
    for (uint32_t id = FIRST_ID; id < FIRST_ID + 3; id++) {
        find_user(&(struct nss_key){.id = id}, 200);
        find_group(&(struct nss_key){.id = id}, 200);
    }
    walk();
    free(file);
    return 0;
}
