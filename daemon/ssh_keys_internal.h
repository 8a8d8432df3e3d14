/*
 * SSH keys from within: ssh_keys.c and ssh_keys_kept.c are its parts.
 * Used by those alone; everybody else has ssh_keys.h.
 * Must never hold a list of somebody else than `id` is.
 */
#ifndef DAEMON_SSH_KEYS_INTERNAL_H
#define DAEMON_SSH_KEYS_INTERNAL_H

#include "common/limits.h"
#include "daemon/daemon.h"
#include "daemon/inquiry.h"
#include "daemon/ssh_keys.h"
#include "daemon/state.h"

#include <sys/queue.h>

struct ssh_keys_wait {
    struct ssh_keys *keys;
    sd_event_source *timer;
    ssh_keys_found *found;
    void *userdata;
    bool *ended; /* while ssh_keys_ask runs: set by an answer that came at once */
    LIST_ENTRY(ssh_keys_wait) link;
};

LIST_HEAD(ssh_keys_waits, ssh_keys_wait);

/* Somebody who was asked for; the place of who was asked for longest ago is taken first. */
struct ssh_keys_place {
    struct ssh_keys *keys;
    char name[KC_LOOKUP_NAME_MAX];
    char *id;         /* the realm's, of whom the list is; NULL: there is no list */
    uint64_t till_us; /* the list, or the refusal, is fresh until then */
    enum kc_status refusal; /* why there is no list, as the realm said; KC_OK: it has not */
    int64_t at;       /* epoch seconds when the realm said it */
    struct ssh_keys_list list;
    char *text; /* of the list */
    struct inquiry *inquiry;
    struct state_read *read; /* of what was kept for an outage */
    enum kc_status outage;   /* why it is read */
    struct ssh_keys_waits waits;
    TAILQ_ENTRY(ssh_keys_place) link;
};

struct ssh_keys {
    struct daemon *daemon;
    TAILQ_HEAD(ssh_keys_places, ssh_keys_place) places; /* the one asked for last is the first */
    unsigned place_count;
    unsigned wait_count;
};

/* ssh_keys.c: there is no list any more. */
void ssh_keys_forget(struct ssh_keys_place *place);
/* Tells whoever waits now; an answer may make others wait. */
void ssh_keys_end(
    struct ssh_keys_place *place, enum kc_status status, const struct ssh_keys_list *list);

/* ssh_keys_kept.c: adds a text to the list if it is a key, as sshd is to have it. KC_NO_MEMORY. */
enum kc_status ssh_keys_add(struct ssh_keys_place *place, const char *text, size_t length);

/* Keeps the list, or that there is none, as what the realm has just said of this person. */
void ssh_keys_keep(const struct ssh_keys_place *place, const struct person *person);

/* Whether the directory has this user still, enabled, and with the list's uid. */
bool ssh_keys_is_known(const struct ssh_keys_place *place);

/* Whether the realm is out, and not only in trouble: else it may know better by now. `status`: of a
 * question; KC_OK: nothing was asked. */
bool ssh_keys_is_out(const struct realm *realm, enum kc_status status);

/* Ends the waits, soon, with what the realm said last where that is allowed; else with `status`. */
void ssh_keys_fall_back(struct ssh_keys_place *place, enum kc_status status);

#endif
