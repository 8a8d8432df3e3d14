/*
 * Who counts as one among the callers, and how many questions each has left.
 * Used by lookup.c, and by connections.c.
 * Must never count two accounts of the realm, or of the host, as one while there is room.
 */
#include "daemon/share.h"

#define BLOCK (UINT64_C(1) << 32) /* no uid: the number of a block of them follows */

uint64_t share_of(const struct kc_bounds *bounds, uint32_t uid)
{
    return uid < 65536 || kc_bounds_id(bounds, uid) ? uid : BLOCK | uid >> 16;
}

static struct share_questions *refill(struct share_questions *questions, uint64_t now_us)
{
    if (now_us >= questions->full_us) {
        questions->left = SHARE_QUESTIONS;
        questions->full_us = now_us + SHARE_US;
    }
    return questions;
}

struct share_questions *share_questions(struct shares *shares, uint64_t share, uint64_t now_us)
{
    struct share_questions *free_one = NULL;
    for (unsigned i = 0; i < shares->count; i++) {
        struct share_questions *questions = &shares->each[i];
        if (questions->share == share)
            return refill(questions, now_us);
        if (now_us >= questions->full_us)
            free_one = questions; /* whole: nothing is lost with it */
    }
    if (!free_one && shares->count < SHARES)
        free_one = &shares->each[shares->count++];
    if (!free_one)
        return refill(&shares->others, now_us);
    *free_one = (struct share_questions){.share = share};
    return refill(free_one, now_us);
}
