/*
 * What outlives the daemon: the way to the thread that has it, and back to the loop.
 * Used by main.c (one object), the directory and account.c; state_thread.c is the thread.
 * Must never let the loop wait for the disk but at the start.
 */
#include "daemon/state_internal.h"

#include "common/cleanup.h"
#include "daemon/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>

#define LOAD_SECONDS 5

static void job_cleanup(struct job **job)
{
    if (*job)
        state_job_free(*job);
}

#define AUTO_JOB KC_CLEANUP(job_cleanup)

static void log_anew(const struct state_db_opened *opened)
{
    char words[LOG_VALUE_SIZE];
    log_line(LOG_ERR,
        "state result=failed reason=%s detail=%s moved=" STATE_DB_DAMAGED " salvaged=%zu "
        "advice=\"no number is given out while it lies there: restore a copy, or remove it\"",
        kc_status_word(KC_MALFORMED), log_value(opened->detail, words), opened->salvaged);
}

static void log_status(enum kc_status status, const char *detail)
{
    char words[LOG_VALUE_SIZE];
    log_line(status == KC_OK ? LOG_NOTICE : LOG_ERR, "state result=%s reason=%s%s%s",
        kc_class_word(kc_status_class(status)), kc_status_word(status), *detail ? " detail=" : "",
        *detail ? log_value(detail, words) : "");
}

static void note_health(struct state *state, const struct job *job)
{
    if (job->type == JOB_GET && job->status == KC_NOT_FOUND)
        return;
    if (job->status != state->health)
        log_status(job->status, job->status == KC_OK ? "" : job->opened.detail);
    state->health = job->status;
}

static void finish(struct state *state, struct job *job)
{
    const bool anew = job->opened.anew;
    if (anew)
        log_anew(&job->opened);
    note_health(state, job);
    if (job->type == JOB_GET && job->read.got)
        job->read.got(job->read.userdata, job->status, job->at, job->text, job->length);
    if (job->type == JOB_ROWS && job->writer == state->writers)
        job->written(job->read.userdata, job->status);
    state_job_free(job);
    if (anew && state->lost)
        state->lost(state->lost_userdata);
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    struct state *state = userdata;
    struct job *job;
    eventfd_t count;
    (void)source;
    (void)events;
    (void)eventfd_read(fd, &count);
    while ((job = state_take_done(state)))
        finish(state, job);
    return 0;
}

static enum kc_status open_db(struct state *state)
{
    struct state_db_opened opened;
    const enum kc_status status = state_db_open(state->folder, &state->db, &opened);
    if (opened.anew)
        log_anew(&opened);
    else if (status != KC_OK)
        log_status(status, opened.detail);
    return status;
}

enum kc_status state_open(sd_event *event, const char *folder, struct state **ret_state)
{
    struct state *state = calloc(1, sizeof *state);
    if (!state)
        return KC_NO_MEMORY;
    STAILQ_INIT(&state->waiting);
    STAILQ_INIT(&state->done);
    pthread_mutex_init(&state->lock, NULL);
    pthread_mutex_init(&state->db_lock, NULL);
    pthread_cond_init(&state->more, NULL);
    state->folder = strdup(folder);
    state->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum kc_status status = state->folder ? KC_OK : KC_NO_MEMORY;
    if (status == KC_OK && (state->wake < 0 || sd_event_add_io(event, &state->source, state->wake,
                                                   EPOLLIN, on_done, state) < 0))
        status = KC_SYSTEM;
    if (status == KC_OK)
        status = open_db(state);
    if (status == KC_OK)
        status = state_start_thread(state);
    if (status == KC_OK)
        *ret_state = state;
    else
        state_close(state);
    return status;
}

static void free_jobs(struct jobs *jobs)
{
    struct job *job;
    while ((job = STAILQ_FIRST(jobs))) {
        STAILQ_REMOVE_HEAD(jobs, link);
        state_job_free(job);
    }
}

void state_close(struct state *state)
{
    if (!state)
        return;
    sd_event_source_disable_unref(state->source);
    if (!state_stop_thread(state))
        return;
    free_jobs(&state->waiting);
    free_jobs(&state->done);
    state_db_close(state->db);
    if (state->wake >= 0)
        close(state->wake);
    pthread_cond_destroy(&state->more);
    pthread_mutex_destroy(&state->db_lock);
    pthread_mutex_destroy(&state->lock);
    free(state->folder);
    free(state);
}

/* Looks at the folder alone. What cannot be looked at is there. */
bool state_is_held(const struct state *state)
{
    char path[4096];
    struct stat file;
    if (snprintf(path, sizeof path, "%s/" STATE_DB_DAMAGED, state->folder) >= (int)sizeof path)
        return true;
    return lstat(path, &file) == 0 || errno != ENOENT;
}

