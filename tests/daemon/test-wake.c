/*
 * A host that sleeps, and one whose clock is set: the kernel's part is played by wrapped calls.
 */
#include "daemon/wake.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_timerfd_create(clockid_t clock, int flags);
int __wrap_timerfd_settime(
    int fd, int flags, const struct itimerspec *value, struct itimerspec *before);
ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size);

static time_t slept;
static int timer = -1, armed;

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    const int done = __real_clock_gettime(clock, time);
    if (clock == CLOCK_BOOTTIME)
        time->tv_sec += slept;
    return done;
}

/* A descriptor that can be read says that the kernel has cancelled the timer. */
int __wrap_timerfd_create(clockid_t clock, int flags)
{
    (void)flags;
    assert_int_equal(clock, CLOCK_REALTIME);
    return timer = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

int __wrap_timerfd_settime(
    int fd, int flags, const struct itimerspec *value, struct itimerspec *before)
{
    (void)before;
    assert_int_equal(fd, timer);
    assert_int_equal(flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
    assert_true(value->it_value.tv_sec > 4000000000);
    armed++;
    return 0;
}

ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    const ssize_t got = __real_read(fd, bytes, size);
    if (fd != timer || got < 0)
        return got;
    errno = ECANCELED;
    return -1;
}

static void jump(sd_event *event)
{
    const uint64_t one = 1;
    assert_int_equal(write(timer, &one, sizeof one), sizeof one);
    assert_true(sd_event_run(event, 0) > 0);
}

static int64_t length;

static void count(void *userdata, int64_t seconds)
{
    ++*(unsigned *)userdata;
    length = seconds;
}

static void test_sleep_is_noticed_and_a_set_clock_is_none(void **state)
{
    sd_event *event = NULL;
    struct wake *wake = NULL;
    unsigned times = 0;
    (void)state;
    assert_true(sd_event_new(&event) >= 0);
    slept = 3600;
    assert_int_equal(wake_new(event, count, &times, &wake), KC_OK);
    assert_int_equal(armed, 1);
    wake_look(wake);
    assert_int_equal(times, 0); /* what was slept before counts for nothing */
    slept += 600;
    wake_look(wake);
    wake_look(wake);
    assert_int_equal(times, 1);
    assert_in_range(length, 600, 601);
    slept += 2;
    wake_look(wake);
    assert_int_equal(times, 2);
    assert_in_range(length, 2, 3);
    /* by the timer, which is set anew each time */
    slept += 5;
    jump(event);
    assert_int_equal(times, 3);
    assert_int_equal(armed, 2);
    jump(event); /* a clock that was set, back or forth */
    assert_int_equal(times, 3);
    assert_int_equal(armed, 3);
    wake_free(wake);
    sd_event_unref(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sleep_is_noticed_and_a_set_clock_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
