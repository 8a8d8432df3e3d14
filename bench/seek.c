/*
 * Looks people of the crowd up and says how long it took, in nanoseconds:
 *     seek USERS LIBRARY|glibc KIND...
 * By dlopen of LIBRARY (libnss_NAME.so.2) and its functions alone, or through glibc as
 * /etc/nsswitch.conf has it. SEEK_CONSTANT: answers are not looked at; SEEK_NAME: whom a crowd wants. Used by bench/lookup. Must never be installed.
 */
#include "bench/crowd.h"

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <nss.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TURNS 15u
#define TURN_NS 4000000 /* of a hot kind */
#define ROOM 8192u

typedef enum nss_status by_name(const char *, struct passwd *, char *, size_t, int *);
typedef enum nss_status by_uid(uid_t, struct passwd *, char *, size_t, int *);
typedef enum nss_status by_group(const char *, struct group *, char *, size_t, int *);
typedef enum nss_status by_gid(gid_t, struct group *, char *, size_t, int *);
typedef enum nss_status by_user(const char *, gid_t, long *, long *, gid_t **, long, int *);

/* The module's functions; none where glibc is asked. */
static struct {
    by_name *name;
    by_uid *uid;
    by_group *group;
    by_gid *gid;
    by_user *groups;
} direct;

static _Thread_local char room[ROOM];
static uint32_t users;
static char (*names)[16]; /* in the order in which the random kinds ask */
static uint32_t *order;
static _Atomic unsigned waiting; /* threads that have not begun */
static bool constant;            /* the floor answers with the same user, whoever is asked */

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "seek: %s failed\n", what);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void name(const char *asked, uid_t expected)
{
    struct passwd user, *result = &user;
    int error;
    if (direct.name ? direct.name(asked, &user, room, sizeof room, &error) != NSS_STATUS_SUCCESS
                    : getpwnam_r(asked, &user, room, sizeof room, &result) != 0 || !result)
        fail("getpwnam");
    if (user.pw_uid != expected && !constant)
        fail("getpwnam's answer");
}

static void uid(uid_t asked)
{
    struct passwd user, *result = &user;
    int error;
    if (direct.uid ? direct.uid(asked, &user, room, sizeof room, &error) != NSS_STATUS_SUCCESS
                   : getpwuid_r(asked, &user, room, sizeof room, &result) != 0 || !result)
        fail("getpwuid");
    if (user.pw_uid != asked && !constant)
        fail("getpwuid's answer");
}

static void group(const char *asked)
{
    struct group found, *result = &found;
    int error;
    if (direct.group ? direct.group(asked, &found, room, sizeof room, &error) != NSS_STATUS_SUCCESS
                     : getgrnam_r(asked, &found, room, sizeof room, &result) != 0 || !result)
        fail("getgrnam");
    if (!found.gr_mem[CROWD_HUNDRED - 1] || found.gr_mem[CROWD_HUNDRED])
        fail("getgrnam's answer");
}

static void groups(void)
{
    gid_t gids[64];
    int count = 64;
    if (!direct.groups) {
        if (getgrouplist("ada", crowd_gid(0), gids, &count) < 0)
            fail("getgrouplist");
    } else {
        long start = 0, size = 64;
        static gid_t *list; /* as glibc has it: memory that may grow */
        int error;
        if (!list)
            list = malloc((size_t)size * sizeof *list);
        if (direct.groups("ada", crowd_gid(0), &start, &size, &list, 0, &error) !=
            NSS_STATUS_SUCCESS)
            fail("initgroups");
        count = (int)start + 1;
    }
    if (count != (int)CROWD_ADA_GROUPS + 1)
        fail("the number of ada's groups");
}

static void hot_name(uint32_t i)
{
    (void)i;
    name("ada", crowd_uid(0));
}

static void hot_uid(uint32_t i)
{
    (void)i;
    uid(crowd_uid(0));
}

static void hot_group(uint32_t i)
{
    (void)i;
    group("hundred");
}

static void hot_groups(uint32_t i)
{
    (void)i;
    groups();
}

