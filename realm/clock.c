/*
 * The realm's clock, which control can move.
 * Used by whatever compares or writes a time.
 * Never used for waiting: it jumps when control says so.
 */
#include "realm/realm.h"

#include <time.h>

int64_t realm_now_ms(const struct realm *realm)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + realm->clock_offset_ms;
}

int64_t realm_now(const struct realm *realm)
{
    return realm_now_ms(realm) / 1000;
}
