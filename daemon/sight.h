/*
 * Whether this client may see users at all: to one that may not, the realm looks empty.
 * Used by the directory: before a sweep, and before an empty answer is believed.
 * Must never take silence or a refusal for sight.
 */
#ifndef DAEMON_SIGHT_H
#define DAEMON_SIGHT_H

#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct directory;
struct sight;

/* KC_OK: it may. KC_DIRECTORY_FORBIDDEN: it may not. All others: not known just now. */
typedef void sight_done(void *userdata, enum kc_status status, const char *detail);

/* Somebody who waits to know; the caller's. */
struct sight_wait {
    struct sight *sight; /* NULL: does not wait */
    sight_done *done;
    void *userdata;
    LIST_ENTRY(sight_wait) link;
};

/* `directory` must outlive it. KC_NO_MEMORY. */
enum kc_status sight_new(struct directory *directory, struct sight **ret_sight);
void sight_free(struct sight *sight);

/* Whether it was proved a moment ago: in the last absent_ttl. */
bool sight_is_fresh(const struct sight *sight);

/* Asks the realm, or joins whoever does. The callback never comes from within. Errors of admin_get.
 */
enum kc_status sight_prove(
    struct sight *sight, struct sight_wait *wait, sight_done *done, void *userdata);
void sight_cancel(struct sight_wait *wait); /* does nothing where it does not wait */

/* Nothing is proved any more; whoever waits hears KC_NOT_READY. */
void sight_reset(struct sight *sight);

#endif
