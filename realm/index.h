/*
 * An index: from a text to the thing that has it, in constant time.
 * Used by people for users and groups by their id and users by their name.
 * Never owns texts or things: it is made anew before one of them goes.
 */
#ifndef REALM_INDEX_H
#define REALM_INDEX_H

#include <stddef.h>

struct realm_index {
    struct realm_index_slot {
        const char *text; /* NULL: free */
        void *thing;
    } * slots;
    size_t room, count; /* the room is a power of two, and never more than half full */
};

/* The first thing that came in under a text stays. */
void realm_index_put(struct realm_index *index, const char *text, void *thing);

/* NULL where nothing has the text; `text` may be NULL. */
void *realm_index_find(const struct realm_index *index, const char *text);

void realm_index_free(struct realm_index *index);

#endif
