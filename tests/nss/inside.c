/*
 * A program whose process asks for users and groups in uncommon circumstances, through the real
 * glibc. It ends with 0 only where each answer was the right one:
 *     inside HOW USER UID GROUP GID [MORE]
 * Used by tests/suite/case_glibc.py, linked once more without shared libraries.
 */
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 16
#define ROOM ((size_t)1 << 16)

static const char *user, *group;
static uid_t uid;
static gid_t gid;
static char **arguments;

static void check(bool right, const char *what)
{
    if (right)
        return;
    dprintf(2, "inside: %s: errno %d\n", what, errno);
    _exit(1);
}

static void check_user(const struct passwd *seen, const char *what)
{
    check(seen && strcmp(seen->pw_name, user) == 0 && seen->pw_uid == uid && seen->pw_gid != 0 &&
              strcmp(seen->pw_passwd, "x") == 0 && seen->pw_dir[0] == '/' && seen->pw_shell[0] == '/',
        what);
}

static void check_group(const struct group *seen, const char *what)
{
    bool member = false;
    check(seen && strcmp(seen->gr_name, group) == 0 && seen->gr_gid == gid, what);
    for (char **name = seen->gr_mem; *name; name++)
        member |= strcmp(*name, user) == 0;
    check(member, "the group's members");
}

/* Each call once, as threads may make them. */
static void each_call(void)
{
    char *room = malloc(ROOM);
    struct passwd entry, *one = NULL;
    struct group entries, *many = NULL;
    gid_t gids[64];
    int count = 64;
    bool within = false;
    check(room, "malloc");
    check(getpwnam_r(user, &entry, room, ROOM, &one) == 0, "getpwnam_r");
    check_user(one, "getpwnam_r's answer");
    check(getpwuid_r(uid, &entry, room, ROOM, &one) == 0, "getpwuid_r");
    check_user(one, "getpwuid_r's answer");
    const gid_t primary = one->pw_gid;
    check(getgrnam_r(group, &entries, room, ROOM, &many) == 0, "getgrnam_r");
    check_group(many, "getgrnam_r's answer");
    check(getgrgid_r(gid, &entries, room, ROOM, &many) == 0, "getgrgid_r");
    check_group(many, "getgrgid_r's answer");
    check(getgrouplist(user, primary, gids, &count) > 0, "getgrouplist");
    for (int i = 0; i < count; i++)
        within |= gids[i] == gid;
    check(within, "getgrouplist's answer");
    check(getpwnam_r("root", &entry, room, ROOM, &one) == 0 && one && one->pw_uid == 0, "root");
    free(room);
}

static void once(void)
{
    each_call();
    check_user(getpwnam(user), "getpwnam");
    check_group(getgrgid(gid), "getgrgid");
}

static _Atomic bool over;

static void *all_the_time(void *unused)
{
    while (!atomic_load(&over))
        each_call();
    return unused;
}

static void start(pthread_t threads[THREADS])
{
    for (unsigned i = 0; i < THREADS; i++)
        check(pthread_create(&threads[i], NULL, all_the_time, NULL) == 0, "pthread_create");
}

static void finish(pthread_t threads[THREADS])
{
    atomic_store(&over, true);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void in_threads(void)
{
    pthread_t threads[THREADS];
    start(threads);
    usleep(300000);
    finish(threads);
}

/* A child of a process with threads asks too, and so does what it executes. */
static void in_children(void)
{
    pthread_t threads[THREADS];
    start(threads);
    for (unsigned i = 0; i < 20; i++) {
        int status;
        const pid_t child = fork();
        if (child == 0) {
            each_call();
            char *again[] = {arguments[0], "once", arguments[2], arguments[3], arguments[4],
                arguments[5], NULL};
            if (i % 2 == 0)
                _exit(0);
            execv(arguments[0], again);
            _exit(2);
        }
        check(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
    }
    finish(threads);
}

/* Without any descriptor: none that the module opens stays, and least of all as 0, 1 or 2. */
static void without_descriptors(void)
{
    for (int i = 0; i < 1024; i++)
        close(i);
    each_call();
    for (int i = 0; i < 1024; i++)
        if (close(i) == 0)
            _exit(3);
}

/* From one byte on: ERANGE until it is enough, and then the answer. */
static void in_every_size(void)
{
    char room[ROOM];
    struct passwd entry, *one = NULL;
    struct group entries, *many = NULL;
    size_t size[4] = {1, 1, 1, 1};
    while (getpwnam_r(user, &entry, room, size[0], &one) == ERANGE)
        check(!one && ++size[0] < ROOM, "getpwnam_r's room");
    check_user(one, "getpwnam_r at last");
    while (getpwuid_r(uid, &entry, room, size[1], &one) == ERANGE)
        check(!one && ++size[1] < ROOM, "getpwuid_r's room");
    check_user(one, "getpwuid_r at last");
    while (getgrnam_r(group, &entries, room, size[2], &many) == ERANGE)
        check(!many && ++size[2] < ROOM, "getgrnam_r's room");
    check_group(many, "getgrnam_r at last");
    while (getgrgid_r(gid, &entries, room, size[3], &many) == ERANGE)
        check(!many && ++size[3] < ROOM, "getgrgid_r's room");
    check_group(many, "getgrgid_r at last");
    check(size[0] > 20 && size[0] == size[1] && size[2] > 10, "the sizes");
}

/* No memory for a mapping: what is there already stays, nothing is added but a heap's worth. */
static void without_memory(void)
{
    static char line[256];
    unsigned long pages = 0;
    check(getpwnam("root") != NULL && getpwnam("no-such-user-") == NULL, "the module is loaded");
    FILE *file = fopen("/proc/self/statm", "re");
    check(file && fgets(line, sizeof line, file) && sscanf(line, "%lu", &pages) == 1, "statm");
    fclose(file);
    const rlim_t size = pages * 4096 + 256 * 1024;
    check(setrlimit(RLIMIT_AS, &(struct rlimit){size, size}) == 0, "RLIMIT_AS");
    each_call();
}

/* A process whose memory is locked, all that comes too. */
static void locked(void)
{
    check(mlockall(MCL_CURRENT | MCL_FUTURE) == 0 || errno == ENOMEM || errno == EPERM, "mlockall");
    each_call();
}

/* Names and ids that nobody has: how many milliseconds all of them take. */
static void strangers(unsigned count)
{
    struct timespec begin, end;
    char name[32];
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "stranger%u", i);
        check(getpwnam(name) == NULL && getgrnam(name) == NULL, "a stranger");
        check(getpwuid(2100000000u + i) == NULL, "a stranger's id");
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%ld\n",
        (long)(end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *word;
        void (*run)(void);
    } ways[] = {
        {"once", once},
        {"threads", in_threads},
        {"children", in_children},
        {"closed", without_descriptors},
        {"sizes", in_every_size},
        {"memory", without_memory},
        {"locked", locked},
    };
    if (argc < 6)
        return 2;
    arguments = argv;
    user = argv[2];
    uid = (uid_t)strtoul(argv[3], NULL, 10);
    group = argv[4];
    gid = (gid_t)strtoul(argv[5], NULL, 10);
    if (strcmp(argv[1], "strangers") == 0 && argc == 7) {
        strangers((unsigned)strtoul(argv[6], NULL, 10));
        return 0;
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(argv[1], ways[i].word) == 0) {
            ways[i].run();
            return 0;
        }
    return 2;
}
