/*
 * An inquiry: one user asked for at the realm by name, now, whatever the directory remembers.
 * Used by whoever must not act on what was true minutes ago: the account phase, SSH keys.
 * Must never take an empty answer for "no such user" of somebody who is known.
 */
#ifndef DAEMON_INQUIRY_H
#define DAEMON_INQUIRY_H

#include "daemon/person.h"

#include <stdint.h>

struct directory;
struct inquiry;

/* What the realm said. */
struct inquiry_answer {
    struct person *person; /* the callee may take it (KC_TAKE); it is freed else */
    uint32_t uid;          /* of the entry that this user has on this host */
};

/*
 * The end, from the loop. KC_OK with the answer: the user of exactly this name, whose realm id is
 * the one that the name has had here, and who has an entry. KC_USER_UNKNOWN, and the KC_ENTRY_
 * words: the realm has no such user, or this host no entry for the one it has. KC_NOT_OURS: the
 * host's own. KC_DIRECTORY_FORBIDDEN and others of class misconfigured; all others: not known just
 * now. `detail` is for the log.
 */
typedef void inquiry_done(void *userdata, enum kc_status status, const char *detail,
    struct inquiry_answer *answer);

/* Asks once; who asks for the same user meanwhile asks for itself. `deadline_us` is of
 * CLOCK_MONOTONIC. KC_USER_UNKNOWN (no Linux name), KC_BUSY, KC_NO_MEMORY, KC_TOO_LARGE. */
enum kc_status inquiry_begin(struct directory *directory, const char *name, uint64_t deadline_us,
    inquiry_done *done, void *userdata, struct inquiry **ret_inquiry);

void inquiry_cancel(struct inquiry *inquiry);

#endif
