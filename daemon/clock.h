/*
 * The clock of deadlines and pauses.
 * Used all over the daemon; times of day come from time(2).
 * Must never be compared with a time of day.
 */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_SECOND_US ((uint64_t)1000000)

/* CLOCK_MONOTONIC in microseconds, as sd-event counts. */
static inline uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * CLOCK_SECOND_US + (uint64_t)now.tv_nsec / 1000U;
}

#endif
