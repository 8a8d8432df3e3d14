/*
 * How long to leave a server alone that did not answer.
 * Used by refresh.c for the realm, by endpoint.c for one of its addresses.
 * Must never make hosts that were started together ask together.
 */
#ifndef DAEMON_BACKOFF_H
#define DAEMON_BACKOFF_H

#include <stdint.h>

#define BACKOFF_MAX_US ((uint64_t)60 * 1000000)

/* Microseconds after the nth failure in a row, counted from 0: one second, doubled each time, at
 * most a minute, and up to a third less by chance. */
uint64_t backoff_us(unsigned failures);

/* A span with up to a third of it taken away by chance. */
uint64_t backoff_jitter(uint64_t span_us);

#endif
