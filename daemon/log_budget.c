/*
 * How many lines a caller's refusals may make in the log.
 * Used by connections.c.
 * Must never grow: those for whom there is no place in the table share one.
 */
#include "daemon/log_budget.h"

#include "daemon/clock.h"

#include <stdlib.h>

#define OTHERS LOG_BUDGET_CALLERS

struct account {
    bool used;
    bool privileged; /* at which socket */
    uint32_t uid;
    uint64_t end_us; /* of the time that is counted */
    uint64_t lines;
};

struct log_budget {
    sd_event_source *timer;
    log_budget_report *report;
    struct account accounts[LOG_BUDGET_CALLERS + 1]; /* the last one is of all others together */
};

static void settle(struct log_budget *budget, struct account *account)
{
    bool others = account == &budget->accounts[OTHERS];
    if (account->lines > LOG_BUDGET_LINES)
        budget->report(
            account->privileged, others ? NULL : &account->uid, account->lines - LOG_BUDGET_LINES);
    *account = (struct account){0};
}

/* The timer rings when the next account is due, and not at all where there is none. */
static void plan(struct log_budget *budget)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i <= OTHERS; i++)
        if (budget->accounts[i].used && budget->accounts[i].end_us < next)
            next = budget->accounts[i].end_us;
    if (next == UINT64_MAX || sd_event_source_set_time(budget->timer, next) < 0)
        return;
    (void)sd_event_source_set_enabled(budget->timer, SD_EVENT_ONESHOT);
}

void log_budget_pass(struct log_budget *budget, uint64_t now_us)
{
    for (size_t i = 0; i <= OTHERS; i++)
        if (budget->accounts[i].used && budget->accounts[i].end_us <= now_us)
            settle(budget, &budget->accounts[i]);
    plan(budget);
}

static int on_end(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)source;
    log_budget_pass(userdata, now);
    return 0;
}

enum kc_status log_budget_new(
    sd_event *event, log_budget_report *report, struct log_budget **ret_budget)
{
    struct log_budget *budget = calloc(1, sizeof *budget);
    if (!budget)
        return KC_NO_MEMORY;
    budget->report = report;
    if (sd_event_add_time(event, &budget->timer, CLOCK_MONOTONIC, 0, 0, on_end, budget) < 0 ||
        sd_event_source_set_enabled(budget->timer, SD_EVENT_OFF) < 0) {
        sd_event_source_disable_unref(budget->timer);
        free(budget);
        return KC_SYSTEM;
    }
    *ret_budget = budget;
    return KC_OK;
}

void log_budget_free(struct log_budget *budget)
{
    if (!budget)
        return;
    for (size_t i = 0; i <= OTHERS; i++)
        settle(budget, &budget->accounts[i]);
    sd_event_source_disable_unref(budget->timer);
    free(budget);
}

static struct account *account_of(struct log_budget *budget, bool privileged, uint32_t uid)
{
    struct account *room = &budget->accounts[OTHERS];
    for (size_t i = 0; i < LOG_BUDGET_CALLERS; i++) {
        struct account *account = &budget->accounts[i];
        if (account->used && account->privileged == privileged && account->uid == uid)
            return account;
        if (!account->used && room == &budget->accounts[OTHERS])
            room = account;
    }
    return room;
}

bool log_budget_line(struct log_budget *budget, bool privileged, uint32_t uid)
{
    struct account *account = account_of(budget, privileged, uid);
    if (!account->used) {
        *account = (struct account){.used = true,
            .privileged = privileged,
            .uid = uid,
            .end_us = clock_us() + LOG_BUDGET_SECONDS * CLOCK_SECOND_US};
        plan(budget);
    }
    return ++account->lines <= LOG_BUDGET_LINES;
}