/* --- texts --- */

static struct job *new_text(enum job_type type, enum state_kind kind, const char *id)
{
    AUTO_JOB struct job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->type = type;
    job->kind = kind;
    job->id = strdup(id);
    job->bytes = sizeof *job + strlen(id);
    return job->id ? KC_TAKE(job) : NULL;
}

static enum kc_status put(struct state *state, enum state_kind kind, const char *id, int64_t at,
    const char *text, size_t length)
{
    if (length > STATE_TEXT_MAX)
        return KC_TOO_LARGE;
    AUTO_JOB struct job *job = new_text(JOB_PUT, kind, id);
    if (!job || !(job->text = malloc(length + 1)))
        return KC_NO_MEMORY;
    memcpy(job->text, text, length);
    job->length = length;
    job->bytes += length;
    job->at = at;
    const enum kc_status status = state_give(state, job);
    if (status == KC_OK)
        job = NULL;
    return status;
}

void state_put(struct state *state, enum state_kind kind, const char *id, int64_t at,
    const char *text, size_t length)
{
    const enum kc_status status = put(state, kind, id, at, text, length);
    if (status != KC_OK && !state->full)
        log_status(status, "what was to be kept is dropped");
    state->full = status != KC_OK;
}

enum kc_status state_get(struct state *state, enum state_kind kind, const char *id, state_got *got,
    void *userdata, struct state_read **ret_read)
{
    AUTO_JOB struct job *job = new_text(JOB_GET, kind, id);
    if (!job)
        return KC_NO_MEMORY;
    job->read = (struct state_read){got, userdata};
    const enum kc_status status = state_give(state, job);
    if (status == KC_OK)
        *ret_read = &KC_TAKE(job)->read;
    return status;
}

void state_read_cancel(struct state_read *read)
{
    read->got = NULL;
}

/* --- rows --- */

struct loading {
    const char *issuer;
    state_row_each *each;
    void *userdata;
    bool another; /* the last run's realm was another */
};

static enum kc_status load_row(void *userdata, const struct state_row *row)
{
    struct loading *loading = userdata;
    if (row->table == STATE_REALM && strcmp(row->id, loading->issuer) != 0) {
        loading->another = true;
        return KC_CONFIG_INVALID; /* ends the reading */
    }
    return loading->each(loading->userdata, row);
}

static enum kc_status load(struct state *state, struct loading *loading)
{
    size_t skipped = 0;
    if (!state->db)
        return KC_SYSTEM;
    enum kc_status status = state_db_read(state->db, load_row, loading, &skipped);
    if (loading->another) {
        log_line(LOG_WARNING, "state result=ok reason=realm-wrong-issuer detail=\"the issuer is "
                              "another one: what was known of users is forgotten, whose names and "
                              "ids are is not\"");
        loading->another = false;
        status = state_db_forget(state->db);
        if (status == KC_OK)
            status = state_db_read(state->db, load_row, loading, &skipped);
    }
    if (skipped > 0)
        log_line(LOG_ERR, "state result=failed reason=malformed-input skipped=%zu", skipped);
    if (status != KC_OK)
        log_status(status, state_db_detail(state->db));
    return status;
}

enum kc_status state_load(
    struct state *state, const char *issuer, state_row_each *each, void *userdata)
{
    struct loading loading = {issuer, each, userdata, false};
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += LOAD_SECONDS;
    if (pthread_mutex_timedlock(&state->db_lock, &end) != 0)
        return KC_TIMED_OUT;
    const enum kc_status status = load(state, &loading);
    pthread_mutex_unlock(&state->db_lock);
    return status;
}

enum kc_status state_write(struct state *state, const struct state_row *rows, size_t count,
    state_written *written, void *userdata)
{
    AUTO_JOB struct job *job = calloc(1, sizeof *job);
    if (count > STATE_ROWS_MAX)
        return KC_TOO_LARGE;
    if (!job || !(job->rows = calloc(count + 1, sizeof *job->rows)))
        return KC_NO_MEMORY;
    job->type = JOB_ROWS;
    job->written = written;
    job->writer = state->writers;
    job->read.userdata = userdata;
    job->bytes = sizeof *job + count * sizeof *job->rows;
    for (; job->count < count; job->count++) {
        if (state_row_copy(&rows[job->count], &job->rows[job->count]) != KC_OK)
            return KC_NO_MEMORY;
        job->bytes += job->rows[job->count].size;
    }
    const enum kc_status status = state_give(state, job);
    if (status == KC_OK)
        job = NULL;
    return status;
}

void state_watch(struct state *state, state_lost *lost, void *userdata)
{
    state->lost = lost;
    state->lost_userdata = userdata;
}

void state_forget_writer(struct state *state)
{
    state->writers++;
    state->lost = NULL;
}
