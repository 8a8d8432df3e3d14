/*
 * The database's file: opened, checked, begun anew where it is damaged, read and written.
 * Used by state.c, one thread at a time. SQLite is known here and nowhere else.
 * Must never go on with a file that is damaged, somebody else's, or of a newer version.
 */
#include "daemon/state_db.h"

#include "common/cleanup.h"
#include "daemon/state_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DAMAGED_NAME STATE_DB_NAME ".damaged"
#define HEAP_LIMIT 33554432 /* bytes */
#define BUSY_MS 1000
#define APPLICATION_ID 0x6b636c6e

/* A rollback journal, not a write-ahead log: writes are few, and at rest there is one file. Each
 * commit is on the disk when it is answered. */
static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = TRUNCATE;"
                               "PRAGMA synchronous = FULL; PRAGMA mmap_size = 0;"
                               "PRAGMA cache_size = -128; PRAGMA temp_store = MEMORY;"
                               "PRAGMA cell_size_check = ON; PRAGMA max_page_count = 262144;";

struct state_db {
    sqlite3 *connection;
    char detail[160];
};

static void finalize(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

#define AUTO_STATEMENT KC_CLEANUP(finalize)

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

static enum kc_status judge(struct state_db *db, int code)
{
    const int error = (code & 0xff) == SQLITE_IOERR ? file_error(db->connection) : 0;
    const enum kc_status status = status_of(code, error);
    if (status != KC_OK)
        snprintf(db->detail, sizeof db->detail, "%s", sqlite3_errmsg(db->connection));
    return status;
}

static enum kc_status run(struct state_db *db, const char *sql)
{
    return judge(db, sqlite3_exec(db->connection, sql, NULL, NULL, NULL));
}

static enum kc_status prepare(struct state_db *db, const char *sql, sqlite3_stmt **ret_statement)
{
    return judge(db, sqlite3_prepare_v2(db->connection, sql, -1, ret_statement, NULL));
}

static enum kc_status read_integer(struct state_db *db, const char *sql, int64_t *ret_integer)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    enum kc_status status = prepare(db, sql, &statement);
    if (status == KC_OK)
        status = judge(db, sqlite3_step(statement));
    if (status == KC_OK)
        *ret_integer = sqlite3_column_int64(statement, 0);
    return status;
}

/* --- opening --- */

static void limit(sqlite3 *connection)
{
    static const int limits[][2] = {{SQLITE_LIMIT_LENGTH, 1024 * 1024},
        {SQLITE_LIMIT_SQL_LENGTH, 4096}, {SQLITE_LIMIT_COLUMN, 32}, {SQLITE_LIMIT_EXPR_DEPTH, 8},
        {SQLITE_LIMIT_COMPOUND_SELECT, 2}, {SQLITE_LIMIT_FUNCTION_ARG, 8},
        {SQLITE_LIMIT_ATTACHED, 0}, {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 16}, {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
        {SQLITE_LIMIT_WORKER_THREADS, 0}};
    static const int switches[][2] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}, {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0}, {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0}, {SQLITE_DBCONFIG_DQS_DML, 0}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        sqlite3_limit(connection, limits[i][0], limits[i][1]);
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        sqlite3_db_config(connection, switches[i][0], switches[i][1], NULL);
    sqlite3_busy_timeout(connection, BUSY_MS);
}

/* The file, made where there is none: this user's own, and nobody else's to read. */
static enum kc_status check_file(int folder)
{
    KC_AUTO_CLOSE int fd = openat(folder, STATE_DB_NAME,
        O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    struct stat file;
    if (fd < 0)
        return errno == ELOOP || errno == EISDIR ? KC_CONFIG_UNTRUSTED
                                                 : kc_status_from_errno(errno);
    if (fstat(fd, &file) != 0)
        return KC_SYSTEM;
    if (!S_ISREG(file.st_mode) || file.st_uid != geteuid() || file.st_nlink != 1)
        return KC_CONFIG_UNTRUSTED;
    return fchmod(fd, 0600) == 0 ? KC_OK : KC_SYSTEM;
}

/* Whether there is exactly what state_sql_create makes: no view, trigger or other table. */
static enum kc_status check_schema(struct state_db *db)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    unsigned known = 0, all = 0;
    int code;
    const enum kc_status status =
        prepare(db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL", &statement);
    if (status != KC_OK)
        return status;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(statement, 0);
        all++;
        for (unsigned i = 0; sql && i < STATE_SQL_CREATES; i++)
            known += strcmp(sql, state_sql_create[i]) == 0;
    }
    if (code != SQLITE_DONE)
        return judge(db, code);
    if (known == STATE_SQL_CREATES && all == known)
        return KC_OK;
    snprintf(db->detail, sizeof db->detail, "its tables are others");
    return KC_MALFORMED;
}

