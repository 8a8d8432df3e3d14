/*
 * Who was refused a name or number because it is bound to somebody else, until an administrator has
 * it taken over.
 * Used by owner.c.
 * Must never grow with what a realm claims, nor let it fill the log.
 */
#ifndef DAEMON_CLAIMS_H
#define DAEMON_CLAIMS_H

#include "common/limits.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

#define CLAIMS_MAX 256u  /* the latest ones */
#define CLAIMS_LINES 64u /* in the log, in CLAIMS_SECONDS */
#define CLAIMS_SECONDS 3600u

/* The realm's `id` wants both. */
struct claim {
    bool group;
    char name[KC_LOOKUP_NAME_MAX];
    uint32_t number;
    char *id;
};

struct claims;

enum claims_word {
    CLAIMS_SAID,  /* known already, or too many were said */
    CLAIMS_SAY,   /* is to be logged */
    CLAIMS_LAST,  /* is to be logged, and that no more will be */
};

enum kc_status claims_new(struct claims **ret_claims); /* KC_NO_MEMORY */
void claims_free(struct claims *claims);

/* Keeps a copy. `now`: seconds of CLOCK_MONOTONIC. */
enum claims_word claims_note(struct claims *claims, const struct claim *claim, uint32_t now);

/* The latest one for that name; NULL: none. Borrowed until the next claims_note. */
const struct claim *claims_find(const struct claims *claims, const char *name);

/* It is settled; should it come again, it is logged again. */
void claims_drop(struct claims *claims, const char *name);

#endif
