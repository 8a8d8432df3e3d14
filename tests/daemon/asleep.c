/*
 * A daemon on a host that sleeps: for as many seconds as a file has bytes. Linked with
 * --wrap=clock_gettime; the environment names the file.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);

static char path[256];

__attribute__((constructor)) static void find_file(void)
{
    const char *name = getenv("KCLOGIN_TEST_ASLEEP");
    if (name)
        strncpy(path, name, sizeof path - 1);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    struct stat stat_of;
    const int done = __real_clock_gettime(clock, time);
    if (clock == CLOCK_BOOTTIME && *path && stat(path, &stat_of) == 0)
        time->tv_sec += stat_of.st_size;
    return done;
}
