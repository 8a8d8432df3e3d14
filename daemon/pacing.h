/*
 * How long a refusal takes that the realm was not asked for: as long as one that it was.
 * Used by login.c for sshd's dummy password, empty passwords and names that nobody knows.
 * Must never let the time of an answer tell which of them it was (lesson 28).
 */
#ifndef DAEMON_PACING_H
#define DAEMON_PACING_H

#include <stddef.h>
#include <stdint.h>

#define PACING_KEPT 32
#define PACING_MIN_MS 20
#define PACING_MAX_MS 2000

struct pacing {
    uint32_t recent_ms[PACING_KEPT]; /* what the realm's own latest refusals took */
    size_t count;                    /* ever noted */
};

/* Notes that the realm took so long to refuse somebody. */
void pacing_note(struct pacing *pacing, uint64_t ms);

/* Milliseconds for the next refusal: one of the recent ones, at random; 50 to 150 before any. */
uint64_t pacing_draw(const struct pacing *pacing);

#endif
