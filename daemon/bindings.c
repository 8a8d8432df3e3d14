/*
 * Whose names and numbers are that no living user has: of users who are gone or were called
 * otherwise, and of all groups.
 * Used by owner.c and remember.c, beside people.c.
 * Must never let a name or number go by itself.
 */
#include "daemon/bindings.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct bindings {
    void *names; /* trees (tsearch) */
    void *uids;
    void *gids;
    LIST_HEAD(, binding) unsaved;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct binding *)a)->name, ((const struct binding *)b)->name);
}

static int compare_numbers(const void *a, const void *b)
{
    const uint32_t x = ((const struct binding *)a)->number;
    const uint32_t y = ((const struct binding *)b)->number;
    return (x > y) - (x < y);
}

typedef int compare(const void *a, const void *b);

static compare *order_of(enum state_table table)
{
    return table == STATE_NAMES ? compare_names : compare_numbers;
}

static void *const *tree_of(const struct bindings *bindings, enum state_table table)
{
    switch (table) {
    case STATE_NAMES:
        return &bindings->names;
    case STATE_UIDS:
        return &bindings->uids;
    default:
        return &bindings->gids;
    }
}

static struct binding *find(
    const struct bindings *bindings, enum state_table table, const struct binding *key)
{
    struct binding *const *node = tfind(key, tree_of(bindings, table), order_of(table));
    return node ? *node : NULL;
}

const struct binding *bindings_name(const struct bindings *bindings, const char *name)
{
    const struct binding key = {.name = name};
    return find(bindings, STATE_NAMES, &key);
}

const struct binding *bindings_number(
    const struct bindings *bindings, enum state_table table, uint32_t number)
{
    const struct binding key = {.number = number};
    return find(bindings, table, &key);
}

static void mark(struct bindings *bindings, struct binding *binding)
{
    if (!binding->dirty)
        LIST_INSERT_HEAD(&bindings->unsaved, binding, link);
    binding->dirty = true;
}

static struct binding *make(const struct state_row *row)
{
    const char *name = row->table == STATE_NAMES ? row->name : "";
    const size_t name_size = strlen(name) + 1, id_size = strlen(row->id) + 1;
    struct binding *binding = calloc(1, sizeof *binding + name_size + id_size);
    if (!binding)
        return NULL;
    binding->table = row->table;
    binding->number = row->number;
    binding->group = row->group;
    binding->allocated = row->allocated;
    binding->adopted = row->adopted;
    binding->name = memcpy(binding->memory, name, name_size);
    binding->id = memcpy(binding->memory + name_size, row->id, id_size);
    return binding;
}

enum kc_status bindings_put(struct bindings *bindings, const struct state_row *row, bool saved)
{
    void **tree = (void **)(uintptr_t)tree_of(bindings, row->table);
    struct binding *binding = make(row);
    if (!binding)
        return KC_NO_MEMORY;
    struct binding **node = tsearch(binding, tree, order_of(row->table));
    if (!node) {
        free(binding);
        return KC_NO_MEMORY;
    }
    struct binding *before = *node;
    *node = binding; /* equal in the tree's order */
    if (before != binding) {
        if (before->dirty)
            LIST_REMOVE(before, link);
        free(before);
    }
    if (!saved)
        mark(bindings, binding);
    return KC_OK;
}

struct search {
    const char *id;
    uint32_t number;
    uint32_t highest;
    bool allocated;
};

static void look(const void *node, VISIT visit, void *closure)
{
    struct search *search = closure;
    const struct binding *binding = *(struct binding *const *)node;
    if ((visit != postorder && visit != leaf) || strcmp(binding->id, search->id) != 0 ||
        (search->allocated && !binding->allocated))
        return;
    search->number = binding->number;
    search->allocated = binding->allocated;
}

static void look_for_highest(const void *node, VISIT visit, void *closure)
{
    struct search *search = closure; /* up to `number`; the result is another one's */
    const struct binding *binding = *(struct binding *const *)node;
    if ((visit == postorder || visit == leaf) && binding->number <= search->number &&
        !binding->allocated)
        search->highest = binding->number; /* in their order */
}

uint32_t bindings_highest(const struct bindings *bindings, enum state_table table, uint32_t last)
{
    struct search search = {.number = last};
    twalk_r(*tree_of(bindings, table), look_for_highest, &search);
    return search.highest;
}

uint32_t bindings_number_of(
    const struct bindings *bindings, enum state_table table, const char *id)
{
    struct search search = {.id = id};
    twalk_r(*tree_of(bindings, table), look, &search);
    return search.number;
}

bool bindings_next_unsaved(struct bindings *bindings, struct state_row *ret_row)
{
    struct binding *binding = LIST_FIRST(&bindings->unsaved);
    if (!binding)
        return false;
    LIST_REMOVE(binding, link);
    binding->dirty = false;
    *ret_row = (struct state_row){
        .table = binding->table,
        .name = binding->name,
        .number = binding->number,
        .group = binding->group,
        .allocated = binding->allocated,
        .adopted = binding->adopted,
        .id = binding->id,
    };
    return true;
}

static void unsave(const void *node, VISIT visit, void *closure)
{
    if (visit == postorder || visit == leaf)
        mark(closure, *(struct binding *const *)node);
}

void bindings_unsave(struct bindings *bindings)
{
    twalk_r(bindings->names, unsave, bindings);
    twalk_r(bindings->uids, unsave, bindings);
    twalk_r(bindings->gids, unsave, bindings);
}

enum kc_status bindings_new(struct bindings **ret_bindings)
{
    struct bindings *bindings = calloc(1, sizeof *bindings);
    if (!bindings)
        return KC_NO_MEMORY;
    *ret_bindings = bindings;
    return KC_OK;
}

void bindings_free(struct bindings *bindings)
{
    if (!bindings)
        return;
    tdestroy(bindings->names, free);
    tdestroy(bindings->uids, free);
    tdestroy(bindings->gids, free);
    free(bindings);
}
