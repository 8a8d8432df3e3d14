/*
 * Sleep: notices that the host has slept, while no time passed on the clock of freshness.
 * Used by the directory.
 * Must never take a clock that was set for a sleep.
 */
#include "daemon/wake.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#define SLEEP_MIN_MS 1000

struct wake {
    int timer; /* descriptor */
    sd_event_source *source;
    int64_t asleep_ms; /* since boot, at the last look */
    wake_slept *slept;
    void *userdata;
};

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* How long the host has slept since boot: one clock counts that, and the other does not. */
static int64_t asleep_ms(void)
{
    return clock_ms(CLOCK_BOOTTIME) - clock_ms(CLOCK_MONOTONIC);
}

void wake_look(struct wake *wake)
{
    const int64_t now = asleep_ms(), slept = now - wake->asleep_ms;
    if (slept < SLEEP_MIN_MS)
        return;
    wake->asleep_ms = now;
    wake->slept(wake->userdata, (slept + 999) / 1000);
}

/* The kernel cancels a timer of the day's clock when that clock jumps, as it does after a sleep. */
static enum kc_status arm(const struct wake *wake)
{
    const struct itimerspec never = {
        .it_value.tv_sec = sizeof(time_t) > 4 ? LONG_MAX / 4096 : INT_MAX};
    return timerfd_settime(
               wake->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0
               ? KC_OK
               : KC_SYSTEM;
}

static int on_jump(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    struct wake *wake = userdata;
    uint64_t expirations;
    (void)source;
    (void)events;
    if (read(fd, &expirations, sizeof expirations) < 0) { /* ECANCELED, and it is to be set anew */
        (void)arm(wake);
        wake_look(wake);
    }
    return 0;
}

enum kc_status wake_new(
    struct sd_event *event, wake_slept *slept, void *userdata, struct wake **ret_wake)
{
    struct wake *wake = calloc(1, sizeof *wake);
    if (!wake)
        return KC_NO_MEMORY;
    *wake = (struct wake){.slept = slept, .userdata = userdata, .asleep_ms = asleep_ms()};
    wake->timer = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (wake->timer < 0 || arm(wake) != KC_OK ||
        sd_event_add_io(event, &wake->source, wake->timer, EPOLLIN, on_jump, wake) < 0) {
        wake_free(wake);
        return KC_SYSTEM;
    }
    *ret_wake = wake;
    return KC_OK;
}

void wake_free(struct wake *wake)
{
    if (!wake)
        return;
    sd_event_source_disable_unref(wake->source);
    if (wake->timer >= 0)
        close(wake->timer);
    free(wake);
}