static void random_name(uint32_t i)
{
    name(names[i], crowd_uid(order[i]));
}

static void random_uid(uint32_t i)
{
    uid(crowd_uid(order[i]));
}

struct kind {
    const char *word;
    void (*call)(uint32_t);
    bool random; /* each turn asks for everybody once */
};

static const struct kind kinds[] = {
    {"name", hot_name, false},
    {"uid", hot_uid, false},
    {"group", hot_group, false},
    {"groups", hot_groups, false},
    {"random-name", random_name, true},
    {"random-uid", random_uid, true},
};

static int by_time(const void *a, const void *b)
{
    const double difference = *(const double *)a - *(const double *)b;
    return difference > 0 ? 1 : difference < 0 ? -1 : 0;
}

/* Nanoseconds a call, in one turn of `calls`. */
static double turn(const struct kind *kind, uint32_t calls)
{
    const int64_t before = now_ns();
    for (uint32_t i = 0; i < calls; i++)
        kind->call(i);
    return (double)(now_ns() - before) / calls;
}

static uint32_t calls_of(const struct kind *kind)
{
    if (kind->random)
        return users;
    double once = turn(kind, 1); /* files take long */
    for (uint32_t calls = 10; calls <= 1000 && once * calls < TURN_NS; calls *= 10)
        once = turn(kind, calls); /* the caches are warm */
    return 1 + (uint32_t)(TURN_NS / once);
}

static void measure(const struct kind *kind)
{
    const uint32_t calls = calls_of(kind);
    const unsigned turns = kind->random && users > 200000 ? 5 : TURNS;
    double seen[TURNS] = {0};
    for (unsigned i = 0; i < turns; i++)
        seen[i] = turn(kind, calls);
    qsort(seen, turns, sizeof seen[0], by_time);
    printf("%s %.1f %.1f\n", kind->word, seen[turns / 2], seen[0]);
}

static void *in_thread(void *calls)
{
    atomic_fetch_sub(&waiting, 1);
    while (atomic_load(&waiting) > 0)
        ;
    turn(&kinds[0], *(const uint32_t *)calls);
    return NULL;
}

/* Nanoseconds that so many threads need together for one call of each. */
static double together(unsigned threads, uint32_t calls)
{
    pthread_t started[2];
    atomic_store(&waiting, threads);
    const int64_t before = now_ns();
    for (unsigned i = 1; i < threads; i++)
        if (pthread_create(&started[i], NULL, in_thread, &calls) != 0)
            fail("pthread_create");
    in_thread(&calls);
    for (unsigned i = 1; i < threads; i++)
        pthread_join(started[i], NULL);
    return (double)(now_ns() - before) / calls;
}

/* How much more two threads do than one; the pairs stand side by side in time. */
static void measure_threads(void)
{
    const uint32_t calls = calls_of(&kinds[0]) * 20;
    double seen[TURNS];
    for (unsigned i = 0; i < TURNS; i++)
        seen[i] = 2 * together(1, calls) / together(2, calls);
    qsort(seen, TURNS, sizeof seen[0], by_time);
    printf("threads %.3f %.3f\n", seen[TURNS / 2], seen[TURNS - 1]);
}

static void measure_first(void)
{
    const int64_t before = now_ns();
    name("ada", crowd_uid(0));
    const double took = (double)(now_ns() - before);
    printf("first %.1f %.1f\n", took, took);
}

/* Each name that it reads, once. */
static void measure_list(void)
{
    char line[CROWD_TEXT];
    while (fgets(line, sizeof line, stdin)) {
        struct passwd user, *result;
        line[strcspn(line, "\n")] = '\0';
        const int64_t before = now_ns();
        const int error = getpwnam_r(line, &user, room, sizeof room, &result);
        if (error != 0 || !result) {
            fprintf(stderr, "seek: %s\n", error != 0 ? strerror(error) : "not found");
            fail(line);
        }
        const double took = (double)(now_ns() - before);
        printf("cold %.1f %.1f\n", took, took);
    }
}

#define AT_ONCE 1000u
static const char *wanted;
static _Atomic unsigned answered;

