/*
 * What an ASSIGN has to say at its end, for whoever sits at the prompt.
 * Used by assign.c.
 * Must never hold more than one report.
 */
#ifndef DAEMON_ASSIGN_REPORT_H
#define DAEMON_ASSIGN_REPORT_H

#include "common/limits.h"
#include "daemon/assign_plan.h"

#include <stdbool.h>

struct assign_report {
    char text[KC_REPORT_MAX];
    size_t length;
    size_t left_out; /* lines that found no room */
};

/* A line about an item, under its attribute; `why`: it was refused; NULL: it was not. */
void assign_report_item(struct assign_report *report, const struct assign_item *item,
    const char *attribute, const char *why);

struct assign_result {
    const struct assign_plan *plan;
    const struct config *config;
    bool write;
    size_t written, refused;
    enum kc_status status;
    const char *detail;
    const struct assign_item *item; /* that was under way; NULL: none */
};

/* The list of a run that writes nothing, what was left out and why, and what to do next. */
void assign_report_end(struct assign_report *report, const struct assign_result *result);

#endif
