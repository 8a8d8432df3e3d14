/*
 * The thread that reads and writes state.db, and what waits for it.
 * Used by state.c.
 * Must never take more than it can write off, nor touch what is the loop's.
 */
#include "daemon/state_internal.h"

#include "common/cleanup.h"

#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#define STACK_SIZE ((size_t)256 * 1024)
#define JOBS_MAX 512u
#define BYTES_MAX ((size_t)4 * 1024 * 1024)
#define END_SECONDS 2

void state_job_free(struct job *job)
{
    for (size_t i = 0; job->rows && i < job->count; i++)
        state_row_free(&job->rows[i]);
    free(job->rows);
    free(job->id);
    free(job->text);
    free(job);
}

static enum kc_status do_job(struct state_db *db, struct job *job)
{
    switch (job->type) {
    case JOB_PUT:
        return state_db_put(db, (int)job->kind, job->id, job->at, job->text, job->length);
    case JOB_GET:
        return state_db_get(db, (int)job->kind, job->id, STATE_TEXT_MAX, &job->at, &job->text,
            &job->length);
    default:
        return state_db_write(db, job->rows, job->count);
    }
}

/* A file whose damage is not seen when it is opened. */
static void begin_anew(struct state *state, struct job *job)
{
    char detail[sizeof job->opened.detail];
    memcpy(detail, state_db_detail(state->db), sizeof detail);
    state_db_close(KC_TAKE(state->db));
    job->status = state_db_begin_anew(state->folder, &state->db, &job->opened);
    memcpy(job->opened.detail, detail, sizeof detail);
    if (job->status == KC_OK)
        job->status = do_job(state->db, job);
}

/* A file that turns out to be damaged is begun anew, and the job done once more; the directory then
 * writes again what it knows. */
static void work_off(struct state *state, struct job *job)
{
    pthread_mutex_lock(&state->db_lock);
    job->status = state->db ? do_job(state->db, job) : KC_MALFORMED;
    if (job->status == KC_MALFORMED) {
        char detail[sizeof job->opened.detail] = "";
        if (state->db)
            memcpy(detail, state_db_detail(state->db), sizeof detail);
        state_db_close(KC_TAKE(state->db));
        job->status = state_db_open(state->folder, &state->db, &job->opened);
        if (*detail)
            memcpy(job->opened.detail, detail, sizeof detail);
        if (job->status == KC_OK)
            job->status = do_job(state->db, job);
        if (job->status == KC_MALFORMED && state->db && !job->opened.anew)
            begin_anew(state, job);
    }
    if (job->status != KC_OK && state->db && !job->opened.anew)
        memcpy(job->opened.detail, state_db_detail(state->db), sizeof job->opened.detail);
    pthread_mutex_unlock(&state->db_lock);
}

static void *work(void *userdata)
{
    struct state *state = userdata;
    pthread_mutex_lock(&state->lock);
    for (;;) {
        struct job *job = STAILQ_FIRST(&state->waiting);
        if (!job && state->stopping)
            break;
        if (!job) {
            pthread_cond_wait(&state->more, &state->lock);
            continue;
        }
        STAILQ_REMOVE_HEAD(&state->waiting, link);
        pthread_mutex_unlock(&state->lock);
        work_off(state, job);
        pthread_mutex_lock(&state->lock);
        STAILQ_INSERT_TAIL(&state->done, job, link);
        (void)eventfd_write(state->wake, 1);
    }
    pthread_mutex_unlock(&state->lock);
    return NULL;
}

struct job *state_take_done(struct state *state)
{
    pthread_mutex_lock(&state->lock);
    struct job *job = STAILQ_FIRST(&state->done);
    if (job) {
        STAILQ_REMOVE_HEAD(&state->done, link);
        state->count--;
        state->bytes -= job->bytes;
    }
    pthread_mutex_unlock(&state->lock);
    return job;
}

enum kc_status state_give(struct state *state, struct job *job)
{
    enum kc_status status = KC_BUSY;
    pthread_mutex_lock(&state->lock);
    if (state->count < JOBS_MAX && state->bytes + job->bytes <= BYTES_MAX) {
        state->count++;
        state->bytes += job->bytes;
        STAILQ_INSERT_TAIL(&state->waiting, job, link);
        pthread_cond_signal(&state->more);
        status = KC_OK;
    }
    pthread_mutex_unlock(&state->lock);
    return status;
}

enum kc_status state_start_thread(struct state *state)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_attr_init(&attributes) != 0)
        return KC_SYSTEM;
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    state->started = pthread_attr_setstacksize(&attributes, STACK_SIZE) == 0 &&
                     pthread_create(&state->thread, &attributes, work, state) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return state->started ? KC_OK : KC_SYSTEM;
}

bool state_stop_thread(struct state *state)
{
    struct timespec end;
    if (!state->started)
        return true;
    pthread_mutex_lock(&state->lock);
    state->stopping = true;
    pthread_cond_signal(&state->more);
    pthread_mutex_unlock(&state->lock);
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += END_SECONDS;
    return pthread_timedjoin_np(state->thread, NULL, &end) == 0;
}
