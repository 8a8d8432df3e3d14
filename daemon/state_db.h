/*
 * The database's file: opened, checked, begun anew where it is damaged, read and written.
 * Used by state.c, one thread at a time. SQLite is known behind this and nowhere else.
 * Must never go on with a file that is damaged, somebody else's, or of a newer version.
 */
#ifndef DAEMON_STATE_DB_H
#define DAEMON_STATE_DB_H

#include "daemon/state_row.h"

#define STATE_DB_NAME "state.db"
#define STATE_DB_DAMAGED STATE_DB_NAME ".damaged"
#define STATE_DB_VERSION 1

struct state_db;

struct state_db_opened {
    bool anew;        /* a damaged file was there: it has another name now */
    size_t salvaged;  /* of its rows, those that could still be read */
    char detail[160]; /* why, or what failed */
};

/*
 * Opens, or makes, `folder`/state.db, mode 0600. KC_STATE_NEWER, KC_STATE_OLDER: another version's;
 * KC_CONFIG_UNTRUSTED: not this user's own; KC_BUSY: somebody else has it open; KC_NO_ROOM,
 * KC_SYSTEM, KC_NO_MEMORY, KC_TOO_LARGE. ret_opened is filled in any case.
 */
enum kc_status state_db_open(
    const char *folder, struct state_db **ret_db, struct state_db_opened *ret_opened);
void state_db_close(struct state_db *db);

/* The same for one that is damaged, whatever it looks like: it is put aside first. */
enum kc_status state_db_begin_anew(
    const char *folder, struct state_db **ret_db, struct state_db_opened *ret_opened);

/*
 * All below: KC_MALFORMED: the file is damaged (close it and open it again); KC_NO_ROOM, KC_SYSTEM,
 * KC_NO_MEMORY. state_db_detail says more of the last failure.
 */

/* Calls `each` for every row that may be believed, table by table; the row is borrowed. What it
 * returns, but KC_OK, ends the reading. ret_skipped counts the others. */
typedef enum kc_status state_db_each(void *userdata, const struct state_row *row);
enum kc_status state_db_read(
    struct state_db *db, state_db_each *each, void *userdata, size_t *ret_skipped);

/* All rows or none. A name or number that is another id's on the disk stays so, unless the row is
 * `adopted`; KC_ENTRY_ID_TAKEN: one of these is an allocated uid, and nothing is written. */
enum kc_status state_db_write(struct state_db *db, const struct state_row *rows, size_t count);

/* Forgets who was known and what was kept: another realm's. Who is bound stays bound. */
enum kc_status state_db_forget(struct state_db *db);

/* Texts by kind and id. KC_NOT_FOUND; ret_text is the caller's, with a NUL behind its end. */
enum kc_status state_db_put(struct state_db *db, int kind, const char *id, int64_t at,
    const char *text, size_t length);
enum kc_status state_db_get(struct state_db *db, int kind, const char *id, size_t limit,
    int64_t *ret_at, char **ret_text, size_t *ret_length);

const char *state_db_detail(const struct state_db *db);

#endif
