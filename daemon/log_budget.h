/*
 * How many lines a caller's refusals may make in the log: a few a minute, then one that counts the
 * rest.
 * Used by connections.c, for callers without authority.
 * Must never grow: those for whom there is no place in the table share one.
 */
#ifndef DAEMON_LOG_BUDGET_H
#define DAEMON_LOG_BUDGET_H

#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define LOG_BUDGET_LINES 10
#define LOG_BUDGET_SECONDS 60
#define LOG_BUDGET_CALLERS 64

struct log_budget;

/* Writes what was left out about one caller; `uid` is NULL where it was about many. */
typedef void log_budget_report(bool privileged, const uint32_t *uid, uint64_t lines);

/* Borrows the event. KC_NO_MEMORY, KC_SYSTEM. */
enum kc_status log_budget_new(
    sd_event *event, log_budget_report *report, struct log_budget **ret_budget);

/* Reports what was left out so far. */
void log_budget_free(struct log_budget *budget);

/* Whether one more line may be written about a caller at this socket. Counts it, either way. */
bool log_budget_line(struct log_budget *budget, bool privileged, uint32_t uid);

/* What the timer does at its time (clock_us()): reports, and begins anew, where the time is over.
 */
void log_budget_pass(struct log_budget *budget, uint64_t now_us);

#endif
