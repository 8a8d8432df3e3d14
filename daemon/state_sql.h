/*
 * The statements of the database, and its tables.
 * Used by state_db.c alone.
 * Must never change without STATE_DB_VERSION: a file's tables are compared with these.
 */
#ifndef DAEMON_STATE_SQL_H
#define DAEMON_STATE_SQL_H

#include "daemon/state_row.h"

#define STATE_SQL_CREATES (STATE_TABLES + 1)

/* The columns stand in the order of state_columns. */
struct state_sql {
    const char *select;
    const char *put;    /* of whose a name or number is: changes nothing where it is another id's */
    const char *remove;
    const char *adopt;  /* in the place of another id's, where `put` would not */
};

extern const char *const state_sql_create[STATE_SQL_CREATES];
extern const struct state_sql state_sql[STATE_TABLES];
extern const char state_sql_forget[];
extern const char state_sql_keep[]; /* kind, id, at, text */
extern const char state_sql_kept[]; /* kind, id: at, text */

#endif
