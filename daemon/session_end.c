/*
 * The end of a session: nobody claimed it, its process ended, or it was closed; then its log-out
 * at the realm, a few at a time and tried again. Used by sessions.c and session_recover.c.
 * Must never give a log-out up in silence.
 */
#include "daemon/session_end.h"

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/oauth_error.h"
#include "daemon/realm.h"

#include <malloc.h>

#define ENDING_AT_ONCE 8 /* log-outs under way */
#define ENDING_TRIES 10  /* the last one comes after seventeen minutes */
#define RETRY_FIRST_MS 2000
#define AWAIT_US (10 * CLOCK_SECOND_US)
#define TRIM_AFTER 256 /* log-outs */

static enum kc_status wait_ms(struct session *session, uint64_t ms, sd_event_time_handler_t handler)
{
    return sd_event_add_time_relative(session->sessions->event, &session->waiting, CLOCK_MONOTONIC,
               ms * 1000, 0, handler, session) < 0
               ? KC_SYSTEM
               : KC_OK;
}

static int on_retry(sd_event_source *source, uint64_t now, void *userdata)
{
    struct session *session = userdata;
    (void)source, (void)now;
    session_stop_waiting(session);
    session_log_out(session);
    return 0;
}

static void log_failure(enum kc_status status, const char *detail)
{
    char quoted[LOG_VALUE_SIZE], change[LOG_VALUE_SIZE];
    const char *advice = oauth_error_advice(status);
    log_line(LOG_WARNING, "logout result=%s reason=%s detail=%s%s%s",
        kc_class_word(kc_status_class(status)), kc_status_word(status),
        log_value(detail, quoted), advice ? " advice=" : "",
        advice ? log_value(advice, change) : "");
}

/* Memory lets go of it; its file stays, and is found over again. */
static void leave_to_recovery(struct session *session)
{
    struct sessions *sessions = session->sessions;
    session_drop(session);
    session_recover_later(sessions);
}

/* One try is over: done with, or again later. */
static void tried(struct session *session, enum kc_status status, const char *detail)
{
    session->sessions->at_once--;
    enum kc_class class = kc_status_class(status);
    bool later = class == KC_CLASS_UNREACHABLE || class == KC_CLASS_UNAVAILABLE ||
                 class == KC_CLASS_INTERNAL;
    uint64_t pause = (uint64_t)RETRY_FIRST_MS << session->tries;
    if (later && ++session->tries < ENDING_TRIES) {
        if (wait_ms(session, pause, on_retry) != KC_OK)
            leave_to_recovery(session);
        return;
    }
    if (status != KC_OK)
        log_failure(status, detail);
    session_forget(session);
}

/* A crowd that has gone leaves holes in the heap that nothing else would ever give back. */
static void give_memory_back(struct sessions *sessions)
{
    if (sessions->at_once || !TAILQ_EMPTY(&sessions->ending) || sessions->ended < TRIM_AFTER)
        return;
    sessions->ended = 0;
    (void)malloc_trim(0);
}

static void pump_endings(struct sessions *sessions);

static void on_ended(void *userdata, enum kc_status status, const char *detail)
{
    struct session *session = userdata;
    struct sessions *sessions = session->sessions;
    tried(session, status, detail);
    sessions->ended++;
    pump_endings(sessions);
    give_memory_back(sessions);
}

static enum kc_status start_log_out(struct session *session)
{
    SESSION_AUTO_RECORD struct session_record record = {0};
    enum kc_status status = session_read(session, &record);
    if (status != KC_OK)
        return status;
    struct realm *realm = session->sessions->realm;
    const struct realm_origin origin = {record.issuer, record.client_id};
    return record.refresh_token.length
               ? realm_logout(realm, &origin, &record.refresh_token, on_ended, session)
               : realm_revoke(realm, &origin, &record.access_token, on_ended, session);
}

/* Its turn comes when the realm is known, or found to be out of reach. */
static void on_realm_known(void *userdata, enum kc_status status, const char *detail)
{
    struct sessions *sessions = userdata;
    sessions->realm_awaited = false;
    while (status != KC_OK && !TAILQ_EMPTY(&sessions->ending)) {
        struct session *session = TAILQ_FIRST(&sessions->ending);
        TAILQ_REMOVE(&sessions->ending, session, ending);
        sessions->at_once++;
        tried(session, status, detail);
    }
    pump_endings(sessions);
}

/* After a start, what is over must not wait for a second try: the next start may come before it. */
static bool await_realm(struct sessions *sessions)
{
    struct realm_wait *wait;
    if (realm_discovery(sessions->realm))
        return false;
    sessions->realm_awaited = true;
    uint64_t deadline = clock_us() + AWAIT_US;
    if (realm_await(sessions->realm, deadline, on_realm_known, sessions, &wait) != KC_OK)
        sessions->realm_awaited = false;
    return sessions->realm_awaited;
}

/* Starts the next log-outs, a few at a time: a host that shuts down must not storm its realm. */
static void pump_endings(struct sessions *sessions)
{
    while (!sessions->realm_awaited && sessions->at_once < ENDING_AT_ONCE &&
           !TAILQ_EMPTY(&sessions->ending)) {
        if (await_realm(sessions))
            return;
        if (TAILQ_EMPTY(&sessions->ending))
            return;
        struct session *session = TAILQ_FIRST(&sessions->ending);
        TAILQ_REMOVE(&sessions->ending, session, ending);
        sessions->at_once++;
        enum kc_status status = start_log_out(session);
        if (status != KC_OK)
            tried(session, status, "");
    }
}

void session_log_out(struct session *session)
{
    TAILQ_INSERT_TAIL(&session->sessions->ending, session, ending);
    pump_endings(session->sessions);
}

void session_end(struct session *session)
{
    session_stop_waiting(session);
    enum kc_status status = session_become(session, SESSION_ENDING);
    if (status == KC_OK) {
        session_log_out(session);
        return;
    }
    log_failure(status, "");
    leave_to_recovery(session);
}

static void on_unkept_ended(void *userdata, enum kc_status status, const char *detail)
{
    (void)userdata;
    if (status != KC_OK)
        log_failure(status, detail);
}

void session_log_out_unkept(struct sessions *sessions, const struct grant_answer *answer)
{
    struct realm *realm = sessions->realm;
    const struct realm_origin origin = {answer->issuer, answer->client_id};
    enum kc_status status =
        answer->refresh_token.length
            ? realm_logout(realm, &origin, &answer->refresh_token, on_unkept_ended, NULL)
            : realm_revoke(realm, &origin, &answer->access_token, on_unkept_ended, NULL);
    if (status != KC_OK)
        log_failure(status, "");
}

static int on_unclaimed(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)source, (void)now;
    session_end(userdata);
    return 0;
}

enum kc_status session_await_claim(struct session *session, uint64_t ms)
{
    return wait_ms(session, ms, on_unclaimed);
}

static int on_process_end(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source, (void)fd, (void)events;
    session_end(userdata);
    return 0;
}

enum kc_status session_hold(struct session *session, int pidfd)
{
    session->pidfd = pidfd;
    return sd_event_add_io(session->sessions->event, &session->waiting, pidfd, EPOLLIN,
               on_process_end, session) < 0
               ? KC_SYSTEM
               : KC_OK;
}
