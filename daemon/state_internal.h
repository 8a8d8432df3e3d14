/*
 * state.db from within: what waits for its thread. state_thread.c works it off, state.c is the way
 * to it and back.
 * Used by those two alone; everybody else has state.h.
 * Must never be looked at by both threads without `lock`.
 */
#ifndef DAEMON_STATE_INTERNAL_H
#define DAEMON_STATE_INTERNAL_H

#include "daemon/state.h"
#include "daemon/state_db.h"

#include <pthread.h>
#include <sys/queue.h>

struct state_read {
    state_got *got; /* NULL: nobody waits any more. The loop's thread alone looks at it */
    void *userdata;
};

enum job_type { JOB_PUT, JOB_GET, JOB_ROWS };

struct job {
    enum job_type type;
    struct state_read read;
    state_written *written;
    unsigned long writer; /* as state->writers was */
    enum state_kind kind;
    char *id;
    int64_t at;
    char *text;
    size_t length;
    struct state_row *rows;
    size_t count;
    size_t bytes;
    enum kc_status status;
    struct state_db_opened opened; /* `anew`: while this was done */
    STAILQ_ENTRY(job) link;
};

STAILQ_HEAD(jobs, job);

struct state {
    char *folder;
    struct state_db *db; /* under db_lock; NULL: it could not be opened anew */
    pthread_mutex_t db_lock;
    pthread_mutex_t lock; /* of all up to `stopping` */
    pthread_cond_t more;
    struct jobs waiting;
    struct jobs done;
    unsigned count;
    size_t bytes;
    bool stopping;
    bool started;
    pthread_t thread;
    int wake; /* eventfd: something is done */
    sd_event_source *source;
    unsigned long writers; /* counts: whose state_written are still to be called */
    enum kc_status health; /* of the last writing */
    bool full;             /* something was dropped, and the log has said so */
    state_lost *lost;
    void *lost_userdata;
};

void state_job_free(struct job *job);

/* Takes the job where it fits. KC_BUSY: too much waits. */
enum kc_status state_give(struct state *state, struct job *job);

/* The next one that is done, the caller's now; NULL: none. */
struct job *state_take_done(struct state *state);

enum kc_status state_start_thread(struct state *state);

/* Whether the thread has ended: one that still waits for the disk goes with the process. */
bool state_stop_thread(struct state *state);

#endif
