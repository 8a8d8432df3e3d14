/*
 * Names that the realm has just said it does not know.
 * Used by directory.c and fetch.c.
 * Must never keep a name that the realm did not speak of, nor grow with what people ask for.
 */
#ifndef DAEMON_ABSENT_H
#define DAEMON_ABSENT_H

#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

struct absent;

enum kc_status absent_new(struct absent **ret_absent); /* KC_NO_MEMORY, KC_SYSTEM */
void absent_free(struct absent *absent);

/* Keeps a name until then, seconds of CLOCK_MONOTONIC, in the place of another where it must. */
void absent_put(struct absent *absent, const char *name, uint32_t until);

bool absent_has(const struct absent *absent, const char *name, uint32_t now);

/* Forgets all. */
void absent_clear(struct absent *absent);

#endif
