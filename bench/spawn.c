/*
 * Runs a program under several nsswitch.conf in turns, as nobody, and says how long each took, in
 * nanoseconds, from fork to end:
 *     spawn ROUNDS FILE... -- PROGRAM ARGUMENT...
 * Used by bench/lookup, on a host of its own. Must never be installed.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILES 8
#define NOBODY 65534

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void use(const char *file)
{
    if ((unlink("/etc/nsswitch.new") < 0 && access("/etc/nsswitch.new", F_OK) == 0) ||
        link(file, "/etc/nsswitch.new") < 0 ||
        rename("/etc/nsswitch.new", "/etc/nsswitch.conf") < 0) {
        perror(file);
        exit(1);
    }
}

static void execute(char **argv)
{
    const int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 1) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
        _exit(1);
    execv(argv[0], argv);
    _exit(1);
}

static int64_t run(char **argv)
{
    int status;
    const int64_t before = now_ns();
    const pid_t child = fork();
    if (child == 0)
        execute(argv);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "spawn: %s failed\n", argv[0]);
        exit(1);
    }
    return now_ns() - before;
}

static int by_time(const void *a, const void *b)
{
    const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

int main(int argc, char **argv)
{
    const long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    int files = 0;
    while (2 + files < argc && strcmp(argv[2 + files], "--") != 0)
        files++;
    if (rounds < 1 || files < 1 || files > FILES || 3 + files >= argc)
        return 2;
    int64_t *took = calloc((size_t)(rounds * files), sizeof *took);
    if (!took)
        return 1;
    for (long i = -1; i < rounds; i++)
        for (int file = 0; file < files; file++) {
            use(argv[2 + file]);
            const int64_t one = run(argv + 3 + files);
            if (i >= 0) /* the first of each warms what is shared */
                took[file * rounds + i] = one;
        }
    for (int file = 0; file < files; file++) {
        qsort(took + file * rounds, (size_t)rounds, sizeof *took, by_time);
        printf("%s %" PRId64 "\n", argv[2 + file], took[file * rounds + rounds / 2]);
    }
    free(took);
    return 0;
}
