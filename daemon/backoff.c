/*
 * How long to leave a server alone that did not answer.
 * Used by refresh.c and endpoint.c.
 * Must never give more than a minute.
 */
#include "daemon/backoff.h"
#include "daemon/clock.h"

#include <sys/random.h>

uint64_t backoff_jitter(uint64_t span_us)
{
    uint32_t random = 0;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
        random = UINT32_MAX / 2;
    return span_us - span_us / 3 * random / UINT32_MAX;
}

uint64_t backoff_us(unsigned failures)
{
    uint64_t span = CLOCK_SECOND_US << (failures < 6 ? failures : 6);
    return backoff_jitter(span < BACKOFF_MAX_US ? span : BACKOFF_MAX_US);
}
