/*
 * Sleep: notices that the host has slept, while no time passed on the clock of freshness.
 * Used by the directory.
 * Must never take a clock that was set for a sleep.
 */
#ifndef DAEMON_WAKE_H
#define DAEMON_WAKE_H

#include "common/status.h"

#include <stdint.h>

struct sd_event;
struct wake;

typedef void wake_slept(void *userdata, int64_t seconds);

/* Watches: calls `slept` after each sleep of a second or more, with its length, a part of a second
 * counted as one. KC_SYSTEM, KC_NO_MEMORY. */
enum kc_status wake_new(
    struct sd_event *event, wake_slept *slept, void *userdata, struct wake **ret_wake);
void wake_free(struct wake *wake);

/* Looks now, and calls `slept` where the host has slept since the last look. */
void wake_look(struct wake *wake);

#endif
