/*
 * Who was refused a name or number because it is bound to somebody else, until an administrator has
 * it taken over.
 * Used by owner.c.
 * Must never grow with what a realm claims, nor let it fill the log.
 */
#include "daemon/claims.h"

#include <stdlib.h>
#include <string.h>

struct claims {
    struct claim items[CLAIMS_MAX]; /* a ring; an id of NULL: none */
    unsigned next;
    unsigned lines;
    uint32_t until; /* the lines are counted so far */
};

enum kc_status claims_new(struct claims **ret_claims)
{
    struct claims *claims = calloc(1, sizeof *claims);
    if (!claims)
        return KC_NO_MEMORY;
    *ret_claims = claims;
    return KC_OK;
}

void claims_free(struct claims *claims)
{
    for (unsigned i = 0; claims && i < CLAIMS_MAX; i++)
        free(claims->items[i].id);
    free(claims);
}

static bool is_same(const struct claim *a, const struct claim *b)
{
    return a->id && a->group == b->group && a->number == b->number &&
           strcmp(a->name, b->name) == 0 && strcmp(a->id, b->id) == 0;
}

static enum claims_word count_line(struct claims *claims, uint32_t now)
{
    if (now >= claims->until) {
        claims->until = now + CLAIMS_SECONDS;
        claims->lines = 0;
    }
    if (claims->lines >= CLAIMS_LINES)
        return CLAIMS_SAID;
    return ++claims->lines == CLAIMS_LINES ? CLAIMS_LAST : CLAIMS_SAY;
}

enum claims_word claims_note(struct claims *claims, const struct claim *claim, uint32_t now)
{
    for (unsigned i = 0; i < CLAIMS_MAX; i++)
        if (is_same(&claims->items[i], claim))
            return CLAIMS_SAID;
    struct claim copy = *claim;
    copy.id = strdup(claim->id);
    if (copy.id) {
        free(claims->items[claims->next].id);
        claims->items[claims->next] = copy;
        claims->next = (claims->next + 1) % CLAIMS_MAX;
    }
    /* the ring has the id: lint: -Wanalyzer-malloc-leak */
    return count_line(claims, now);
}

const struct claim *claims_find(const struct claims *claims, const char *name)
{
    for (unsigned back = 1; back <= CLAIMS_MAX; back++) {
        const struct claim *claim = &claims->items[(claims->next + CLAIMS_MAX - back) % CLAIMS_MAX];
        if (claim->id && strcmp(claim->name, name) == 0)
            return claim;
    }
    return NULL;
}

void claims_drop(struct claims *claims, const char *name)
{
    for (unsigned i = 0; i < CLAIMS_MAX; i++)
        if (claims->items[i].id && strcmp(claims->items[i].name, name) == 0) {
            free(claims->items[i].id);
            claims->items[i] = (struct claim){0};
        }
}
