/*
 * An index: from a text to the thing that has it, in constant time.
 * Used by people for users and groups by their id and users by their name.
 * Never owns texts or things: it is made anew before one of them goes.
 */
#include "realm/index.h"

#include "realm/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

/* FNV-1a; who fills a demo realm is no enemy of it. */
static size_t place(const struct realm_index *index, const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return (size_t)(hash ^ hash >> 32) & (index->room - 1);
}

/* The slot that has the text, or the free one where it would stand. */
static struct realm_index_slot *slot_of(const struct realm_index *index, const char *text)
{
    size_t at = place(index, text);
    while (index->slots[at].text != NULL && strcmp(index->slots[at].text, text) != 0)
        at = (at + 1) & (index->room - 1);
    return &index->slots[at];
}

static void grow(struct realm_index *index)
{
    struct realm_index larger = {.room = index->room ? 2 * index->room : FIRST_ROOM};
    larger.slots = realm_text_room(larger.room, sizeof(*larger.slots));
    for (size_t i = 0; i < index->room; i++)
        if (index->slots[i].text != NULL)
            realm_index_put(&larger, index->slots[i].text, index->slots[i].thing);
    realm_index_free(index);
    *index = larger;
}

void realm_index_put(struct realm_index *index, const char *text, void *thing)
{
    if (2 * (index->count + 1) > index->room)
        grow(index);
    struct realm_index_slot *slot = slot_of(index, text);
    if (slot->text != NULL)
        return;
    *slot = (struct realm_index_slot){text, thing};
    index->count++;
}

void *realm_index_find(const struct realm_index *index, const char *text)
{
    return index->room == 0 || text == NULL ? NULL : slot_of(index, text)->thing;
}

void realm_index_free(struct realm_index *index)
{
    free(index->slots);
    *index = (struct realm_index){NULL, 0, 0};
}
