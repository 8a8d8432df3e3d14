/*
 * Whose names and numbers are that no living user has: of users who are gone or were called
 * otherwise, and of all groups.
 * Used by owner.c and remember.c, beside people.c.
 * Must never let a name or number go by itself.
 */
#ifndef DAEMON_BINDINGS_H
#define DAEMON_BINDINGS_H

#include "daemon/state_row.h"

#include <sys/queue.h>

/* A name (STATE_NAMES), a uid or a gid, and the realm's id that has it. */
struct binding {
    enum state_table table;
    uint32_t number;
    bool group;     /* of STATE_NAMES */
    bool allocated; /* of STATE_UIDS */
    bool adopted;   /* an administrator's word: the disk may have another id */
    bool dirty;     /* in `unsaved` */
    LIST_ENTRY(binding) link;
    const char *name; /* empty for a number */
    const char *id;
    char memory[]; /* of both */
};

struct bindings;

enum kc_status bindings_new(struct bindings **ret_bindings); /* KC_NO_MEMORY */
void bindings_free(struct bindings *bindings);

/* NULL: nobody's. Borrowed until it is put again. */
const struct binding *bindings_name(const struct bindings *bindings, const char *name);
const struct binding *bindings_number(
    const struct bindings *bindings, enum state_table table, uint32_t number);

/*
 * Binds, in the place of what was bound. The row's table, id, name, number, group, allocated and
 * adopted count. `saved`: it came from the disk. KC_NO_MEMORY: what was bound stays.
 */
enum kc_status bindings_put(struct bindings *bindings, const struct state_row *row, bool saved);

/* The number of a table that this host gave to `id`, or any of the id's; 0: none. */
uint32_t bindings_number_of(
    const struct bindings *bindings, enum state_table table, const char *id);

/* The highest number of a table that is bound, not above `last`, and not of this host's own
 * allocation, which begins at the range's end; 0: none. */
uint32_t bindings_highest(
    const struct bindings *bindings, enum state_table table, uint32_t last);

/* Takes one that is to be written; false: there is none. The row's texts are borrowed. */
bool bindings_next_unsaved(struct bindings *bindings, struct state_row *ret_row);

/* All are to be written. */
void bindings_unsave(struct bindings *bindings);

#endif
