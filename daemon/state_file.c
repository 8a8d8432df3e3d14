/*
 * The database's file: opened, checked, begun anew where it is damaged.
 * Used by state.c through state_db.h, one thread at a time.
 * Must never go on with a file that is damaged, somebody else's, or of a newer version.
 */
#include "daemon/state_db_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HEAP_LIMIT 33554432 /* bytes */
#define BUSY_MS 1000
#define APPLICATION_ID 0x6b636c6e

/* A rollback journal, not a write-ahead log: writes are few, and at rest there is one file. Each
 * commit is on the disk when it is answered. */
static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = TRUNCATE;"
                               "PRAGMA synchronous = FULL; PRAGMA mmap_size = 0;"
                               "PRAGMA cache_size = -128; PRAGMA temp_store = MEMORY;"
                               "PRAGMA cell_size_check = ON; PRAGMA max_page_count = 262144;";

/* Reads on where a page or the file's size is wrong, and writes nothing. */
static const char salvage_settings[] = "PRAGMA mmap_size = 0; PRAGMA cache_size = -128;"
                                       "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
                                       "PRAGMA writable_schema = ON; PRAGMA query_only = ON;";

static enum kc_status read_integer(struct state_db *db, const char *sql, int64_t *ret_integer)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    enum kc_status status = state_db_prepare(db, sql, &statement);
    if (status == KC_OK)
        status = state_db_judge(db, sqlite3_step(statement));
    if (status == KC_OK)
        *ret_integer = sqlite3_column_int64(statement, 0);
    return status;
}

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

/* A file: this user's own, and nobody else's to read. O_CREAT: made where there is none. */
static enum kc_status check_file(int folder, const char *name, int create)
{
    KC_AUTO_CLOSE int fd =
        openat(folder, name, O_RDWR | create | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
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
        state_db_prepare(db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL", &statement);
    if (status != KC_OK)
        return status;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(statement, 0);
        all++;
        for (unsigned i = 0; sql && i < STATE_SQL_CREATES; i++)
            known += strcmp(sql, state_sql_create[i]) == 0;
    }
    if (code != SQLITE_DONE)
        return state_db_judge(db, code);
    if (known == STATE_SQL_CREATES && all == known)
        return KC_OK;
    snprintf(db->detail, sizeof db->detail, "its tables are others");
    return KC_MALFORMED;
}

static enum kc_status check_pages(struct state_db *db)
{
    AUTO_STATEMENT sqlite3_stmt *statement = NULL;
    enum kc_status status = state_db_prepare(db, "PRAGMA quick_check(1)", &statement);
    if (status == KC_OK)
        status = state_db_judge(db, sqlite3_step(statement));
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
    enum kc_status status = state_db_run(db, "BEGIN IMMEDIATE");
    for (unsigned i = 0; i < STATE_SQL_CREATES && status == KC_OK; i++)
        status = state_db_run(db, state_sql_create[i]);
    if (status == KC_OK)
        status = state_db_run(db, version);
    status = state_db_end(db, status);
    db->created = status == KC_OK;
    return status;
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
    if (application == APPLICATION_ID && version < STATE_DB_VERSION) {
        snprintf(db->detail, sizeof db->detail, "%s is of version %lld, this program of version %d",
            STATE_DB_NAME, (long long)version, STATE_DB_VERSION);
        return KC_STATE_OLDER; /* until there is a way from that version to this one */
    }
    if (application != APPLICATION_ID) {
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

static enum kc_status connect(const char *folder, const char *name, struct state_db *db)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return KC_TOO_LARGE;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(path, &db->connection, flags, NULL);
    const enum kc_status status = code == SQLITE_NOMEM ? KC_NO_MEMORY : state_db_judge(db, code);
    if (status == KC_OK)
        limit(db->connection);
    return status;
}

/* A new file takes over what a damaged one, while it lies there, still says. */
static size_t salvage(int fd, const char *folder, struct state_db *to)
{
    size_t count = 0;
    struct state_db *from = calloc(1, sizeof *from);
    if (from && check_file(fd, STATE_DB_DAMAGED, 0) == KC_OK &&
        connect(folder, STATE_DB_DAMAGED, from) == KC_OK) {
        sqlite3_db_config(from->connection, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
        if (state_db_run(from, salvage_settings) == KC_OK)
            count = state_salvage(from, to);
    }
    state_db_close(from);
    return count;
}

static enum kc_status open_file(
    int fd, const char *folder, struct state_db **ret_db, struct state_db_opened *opened)
{
    enum kc_status status = check_file(fd, STATE_DB_NAME, O_CREAT);
    if (status != KC_OK)
        return status;
    struct state_db *db = calloc(1, sizeof *db);
    if (!db)
        return KC_NO_MEMORY;
    status = connect(folder, STATE_DB_NAME, db);
    if (status == KC_OK)
        status = state_db_run(db, settings);
    if (status == KC_OK)
        status = check(db);
    if (status == KC_OK) {
        opened->salvaged = db->created ? salvage(fd, folder, db) : 0;
        *ret_db = db;
        return KC_OK;
    }
    memcpy(opened->detail, db->detail, sizeof opened->detail);
    state_db_close(db);
    return status;
}

/* A journal goes with its file: beside another one it would be played back into that. One that was
 * put aside before goes: what could be read of it is in this one. */
static enum kc_status move_aside(int folder)
{
    static const char *const ends[] = {"-journal", "-wal", "-shm", ""};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char old[40];
        snprintf(old, sizeof old, STATE_DB_DAMAGED "%s", ends[i]);
        if (unlinkat(folder, old, 0) != 0 && errno != ENOENT)
            return KC_SYSTEM;
    }
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char from[40], to[40];
        snprintf(from, sizeof from, STATE_DB_NAME "%s", ends[i]);
        snprintf(to, sizeof to, STATE_DB_DAMAGED "%s", ends[i]);
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

static enum kc_status open_folder(const char *folder, int *ret_fd, struct state_db_opened *opened)
{
    *opened = (struct state_db_opened){0};
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        snprintf(opened->detail, sizeof opened->detail, "%s: %s", folder,
            errno == ENOENT ? "there is no such folder" : "it cannot be opened");
        return kc_status_from_errno(errno);
    }
    configure();
    *ret_fd = fd;
    return KC_OK;
}

static enum kc_status begin_anew(
    int fd, const char *folder, struct state_db **ret_db, struct state_db_opened *opened)
{
    struct state_db_opened second = {0};
    enum kc_status status = move_aside(fd);
    if (status == KC_OK)
        status = open_file(fd, folder, ret_db, &second);
    opened->anew = status == KC_OK;
    opened->salvaged = second.salvaged;
    return status;
}

enum kc_status state_db_open(
    const char *folder, struct state_db **ret_db, struct state_db_opened *ret_opened)
{
    KC_AUTO_CLOSE int fd = -1;
    enum kc_status status = open_folder(folder, &fd, ret_opened);
    if (status == KC_OK)
        status = open_file(fd, folder, ret_db, ret_opened);
    return status == KC_MALFORMED ? begin_anew(fd, folder, ret_db, ret_opened) : status;
}

enum kc_status state_db_begin_anew(
    const char *folder, struct state_db **ret_db, struct state_db_opened *ret_opened)
{
    KC_AUTO_CLOSE int fd = -1;
    const enum kc_status status = open_folder(folder, &fd, ret_opened);
    return status == KC_OK ? begin_anew(fd, folder, ret_db, ret_opened) : status;
}
