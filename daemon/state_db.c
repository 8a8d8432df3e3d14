/*
 * The database's rows and texts, read and written; what SQLite's codes mean.
 * Used by state.c, one thread at a time; state_file.c has the file.
 * Must never leave a transaction half open.
 */
#include "daemon/state_db_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The one translation of SQLite's codes. */
static enum kc_status status_of(int code, int error)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return KC_OK;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return KC_MALFORMED;
    case SQLITE_FULL:
        return KC_NO_ROOM;
    case SQLITE_NOMEM:
        return KC_NO_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return KC_BUSY;
    case SQLITE_TOOBIG:
        return KC_TOO_LARGE;
    case SQLITE_IOERR:
        return error == EFBIG || error == EDQUOT ? KC_NO_ROOM : kc_status_from_errno(error);
    default:
        return KC_SYSTEM;
    }
}

/* The errno of the database's file, or else of its journal: SQLite's own may be of a later call. */
static int file_error(sqlite3 *connection)
{
    sqlite3_file *journal = NULL;
    int error = 0;
    (void)sqlite3_file_control(connection, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
    if (error == 0 && sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER,
                          &journal) == SQLITE_OK &&
        journal && journal->pMethods)
        (void)journal->pMethods->xFileControl(journal, SQLITE_FCNTL_LAST_ERRNO, &error);
    return error;
}

enum kc_status state_db_judge(struct state_db *db, int code)
{
    const int error = (code & 0xff) == SQLITE_IOERR ? file_error(db->connection) : 0;
    const enum kc_status status = status_of(code, error);
    if (status != KC_OK)
        snprintf(db->detail, sizeof db->detail, "%s", sqlite3_errmsg(db->connection));
    return status;
}

enum kc_status state_db_run(struct state_db *db, const char *sql)
{
    return state_db_judge(db, sqlite3_exec(db->connection, sql, NULL, NULL, NULL));
}

enum kc_status state_db_prepare(struct state_db *db, const char *sql, sqlite3_stmt **ret_statement)
{
    return state_db_judge(db, sqlite3_prepare_v2(db->connection, sql, -1, ret_statement, NULL));
}

const char *state_db_detail(const struct state_db *db)
{
    return db->detail;
}

/* --- rows --- */

static struct state_value value_of(sqlite3_stmt *statement, int column)
{
    struct state_value value = {.type = STATE_NULL};
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        value.type = STATE_INTEGER;
        value.integer = sqlite3_column_int64(statement, column);
        return value;
    case SQLITE_TEXT:
        value.type = STATE_TEXT;
        value.bytes = sqlite3_column_text(statement, column);
        break;
    case SQLITE_BLOB:
        value.type = STATE_BLOB;
        value.bytes = sqlite3_column_blob(statement, column);
        break;
    default:
        return value;
    }
    value.length = (size_t)sqlite3_column_bytes(statement, column);
    if (!value.bytes && value.length > 0)
        value.type = STATE_NULL; /* no memory for it */
    return value;
}

enum kc_status state_db_read_table(struct state_db *db, enum state_table table, const char *order,
    state_db_each *each, void *userdata, size_t *skipped)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    char sql[256];
    snprintf(sql, sizeof sql, "%s%s", state_sql[table].select, order);
    enum kc_status status = state_db_prepare(db, sql, &statement);
    int code = SQLITE_DONE;
    while (status == KC_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct state_value values[STATE_COLUMNS_MAX];
        struct state_row row;
        for (unsigned i = 0; i < state_columns[table].count; i++)
            values[i] = value_of(statement, (int)i);
        status = state_row_read(table, values, &row);
        if (status == KC_OK) {
            status = each(userdata, &row);
            state_row_free(&row);
        } else if (status == KC_MALFORMED) {
            (*skipped)++;
            status = KC_OK;
        }
    }
    return status == KC_OK ? state_db_judge(db, code) : status;
}

enum kc_status state_db_read(
    struct state_db *db, state_db_each *each, void *userdata, size_t *ret_skipped)
{
    enum kc_status status = KC_OK;
    *ret_skipped = 0;
    for (int table = 0; table < STATE_TABLES && status == KC_OK; table++)
        status = state_db_read_table(
            db, (enum state_table)table, "", each, userdata, ret_skipped);
    return status;
}

static int bind(sqlite3_stmt *statement, int at, const struct state_value *value)
{
    switch (value->type) {
    case STATE_INTEGER:
        return sqlite3_bind_int64(statement, at, value->integer);
    case STATE_TEXT:
        return sqlite3_bind_text(
            statement, at, value->bytes, (int)value->length, SQLITE_STATIC);
    default:
        return value->length == 0
                   ? sqlite3_bind_zeroblob(statement, at, 0)
                   : sqlite3_bind_blob(
                         statement, at, value->bytes, (int)value->length, SQLITE_STATIC);
    }
}