static void *ask_wanted(void *unused)
{
    struct passwd user, *result;
    atomic_fetch_sub(&waiting, 1);
    while (atomic_load(&waiting) > 0)
        sched_yield();
    if (getpwnam_r(wanted, &user, room, sizeof room, &result) == 0 && result)
        atomic_fetch_add(&answered, 1);
    return unused;
}

/* A thousand threads ask for one name that nobody has asked for yet. */
static void measure_crowd(void)
{
    pthread_t threads[AT_ONCE];
    pthread_attr_t attributes;
    atomic_store(&waiting, AT_ONCE + 1);
    if (pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstacksize(&attributes, (size_t)256 * 1024) != 0)
        fail("pthread_attr");
    for (unsigned i = 0; i < AT_ONCE; i++)
        if (pthread_create(&threads[i], &attributes, ask_wanted, NULL) != 0)
            fail("pthread_create");
    while (atomic_load(&waiting) > 1)
        sched_yield();
    const int64_t before = now_ns();
    atomic_store(&waiting, 0);
    for (unsigned i = 0; i < AT_ONCE; i++)
        pthread_join(threads[i], NULL);
    printf("crowd %.1f %u\n", (double)(now_ns() - before), atomic_load(&answered));
}

/* Asks until ada's gecos is another; prints when that was. */
static void wait_for_change(void)
{
    char first[CROWD_TEXT] = "";
    struct passwd user;
    int error;
    for (;;) {
        if (direct.name("ada", &user, room, sizeof room, &error) != NSS_STATUS_SUCCESS)
            fail("getpwnam");
        if (first[0] == '\0') {
            snprintf(first, sizeof first, "%s", user.pw_gecos);
            puts("waiting");
            fflush(stdout);
        } else if (strcmp(first, user.pw_gecos) != 0)
            break;
    }
    printf("seen %" PRId64 "\n", now_ns());
}

static void *symbol(void *library, const char *module, const char *function)
{
    char text[64];
    snprintf(text, sizeof text, "_nss_%s_%s", module, function);
    void *found = dlsym(library, text);
    if (!found)
        fail(text);
    return found;
}

static void open_library(const char *path)
{
    char module[32] = "";
    void *library = dlopen(path, RTLD_NOW);
    const char *last = strrchr(path, '/');
    if (!library || sscanf(last ? last + 1 : path, "libnss_%31[a-z_].so", module) != 1)
        fail(path);
    *(void **)&direct.name = symbol(library, module, "getpwnam_r");
    *(void **)&direct.uid = symbol(library, module, "getpwuid_r");
    *(void **)&direct.group = symbol(library, module, "getgrnam_r");
    *(void **)&direct.groups = symbol(library, module, "initgroups_dyn");
    constant = strcmp(module, "floor") == 0;
}

static void make_names(void)
{
    order = crowd_shuffle(users);
    names = calloc(users, sizeof *names);
    if (!names)
        fail("calloc");
    for (uint32_t i = 0; i < users; i++) {
        char text[CROWD_TEXT];
        crowd_name(order[i], text);
        memcpy(names[i], text, sizeof names[i]);
    }
}

static void run(const char *word)
{
    if (strcmp(word, "first") == 0)
        measure_first();
    else if (strcmp(word, "threads") == 0)
        measure_threads();
    else if (strcmp(word, "change") == 0)
        wait_for_change();
    else if (strcmp(word, "list") == 0)
        measure_list();
    else if (strcmp(word, "crowd") == 0)
        measure_crowd();
    else {
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (strcmp(word, kinds[i].word) == 0)
                measure(&kinds[i]);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    users = (uint32_t)strtoul(argv[1], NULL, 10);
    constant = getenv("SEEK_CONSTANT") != NULL;
    wanted = getenv("SEEK_NAME");
    if (strcmp(argv[2], "glibc") != 0)
        open_library(argv[2]);
    for (int i = 3; i < argc; i++) {
        if (strncmp(argv[i], "random", 6) == 0 && !names)
            make_names();
        run(argv[i]);
    }
    return 0;
}
