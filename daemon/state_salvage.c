/*
 * What a damaged file still says of whose names and numbers are, into the one begun anew.
 * Used by state_file.c.
 * Must never believe a row more than one of a sound file, nor write to the damaged one.
 */
#include "daemon/state_db_internal.h"

#define ROWS_MAX 8000000u /* damage may make a table endless */

struct salvage {
    struct state_db *to;
    sqlite3_stmt *put;
    size_t count;
};

static enum kc_status take(void *userdata, const struct state_row *row)
{
    struct salvage *salvage = userdata;
    if (salvage->count >= ROWS_MAX)
        return KC_TOO_LARGE;
    const enum kc_status status = state_db_write_row(salvage->to, salvage->put, row);
    salvage->count += status == KC_OK;
    return status == KC_ENTRY_ID_TAKEN ? KC_OK : status;
}

/* From the front as far as it can be read, then from the back. */
static void take_table(struct state_db *from, struct salvage *salvage, enum state_table table)
{
    size_t skipped = 0;
    AUTO_STATEMENT sqlite3_stmt *put = NULL;
    if (state_db_prepare(salvage->to, state_sql[table].put, &put) != KC_OK)
        return;
    salvage->put = put;
    if (state_db_read_table(from, table, " ORDER BY 1", take, salvage, &skipped) != KC_OK)
        (void)state_db_read_table(from, table, " ORDER BY 1 DESC", take, salvage, &skipped);
}

size_t state_salvage(struct state_db *from, struct state_db *to)
{
    struct salvage salvage = {.to = to};
    if (state_db_run(to, "BEGIN IMMEDIATE") != KC_OK)
        return 0;
    for (int table = STATE_NAMES; table < STATE_TABLES; table++)
        take_table(from, &salvage, (enum state_table)table);
    return state_db_end(to, KC_OK) == KC_OK ? salvage.count : 0;
}
