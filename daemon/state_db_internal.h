/*
 * The database from within: state_file.c opens it, state_db.c reads and writes it, state_salvage.c
 * reads a damaged one.
 * Used by those alone; everybody else has state_db.h.
 * Must never be known where SQLite is not.
 */
#ifndef DAEMON_STATE_DB_INTERNAL_H
#define DAEMON_STATE_DB_INTERNAL_H

#include "common/cleanup.h"
#include "daemon/state_db.h"
#include "daemon/state_sql.h"

#include <sqlite3.h>

struct state_db {
    sqlite3 *connection;
    bool created; /* by this opening */
    char detail[160];
};

static inline void state_db_finalize(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

#define AUTO_STATEMENT KC_CLEANUP(state_db_finalize)

/* What SQLite's code means; a failure's text is kept for state_db_detail. */
enum kc_status state_db_judge(struct state_db *db, int code);

/* Statements without a value, and one that is to be run step by step. */
enum kc_status state_db_run(struct state_db *db, const char *sql);
enum kc_status state_db_prepare(
    struct state_db *db, const char *sql, sqlite3_stmt **ret_statement);

/* One table in an order of SQL's, "" for any; one row by a statement of its table. */
enum kc_status state_db_read_table(struct state_db *db, enum state_table table, const char *order,
    state_db_each *each, void *userdata, size_t *skipped);
enum kc_status state_db_write_row(
    struct state_db *db, sqlite3_stmt *statement, const struct state_row *row);

/* Ends a transaction, well if `status` is: by then nothing of it is left open. */
enum kc_status state_db_end(struct state_db *db, enum kc_status status);

/* How many names and numbers came over. */
size_t state_salvage(struct state_db *from, struct state_db *to);

#endif
