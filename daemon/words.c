/*
 * Which words of the snapshot's table of freshness belong to which user or group.
 * Used by the directory.
 * Must never give a word to somebody while readers may still look at it for somebody else.
 */
#include "daemon/words.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* Names of the last run: a word and where its name begins. */
struct found {
    uint32_t word;
    uint32_t name;
};

struct list {
    uint32_t *items;
    size_t count;
    size_t room;
};

struct words {
    uint32_t next; /* no word from here on was ever given out */
    struct found *found;
    size_t count, room;
    size_t groups; /* the index of the first group among `found` */
    char *names;
    size_t names_size, names_room;
    bool kept;          /* `found` still counts */
    struct list gone;   /* readers may be at the arena that has them */
    struct list leaving; /* that arena is the one before; a reader may have begun in it */
    struct list free;
};

/* Room for one more of `size` bytes each. */
static bool grow(void *array, size_t *room, size_t needed, size_t size)
{
    void **items = array;
    if (needed <= *room)
        return true;
    const size_t more = *room ? *room * 2 : 64;
    void *bigger = realloc(*items, (more > needed ? more : needed) * size);
    if (!bigger)
        return false;
    *items = bigger;
    *room = more > needed ? more : needed;
    return true;
}

static void push(struct list *list, uint32_t word)
{
    if (grow(&list->items, &list->room, list->count + 1, sizeof *list->items))
        list->items[list->count++] = word;
}

enum kc_status words_new(struct words **ret_words)
{
    struct words *words = calloc(1, sizeof *words);
    if (!words)
        return KC_NO_MEMORY;
    words->kept = true;
    *ret_words = words;
    return KC_OK;
}

static void drop_found(struct words *words)
{
    free(words->found);
    free(words->names);
    words->found = NULL;
    words->names = NULL;
    words->count = words->room = words->names_size = words->names_room = 0;
    words->kept = false;
}

void words_free(struct words *words)
{
    if (!words)
        return;
    drop_found(words);
    free(words->gone.items);
    free(words->leaving.items);
    free(words->free.items);
    free(words);
}

enum kc_status words_found(struct words *words, bool group, const char *name, uint32_t word)
{
    const size_t length = strlen(name) + 1;
    if (word >= words->next)
        words->next = word + 2;
    if (!grow(&words->found, &words->room, words->count + 1, sizeof *words->found) ||
        !grow(&words->names, &words->names_room, words->names_size + length, 1))
        return KC_NO_MEMORY;
    memcpy(words->names + words->names_size, name, length);
    words->found[words->count++] = (struct found){word, (uint32_t)words->names_size};
    words->names_size += length;
    if (!group)
        words->groups = words->count;
    return KC_OK;
}

static struct found *find(const struct words *words, bool group, const char *name)
{
    size_t low = group ? words->groups : 0, high = group ? words->count : words->groups;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(words->names + words->found[middle].name, name);
        if (order == 0)
            return &words->found[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

uint32_t words_take(struct words *words, bool group, const char *name)
{
    struct found *found = words->kept ? find(words, group, name) : NULL;
    uint32_t word = NONE;
    if (found && found->word != NONE) {
        word = found->word;
        found->word = NONE;
        return word;
    }
    if (words->free.count > 0)
        return words->free.items[--words->free.count];
    word = words->next;
    words->next += 2;
    return word;
}

void words_give_back(struct words *words, uint32_t word)
{
    push(&words->gone, word);
}

void words_published(struct words *words)
{
    for (size_t i = 0; i < words->leaving.count; i++)
        push(&words->free, words->leaving.items[i]);
    const struct list empty = {words->leaving.items, 0, words->leaving.room};
    words->leaving = words->gone;
    words->gone = empty;
    if (!words->kept)
        return;
    for (size_t i = 0; i < words->count; i++)
        if (words->found[i].word != NONE)
            push(&words->gone, words->found[i].word);
    drop_found(words);
}
