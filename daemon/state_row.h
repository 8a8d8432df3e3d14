/*
 * What a row of the database says, and whether it may be believed.
 * Used by state_db.c to read and write, by the directory to fill rows. Pure: it knows no SQLite.
 * Must never let through a name, number or text that the realm's own answers would not get through.
 */
#ifndef DAEMON_STATE_ROW_H
#define DAEMON_STATE_ROW_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order in which they are read. */
enum state_table {
    STATE_REALM,  /* one row: whose realm, until when the last sweep is fresh, the clock */
    STATE_GROUPS, /* last known */
    STATE_USERS,  /* last known */
    STATE_NAMES,  /* whose a name is */
    STATE_UIDS,
    STATE_GIDS,
    STATE_TABLES
};

#define STATE_COLUMNS_MAX 12
#define STATE_ISSUER_MAX 1024u

/* Texts and lists are borrowed, but in a copy. Times are seconds of the epoch. */
struct state_row {
    enum state_table table;
    bool remove;        /* the row with this key goes */
    bool adopted;       /* an administrator's word: it may take the place of another id's */
    const char *id;     /* the realm's, of a user or a group; STATE_REALM: the issuer */
    const char *name;
    bool group; /* STATE_NAMES: a group's */
    uint32_t number;    /* uid; of a group its gid; STATE_REALM: 1 */
    bool allocated;     /* the number is this host's own */
    uint32_t gid;   /* a user's primary one; STATE_REALM: what groups are served, in a number */
    bool enabled;
    bool swept;         /* as fresh as the last sweep */
    int64_t until;      /* fresh until then */
    int64_t gids_until; /* STATE_REALM: when this was written */
    const char *gecos;
    const char *home;
    const char *shell;
    const uint32_t *gids;
    uint32_t gid_count;
    void *memory; /* of a copy: everything above lies in it */
    size_t size;  /* of that */
};

/* How a column is kept, and what its values may be. */
enum state_column_type {
    STATE_COLUMN_ID,
    STATE_COLUMN_NAME,
    STATE_COLUMN_FIELD, /* of a passwd line */
    STATE_COLUMN_ISSUER,
    STATE_COLUMN_NUMBER,
    STATE_COLUMN_BOOL,
    STATE_COLUMN_TIME,
    STATE_COLUMN_GIDS,
};

struct state_column {
    enum state_column_type type;
    size_t offset; /* in struct state_row; of STATE_COLUMN_GIDS: of `gids` */
};

struct state_columns {
    unsigned count; /* the first one is the key */
    struct state_column columns[STATE_COLUMNS_MAX];
};

extern const struct state_columns state_columns[STATE_TABLES];

/* A value as it lies in a row. Texts need no NUL; a list of gids is a blob of host order. */
struct state_value {
    enum { STATE_NULL, STATE_INTEGER, STATE_TEXT, STATE_BLOB } type;
    int64_t integer;
    const void *bytes;
    size_t length;
};

/*
 * Reads a row of `table` from its columns' values. The row is a copy, to be freed with
 * state_row_free. KC_MALFORMED: it says what no row may say; KC_NO_MEMORY.
 */
enum kc_status state_row_read(
    enum state_table table, const struct state_value *values, struct state_row *ret_row);

/* The value of a column, borrowed from the row. */
struct state_value state_row_value(const struct state_row *row, const struct state_column *column);

/* KC_NO_MEMORY. */
enum kc_status state_row_copy(const struct state_row *row, struct state_row *ret_row);
void state_row_free(struct state_row *row);

#endif