static enum kc_status check_pages(struct state_db *db)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    enum kc_status status = prepare(db, "PRAGMA quick_check(1)", &statement);
    if (status == KC_OK)
        status = judge(db, sqlite3_step(statement));
    if (status != KC_OK)
        return status;
    const char *word = (const char *)sqlite3_column_text(statement, 0);
    if (word && strcmp(word, "ok") == 0)
        return KC_OK;
    snprintf(db->detail, sizeof db->detail, "%s", word ? word : "it cannot be checked");
    return KC_MALFORMED;
}

static enum kc_status create(struct state_db *db)
{
    char version[96];
    snprintf(version, sizeof version, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
        APPLICATION_ID, STATE_DB_VERSION);
    enum kc_status status = run(db, "BEGIN IMMEDIATE");
    for (unsigned i = 0; i < STATE_SQL_CREATES && status == KC_OK; i++)
        status = run(db, state_sql_create[i]);
    if (status == KC_OK)
        status = run(db, version);
    return status == KC_OK ? run(db, "COMMIT") : status;
}

static enum kc_status check(struct state_db *db)
{
    int64_t application = 0, version = 0, tables = 0;
    enum kc_status status = read_integer(db, "PRAGMA application_id", &application);
    if (status == KC_OK)
        status = read_integer(db, "PRAGMA user_version", &version);
    if (status == KC_OK)
        status = read_integer(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (status != KC_OK)
        return status;
    if (application == 0 && version == 0 && tables == 0)
        return create(db);
    if (application == APPLICATION_ID && version > STATE_DB_VERSION) {
        snprintf(db->detail, sizeof db->detail, "%s is of version %lld, this program of version %d",
            STATE_DB_NAME, (long long)version, STATE_DB_VERSION);
        return KC_STATE_NEWER;
    }
    if (application != APPLICATION_ID || version != STATE_DB_VERSION) {
        snprintf(db->detail, sizeof db->detail, "it is no database of kclogind");
        return KC_MALFORMED;
    }
    status = check_schema(db);
    return status == KC_OK ? check_pages(db) : status;
}

void state_db_close(struct state_db *db)
{
    if (!db)
        return;
    sqlite3_close(db->connection);
    free(db);
}

static enum kc_status open_file(
    const char *folder, struct state_db **ret_db, struct state_db_opened *opened)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/" STATE_DB_NAME, folder) >= (int)sizeof path)
        return KC_TOO_LARGE;
    struct state_db *db = calloc(1, sizeof *db);
    if (!db)
        return KC_NO_MEMORY;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int code = sqlite3_open_v2(path, &db->connection, flags, NULL);
    enum kc_status status = code == SQLITE_NOMEM ? KC_NO_MEMORY : judge(db, code);
    if (status == KC_OK) {
        limit(db->connection);
        status = run(db, settings);
    }
    if (status == KC_OK)
        status = check(db);
    if (status == KC_OK) {
        *ret_db = db;
        return KC_OK;
    }
    memcpy(opened->detail, db->detail, sizeof opened->detail);
    state_db_close(db);
    return status;
}

/* A journal goes with its file: beside another one it would be played back into that. */
static enum kc_status move_aside(int folder)
{
    static const char *const ends[] = {"-journal", "-wal", "-shm", ""};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char from[40], to[40];
        snprintf(from, sizeof from, STATE_DB_NAME "%s", ends[i]);
        snprintf(to, sizeof to, DAMAGED_NAME "%s", ends[i]);
        if (renameat(folder, from, folder, to) != 0 && errno != ENOENT)
            return KC_SYSTEM;
    }
    return KC_OK;
}

