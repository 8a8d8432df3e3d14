/*
 * The database from within: state_file.c opens it, state_db.c reads and writes it.
 * Used by those two alone; everybody else has state_db.h.
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

#endif
