/*
 * How long a refusal takes that the realm was not asked for.
 * Used by login.c.
 * Must never let the time of an answer tell why it was given.
 */
#include "daemon/pacing.h"

#include <sys/random.h>

#define UNKNOWN_MIN_MS 50 /* one password hash of a Keycloak that nobody has measured yet */
#define UNKNOWN_MAX_MS 150

void pacing_note(struct pacing *pacing, uint64_t ms)
{
    if (ms < PACING_MIN_MS)
        ms = PACING_MIN_MS;
    if (ms > PACING_MAX_MS)
        ms = PACING_MAX_MS;
    pacing->recent_ms[pacing->count++ % PACING_KEPT] = (uint32_t)ms;
}

uint64_t pacing_draw(const struct pacing *pacing)
{
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
        random = (uint32_t)pacing->count; /* early in a boot: any of them will do */
    if (pacing->count == 0)
        return UNKNOWN_MIN_MS + random % (UNKNOWN_MAX_MS - UNKNOWN_MIN_MS);
    size_t kept = pacing->count < PACING_KEPT ? pacing->count : PACING_KEPT;
    return pacing->recent_ms[random % kept];
}
