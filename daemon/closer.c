/*
 * Closing what strangers had a hand in.
 * Used by connections.c and server.c.
 * Must never let the loop's thread wait, nor its own for longer than the kernel cannot help.
 */
#include "daemon/closer.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#define WAITING_MAX 256u
#define STACK_SIZE ((size_t)64 * 1024)
#define IMPATIENT SIGALRM
#define IMPATIENT_NS 1000000
#define END_SECONDS 1

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

struct closer {
    int take; /* the thread's end of a pipe of descriptors' numbers */
    int give;
    pthread_t thread;
    atomic_uint waiting;
};

static void on_impatient(int signal)
{
    (void)signal;
}

/* A signal again and again ends a wait for a lingering connection's last bytes. */
static void impatient(timer_t timer, long nanoseconds)
{
    const struct itimerspec times = {
        .it_interval.tv_nsec = nanoseconds, .it_value.tv_nsec = nanoseconds};
    (void)timer_settime(timer, 0, &times, NULL);
}

static void *work(void *userdata)
{
    struct closer *closer = userdata;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = IMPATIENT};
    event.sigev_notify_thread_id = gettid();
    timer_t timer;
    bool timed = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
    for (;;) {
        int fd;
        ssize_t got = read(closer->take, &fd, sizeof fd);
        if (got < 0 && errno == EINTR)
            continue;
        if (got != sizeof fd)
            break;
        if (timed)
            impatient(timer, IMPATIENT_NS);
        close(fd);
        if (timed)
            impatient(timer, 0);
        atomic_fetch_sub(&closer->waiting, 1);
    }
    if (timed)
        timer_delete(timer);
    return NULL;
}

static void free_closer(struct closer **closer)
{
    if (!*closer)
        return;
    close((*closer)->take);
    close((*closer)->give);
    free(*closer);
}

static enum kc_status start_thread(struct closer *closer)
{
    const struct sigaction action = {.sa_handler = on_impatient};
    pthread_attr_t attributes;
    if (sigaction(IMPATIENT, &action, NULL) != 0 || pthread_attr_init(&attributes) != 0)
        return KC_SYSTEM;
    bool started = pthread_attr_setstacksize(&attributes, STACK_SIZE) == 0 &&
                   pthread_create(&closer->thread, &attributes, work, closer) == 0;
    pthread_attr_destroy(&attributes);
    return started ? KC_OK : KC_SYSTEM;
}

enum kc_status closer_new(struct closer **ret_closer)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return KC_SYSTEM;
    KC_CLEANUP(free_closer) struct closer *closer = calloc(1, sizeof *closer);
    if (!closer) {
        close(ends[0]);
        close(ends[1]);
        return KC_NO_MEMORY;
    }
    closer->take = ends[0];
    closer->give = ends[1];
    if (fcntl(closer->give, F_SETFL, O_NONBLOCK) != 0)
        return KC_SYSTEM;
    enum kc_status status = start_thread(closer);
    if (status == KC_OK)
        *ret_closer = KC_TAKE(closer);
    return status;
}

void closer_free(struct closer *closer)
{
    struct timespec end;
    if (!closer)
        return;
    close(closer->give);
    closer->give = -1;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += END_SECONDS;
    /* A thread that is still busy needs what is left; both go with the process. */
    if (pthread_timedjoin_np(closer->thread, NULL, &end) != 0)
        return;
    close(closer->take);
    free(closer);
}

void closer_take(struct closer *closer, int fd)
{
    atomic_fetch_add(&closer->waiting, 1);
    /* A pipe has room for many times what may be open. If not: better one left open than a wait. */
    if (write(closer->give, &fd, sizeof fd) != sizeof fd)
        atomic_fetch_sub(&closer->waiting, 1);
}

bool closer_behind(const struct closer *closer)
{
    return atomic_load(&closer->waiting) >= WAITING_MAX;
}