/* After the first connection of this process it has no effect, and need have none. */
static void configure(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
    (void)sqlite3_initialize();
    (void)sqlite3_hard_heap_limit64(HEAP_LIMIT);
}

enum kc_status state_db_open(
    const char *folder, struct state_db **ret_db, struct state_db_opened *ret_opened)
{
    *ret_opened = (struct state_db_opened){0};
    KC_AUTO_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        snprintf(ret_opened->detail, sizeof ret_opened->detail, "%s: %s", folder,
            errno == ENOENT ? "there is no such folder" : "it cannot be opened");
        return kc_status_from_errno(errno);
    }
    configure();
    enum kc_status status = check_file(fd);
    if (status == KC_OK)
        status = open_file(folder, ret_db, ret_opened);
    if (status != KC_MALFORMED)
        return status;
    struct state_db_opened second = {0};
    status = move_aside(fd);
    if (status == KC_OK)
        status = check_file(fd);
    if (status == KC_OK)
        status = open_file(folder, ret_db, &second);
    ret_opened->anew = status == KC_OK;
    return status;
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

static enum kc_status read_table(struct state_db *db, enum state_table table, state_db_each *each,
    void *userdata, size_t *skipped)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    enum kc_status status = prepare(db, state_sql[table].select, &statement);
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
    return status == KC_OK ? judge(db, code) : status;
}

enum kc_status state_db_read(
    struct state_db *db, state_db_each *each, void *userdata, size_t *ret_skipped)
{
    enum kc_status status = KC_OK;
    *ret_skipped = 0;
    for (int table = 0; table < STATE_TABLES && status == KC_OK; table++)
        status = read_table(db, (enum state_table)table, each, userdata, ret_skipped);
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

static enum kc_status write_row(
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
    const enum kc_status status = judge(db, code);
    sqlite3_reset(statement);
    return status;
}

/* Rows of one kind, one behind the other, share a statement. */
static enum kc_status write_rows(struct state_db *db, const struct state_row *rows, size_t count)
{
    enum kc_status status = KC_OK;
    for (size_t i = 0; i < count && status == KC_OK;) {
        AUTO_STATEMENT sqlite3_stmt *statement = NULL;
        const struct state_row *first = &rows[i];
        status = prepare(db,
            first->remove ? state_sql[first->table].remove : state_sql[first->table].put,
            &statement);
        for (; i < count && status == KC_OK && rows[i].table == first->table &&
               rows[i].remove == first->remove;
             i++)
            status = write_row(db, statement, &rows[i]);
    }
    return status;
}

/* Ends a transaction: by then nothing of it may be left open. */
static enum kc_status end(struct state_db *db, enum kc_status status)
{
    if (status == KC_OK)
        status = run(db, "COMMIT");
    if (status != KC_OK && !sqlite3_get_autocommit(db->connection))
        (void)sqlite3_exec(db->connection, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

enum kc_status state_db_write(struct state_db *db, const struct state_row *rows, size_t count)
{
    const enum kc_status status = run(db, "BEGIN IMMEDIATE");
    return status == KC_OK ? end(db, write_rows(db, rows, count)) : status;
}

enum kc_status state_db_forget(struct state_db *db)
{
    enum kc_status status = run(db, "BEGIN IMMEDIATE");
    if (status == KC_OK)
        status = end(db, run(db, state_sql_forget));
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
    enum kc_status status = prepare(db, state_sql_keep, &statement);
    for (int i = 0; i < 4 && status == KC_OK; i++)
        status = judge(db, bind(statement, i + 1, &values[i]));
    return status == KC_OK ? judge(db, sqlite3_step(statement)) : status;
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
    enum kc_status status = prepare(db, state_sql_kept, &statement);
    if (status == KC_OK)
        status = judge(db, sqlite3_bind_int(statement, 1, kind));
    if (status == KC_OK)
        status = judge(db, sqlite3_bind_text(statement, 2, id, -1, SQLITE_STATIC));
    if (status != KC_OK)
        return status;
    const int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return take_text(statement, limit_bytes, ret_at, ret_text, ret_length);
    return code == SQLITE_DONE ? KC_NOT_FOUND : judge(db, code);
}