enum kc_status state_db_write_row(
    struct state_db *db, sqlite3_stmt *statement, const struct state_row *row)
{
    const struct state_columns *columns = &state_columns[row->table];
    const unsigned count = row->remove ? 1 : columns->count;
    int code = SQLITE_OK;
    for (unsigned i = 0; i < count && code == SQLITE_OK; i++) {
        const struct state_value value = state_row_value(row, &columns->columns[i]);
        code = bind(statement, (int)i + 1, &value);
    }
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    enum kc_status status = state_db_judge(db, code);
    sqlite3_reset(statement);
    /* a number to be given out; all else stays as it is, the other id's */
    if (status == KC_OK && !row->remove && row->allocated &&
        sqlite3_changes(db->connection) == 0) {
        snprintf(db->detail, sizeof db->detail, "the number is another one's");
        status = KC_ENTRY_ID_TAKEN;
    }
    return status;
}

static const char *statement_of(const struct state_row *row)
{
    const struct state_sql *sql = &state_sql[row->table];
    return row->remove ? sql->remove : row->adopted && sql->adopt ? sql->adopt : sql->put;
}

/* Rows of one kind, one behind the other, share a statement. */
static enum kc_status write_rows(struct state_db *db, const struct state_row *rows, size_t count)
{
    enum kc_status status = KC_OK;
    for (size_t i = 0; i < count && status == KC_OK;) {
        AUTO_STATEMENT sqlite3_stmt *statement = NULL;
        const struct state_row *first = &rows[i];
        status = state_db_prepare(db, statement_of(first), &statement);
        for (; i < count && status == KC_OK && statement_of(&rows[i]) == statement_of(first); i++)
            status = state_db_write_row(db, statement, &rows[i]);
    }
    return status;
}

enum kc_status state_db_end(struct state_db *db, enum kc_status status)
{
    if (status == KC_OK)
        status = state_db_run(db, "COMMIT");
    if (status != KC_OK && !sqlite3_get_autocommit(db->connection))
        (void)sqlite3_exec(db->connection, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

enum kc_status state_db_write(struct state_db *db, const struct state_row *rows, size_t count)
{
    const enum kc_status status = state_db_run(db, "BEGIN IMMEDIATE");
    return status == KC_OK ? state_db_end(db, write_rows(db, rows, count)) : status;
}

enum kc_status state_db_forget(struct state_db *db)
{
    enum kc_status status = state_db_run(db, "BEGIN IMMEDIATE");
    if (status == KC_OK)
        status = state_db_end(db, state_db_run(db, state_sql_forget));
    return status;
}

/* --- texts --- */

enum kc_status state_db_put(struct state_db *db, int kind, const char *id, int64_t at,
    const char *text, size_t length)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    const struct state_value values[] = {{.type = STATE_INTEGER, .integer = kind},
        {.type = STATE_TEXT, .bytes = id, .length = strlen(id)},
        {.type = STATE_INTEGER, .integer = at},
        {.type = STATE_BLOB, .bytes = text, .length = length}};
    enum kc_status status = state_db_prepare(db, state_sql_keep, &statement);
    for (int i = 0; i < 4 && status == KC_OK; i++)
        status = state_db_judge(db, bind(statement, i + 1, &values[i]));
    return status == KC_OK ? state_db_judge(db, sqlite3_step(statement)) : status;
}

static enum kc_status take_text(sqlite3_stmt *statement, size_t limit_bytes, int64_t *ret_at,
    char **ret_text, size_t *ret_length)
{
    const struct state_value at = value_of(statement, 0);
    const struct state_value text = value_of(statement, 1);
    if (at.type != STATE_INTEGER || at.integer < 0 || text.type != STATE_BLOB ||
        text.length > limit_bytes)
        return KC_NOT_FOUND; /* what nobody may have written, nobody has */
    char *copy = malloc(text.length + 1);
    if (!copy)
        return KC_NO_MEMORY;
    if (text.length > 0)
        memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    *ret_at = at.integer;
    *ret_text = copy;
    *ret_length = text.length;
    return KC_OK;
}

enum kc_status state_db_get(struct state_db *db, int kind, const char *id, size_t limit_bytes,
    int64_t *ret_at, char **ret_text, size_t *ret_length)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    enum kc_status status = state_db_prepare(db, state_sql_kept, &statement);
    if (status == KC_OK)
        status = state_db_judge(db, sqlite3_bind_int(statement, 1, kind));
    if (status == KC_OK)
        status = state_db_judge(db, sqlite3_bind_text(statement, 2, id, -1, SQLITE_STATIC));
    if (status != KC_OK)
        return status;
    const int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return take_text(statement, limit_bytes, ret_at, ret_text, ret_length);
    return code == SQLITE_DONE ? KC_NOT_FOUND : state_db_judge(db, code);
}
