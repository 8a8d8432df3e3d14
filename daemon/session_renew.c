/*
 * An open session's tokens made anew: the freshest word on a user who is logged in.
 * Used by evidence.c.
 * Must never lose a refresh token that the realm has given for another, nor use one twice at once.
 */
#include "daemon/session_renew.h"

#include "daemon/log.h"
#include "daemon/renewal.h"
#include "daemon/session_table.h"

#include <stdio.h>
#include <string.h>

struct session_renewal {
    struct sessions *sessions;
    uint8_t id[SESSION_ID_SIZE]; /* the session may have ended meanwhile */
    session_renewed *done;       /* NULL: cancelled */
    void *userdata;
};

/* The new tokens in the place of the old ones; what the realm did not give anew stays. */
static enum kc_status put_tokens(struct session_record *record, const struct grant_answer *answer)
{
    enum kc_status status = KC_OK;
    if (answer->refresh_token.length)
        status = kc_secret_set(
            &record->refresh_token, answer->refresh_token.bytes, answer->refresh_token.length);
    if (status != KC_OK || !answer->jwt)
        return status; /* an access token that does not verify is of no use to anybody */
    status = kc_secret_set(
        &record->access_token, answer->access_token.bytes, answer->access_token.length);
    if (status != KC_OK || strlen(answer->scope ? answer->scope : "") >= sizeof record->scope)
        return status == KC_OK ? KC_TOO_LARGE : status;
    record->expires = answer->expires_at;
    record->has_scope = answer->scope != NULL;
    snprintf(record->scope, sizeof record->scope, "%s", answer->scope ? answer->scope : "");
    return status;
}

/* A log-out needs no more than the old token (tried), so a session that ends meanwhile ends well. */
static enum kc_status keep(struct session *session, const struct grant_answer *answer)
{
    SESSION_AUTO_RECORD struct session_record record = {0};
    char name[SESSION_NAME_SIZE];
    enum kc_status status = session_read(session, &record);
    if (status == KC_OK)
        status = put_tokens(&record, answer);
    session_name(session->kind, session->id, name);
    return status == KC_OK ? session_file_write(session->sessions->dir, name, &record) : status;
}

/* Whether the realm may have given new tokens that never came. What never reached the realm, or
 * what it refused without a look at the token, used nothing up. */
static bool is_lost(enum kc_status status)
{
    switch (status) {
    case KC_OK:
    case KC_UNREACHABLE:
    case KC_TLS_FAILED:
    case KC_ACCOUNT_DISABLED:
    case KC_HTTP_TOO_MANY_REQUESTS:
        return false;
    default:
        return kc_status_class(status) != KC_CLASS_MISCONFIGURED;
    }
}

static void note(struct session *session, enum kc_status status, const struct grant_answer *answer)
{
    session->renewing = false;
    session->spent = !answer && is_lost(status);
    if (!answer)
        return;
    const enum kc_status kept = keep(session, answer);
    session->spent = kept != KC_OK;
    if (kept != KC_OK)
        log_line(LOG_ERR, "renewal result=%s reason=%s detail=\"a session's new tokens are lost\"",
            kc_class_word(kc_status_class(kept)), kc_status_word(kept));
}

static void on_renewed(
    void *userdata, enum kc_status status, const char *detail, struct grant_answer *answer)
{
    KC_AUTO_FREE struct session_renewal *renewal = userdata;
    struct session *session = session_find(renewal->sessions, renewal->id);
    if (session && session->kind == SESSION_OPEN)
        note(session, status, answer);
    if (renewal->done)
        renewal->done(renewal->userdata, status, detail, status == KC_OK ? answer : NULL);
}

/* What a look through the table needs. */
struct search {
    const char *user;
    uint32_t uid;
    struct session *found;
    struct session_record *record; /* of the one that was found */
};

static bool fits(const struct session_record *record, const struct search *search)
{
    return record->uid == search->uid && strcmp(record->user, search->user) == 0 &&
           record->refresh_token.length > 0;
}

static bool try_session(void *userdata, struct session *session)
{
    struct search *search = userdata;
    if (session->spent || session->renewing)
        return false;
    session_record_wipe(search->record);
    if (session_read(session, search->record) != KC_OK || !fits(search->record, search))
        return false;
    search->found = session;
    return true;
}

static enum kc_status start(struct session *session, const struct session_record *record,
    unsigned deadline_ms, struct session_renewal *renewal)
{
    const struct realm_origin origin = {record->issuer, record->client_id};
    const struct renewal_request request = {.origin = &origin,
        .refresh_token = &record->refresh_token,
        .user = record->user,
        .deadline_ms = deadline_ms};
    memcpy(renewal->id, session->id, SESSION_ID_SIZE);
    const enum kc_status status =
        renewal_start(session->sessions->realm, &request, on_renewed, renewal);
    session->renewing = status == KC_OK;
    return status;
}

enum kc_status session_renew(struct sessions *sessions, const char *user, uint32_t uid,
    unsigned deadline_ms, session_renewed *done, void *userdata,
    struct session_renewal **ret_renewal)
{
    SESSION_AUTO_RECORD struct session_record record = {0};
    struct search search = {.user = user, .uid = uid, .record = &record};
    session_each_open(sessions, user, try_session, &search);
    if (!search.found)
        return KC_NOT_FOUND;
    KC_AUTO_FREE struct session_renewal *renewal = calloc(1, sizeof *renewal);
    if (!renewal)
        return KC_NO_MEMORY;
    *renewal =
        (struct session_renewal){.sessions = sessions, .done = done, .userdata = userdata};
    const enum kc_status status = start(search.found, &record, deadline_ms, renewal);
    if (status == KC_OK)
        *ret_renewal = KC_TAKE(renewal);
    return status;
}

bool session_renewable(struct sessions *sessions, const char *user, uint32_t uid)
{
    SESSION_AUTO_RECORD struct session_record record = {0};
    struct search search = {.user = user, .uid = uid, .record = &record};
    session_each_open(sessions, user, try_session, &search);
    return search.found != NULL;
}

void session_renew_cancel(struct session_renewal *renewal)
{
    renewal->done = NULL;
}
