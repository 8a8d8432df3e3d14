/*
 * The statements of the database, and its tables.
 * Used by state_db.c alone.
 * Must never change without STATE_DB_VERSION: a file's tables are compared with these.
 */
#include "daemon/state_sql.h"

/* clang-format off */
const char *const state_sql_create[STATE_SQL_CREATES] = {
    "CREATE TABLE realm (one INTEGER PRIMARY KEY, issuer TEXT NOT NULL, served INTEGER NOT NULL, "
        "until INTEGER NOT NULL, written INTEGER NOT NULL) STRICT",
    "CREATE TABLE known_groups (id TEXT PRIMARY KEY, name TEXT NOT NULL, gid INTEGER NOT NULL) "
        "WITHOUT ROWID, STRICT",
    "CREATE TABLE known_users (id TEXT PRIMARY KEY, name TEXT NOT NULL, uid INTEGER NOT NULL, "
        "gid INTEGER NOT NULL, gecos TEXT NOT NULL, home TEXT NOT NULL, shell TEXT NOT NULL, "
        "enabled INTEGER NOT NULL, swept INTEGER NOT NULL, until INTEGER NOT NULL, "
        "gids_until INTEGER NOT NULL, gids BLOB NOT NULL) WITHOUT ROWID, STRICT",
    "CREATE TABLE names (name TEXT PRIMARY KEY, of_group INTEGER NOT NULL, id TEXT NOT NULL) "
        "WITHOUT ROWID, STRICT",
    "CREATE TABLE uids (uid INTEGER PRIMARY KEY, id TEXT NOT NULL, allocated INTEGER NOT NULL) "
        "STRICT",
    "CREATE TABLE gids (gid INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT",
    "CREATE TABLE kept (kind INTEGER NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, "
        "text BLOB NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID, STRICT",
};

const struct state_sql state_sql[STATE_TABLES] = {
    [STATE_REALM] = {"SELECT one, issuer, served, until, written FROM realm",
        "INSERT OR REPLACE INTO realm VALUES (?, ?, ?, ?, ?)",
        "DELETE FROM realm WHERE one = ?", NULL},
    [STATE_GROUPS] = {"SELECT id, name, gid FROM known_groups",
        "INSERT OR REPLACE INTO known_groups VALUES (?, ?, ?)",
        "DELETE FROM known_groups WHERE id = ?", NULL},
    [STATE_USERS] = {"SELECT id, name, uid, gid, gecos, home, shell, enabled, swept, until, "
        "gids_until, gids FROM known_users",
        "INSERT OR REPLACE INTO known_users VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "DELETE FROM known_users WHERE id = ?", NULL},
    [STATE_NAMES] = {"SELECT name, of_group, id FROM names",
        "INSERT INTO names VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
        "of_group = excluded.of_group WHERE id = excluded.id",
        "DELETE FROM names WHERE name = ?",
        "INSERT OR REPLACE INTO names VALUES (?, ?, ?)"},
    [STATE_UIDS] = {"SELECT uid, id, allocated FROM uids",
        "INSERT INTO uids VALUES (?, ?, ?) ON CONFLICT (uid) DO UPDATE SET "
        "allocated = excluded.allocated WHERE id = excluded.id",
        "DELETE FROM uids WHERE uid = ?",
        "INSERT OR REPLACE INTO uids VALUES (?, ?, ?)"},
    [STATE_GIDS] = {"SELECT gid, id FROM gids",
        "INSERT INTO gids VALUES (?, ?) ON CONFLICT (gid) DO UPDATE SET id = id "
        "WHERE id = excluded.id",
        "DELETE FROM gids WHERE gid = ?",
        "INSERT OR REPLACE INTO gids VALUES (?, ?)"},
};
/* clang-format on */

const char state_sql_forget[] = "DELETE FROM realm; DELETE FROM known_groups;"
                                "DELETE FROM known_users; DELETE FROM kept;";
const char state_sql_keep[] = "INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)";
const char state_sql_kept[] = "SELECT at, text FROM kept WHERE kind = ? AND id = ?";
