/*
 * What outlives the daemon: whose names and numbers are, who was known last, and small texts that
 * others keep under a user's id. SQLite on one thread of its own; everything else on the loop's.
 * Used by main.c (one object), the directory and account.c.
 * Must never hold a secret, nor let the loop wait for the disk but at the start.
 */
#ifndef DAEMON_STATE_H
#define DAEMON_STATE_H

#include "daemon/state_row.h"

#include <systemd/sd-event.h>

#define STATE_TEXT_MAX ((size_t)64 * 1024) /* of a text that is kept */
#define STATE_ROWS_MAX 512u                /* of one writing */

struct state;
struct state_read;

/*
 * Opens `folder`/state.db or makes it. Logs what is wrong with it. KC_STATE_NEWER, KC_STATE_OLDER,
 * KC_CONFIG_UNTRUSTED, KC_BUSY, KC_NO_ROOM, KC_SYSTEM, KC_NO_MEMORY: there is none, and the daemon
 * goes on without. The event is borrowed.
 */
enum kc_status state_open(sd_event *event, const char *folder, struct state **ret_state);

/* Writes what waits, for two seconds at most. No callback comes any more. */
void state_close(struct state *state);

/* Whether a damaged file lies beside it: an administrator has not seen to it, and numbers that were
 * given may be unknown. */
bool state_is_held(const struct state *state);

/* --- texts, by a user's id in the realm --- */

enum state_kind { STATE_EVIDENCE, STATE_KEYS };

/* Keeps a copy of `text`, said by the realm `at` seconds of the epoch, in the place of what was
 * there. Too long, or too much waits to be written: it is dropped, and the log says so. */
void state_put(struct state *state, enum state_kind kind, const char *id, int64_t at,
    const char *text, size_t length);

/* KC_OK: `text` is borrowed, with a NUL behind its end. KC_NOT_FOUND; all others: nobody knows. */
typedef void state_got(
    void *userdata, enum kc_status status, int64_t at, const char *text, size_t length);

/* Asks for it; the callback always comes later, unless it is cancelled. KC_BUSY, KC_NO_MEMORY. */
enum kc_status state_get(struct state *state, enum state_kind kind, const char *id, state_got *got,
    void *userdata, struct state_read **ret_read);
void state_read_cancel(struct state_read *read);

/* --- rows, for the directory alone --- */

/*
 * Reads all rows at once, on this thread: for the start. Where the last run's realm was another,
 * texts and last known entries are forgotten first. A row that may not be believed is left out, and
 * the log says how many were. KC_MALFORMED, KC_SYSTEM, KC_TIMED_OUT: incomplete.
 */
typedef enum kc_status state_row_each(void *userdata, const struct state_row *row);
enum kc_status state_load(
    struct state *state, const char *issuer, state_row_each *each, void *userdata);

/*
 * Writes copies of up to STATE_ROWS_MAX rows: all or none. KC_OK: they are on the disk, but for names
 * and numbers that are another id's there, unless the row is `adopted`. KC_ENTRY_ID_TAKEN: such a
 * number was to be allocated. A failure is logged here, once. KC_BUSY, KC_NO_MEMORY: nothing was
 * begun.
 */
typedef void state_written(void *userdata, enum kc_status status);
enum kc_status state_write(struct state *state, const struct state_row *rows, size_t count,
    state_written *written, void *userdata);

/* Sets whom to call where a damaged file was begun anew while the daemon ran: all is to be written
 * once more. NULL: nobody. */
typedef void state_lost(void *userdata);
void state_watch(struct state *state, state_lost *lost, void *userdata);

/* No state_written and no state_lost comes any more; what waits is written all the same. */
void state_forget_writer(struct state *state);

#endif
