/*
 * Uids of this host's own for users who have none in the realm (allocate = host).
 * A part of the directory: whoever reads users of the realm reads them through this.
 * Must never give a number before the disk has it, nor one that was ever anybody else's.
 */
#ifndef DAEMON_ALLOCATE_H
#define DAEMON_ALLOCATE_H

#include "daemon/admin.h"
#include "daemon/person.h"

#include <stdint.h>

struct allocate_request;
struct directory;

/*
 * admin_get for an answer that tells of users, in a list or alone: who has no uid and could be
 * served has one of this host's own when `done` is called; that may fail, and then they have
 * none. Errors are admin_get's.
 */
enum kc_status allocate_get(struct directory *directory, const char *path, uint64_t deadline_us,
    admin_done *done, void *userdata, struct allocate_request **ret_request);

/* `done` does not come any more. */
void allocate_cancel(struct allocate_request *request);

/* The number that somebody without one in the realm has here; 0: none. */
uint32_t allocate_find(const struct directory *directory, const char *id);

#endif
