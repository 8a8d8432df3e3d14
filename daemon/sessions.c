/*
 * Grants that wait to be claimed and sessions that are open: what is kept, and who may claim it.
 * Used by login.c, account.c and phases.c.
 * Must never give a token to anybody but the one who logged in.
 */
#include "daemon/sessions.h"

#include "daemon/log.h"
#include "daemon/process.h"
#include "daemon/session_end.h"

#include <stdio.h>
#include <string.h>

static enum kc_status fill(struct session_record *record, const struct kc_wire_login *who,
    const struct grant_answer *answer)
{
    record->uid = who->uid;
    memcpy(record->user, who->user, sizeof record->user);
    memcpy(record->service, who->service, sizeof record->service);
    memcpy(record->rhost, who->rhost, sizeof record->rhost);
    memcpy(record->access, who->access, sizeof record->access);
    if ((answer->scope && strlen(answer->scope) >= sizeof record->scope) ||
        strlen(answer->issuer) >= sizeof record->issuer ||
        strlen(answer->client_id) >= sizeof record->client_id)
        return KC_TOO_LARGE;
    snprintf(record->issuer, sizeof record->issuer, "%s", answer->issuer);
    snprintf(record->client_id, sizeof record->client_id, "%s", answer->client_id);
    record->has_scope = answer->scope != NULL;
    snprintf(record->scope, sizeof record->scope, "%s", answer->scope ? answer->scope : "");
    record->made_ms = session_now_ms();
    record->expires = answer->expires_at;
    enum kc_status status = kc_secret_set(
        &record->access_token, answer->access_token.bytes, answer->access_token.length);
    if (status == KC_OK && answer->refresh_token.length)
        status = kc_secret_set(
            &record->refresh_token, answer->refresh_token.bytes, answer->refresh_token.length);
    return status;
}

static enum kc_status new_key(uint8_t ret_key[KC_KEY_SIZE], uint8_t ret_id[SESSION_ID_SIZE])
{
    KC_AUTO_SECRET struct kc_secret random = KC_SECRET_INIT;
    enum kc_status status = kc_secret_random(&random, KC_KEY_SIZE);
    if (status != KC_OK)
        return status;
    memcpy(ret_key, random.bytes, KC_KEY_SIZE);
    return session_id_of_key(ret_key, ret_id);
}

/* A new session of that kind: its file, and what memory holds of it. */
static enum kc_status keep(struct sessions *sessions, enum session_kind kind,
    const struct session_record *record, const uint8_t id[SESSION_ID_SIZE],
    struct session **ret_session)
{
    char name[SESSION_NAME_SIZE];
    session_name(kind, id, name);
    enum kc_status status = session_file_write(sessions->dir, name, record);
    if (status != KC_OK)
        return status;
    struct session *session = session_add(sessions, kind, id, record->user);
    if (session) {
        *ret_session = session;
        return KC_OK;
    }
    (void)unlinkat(sessions->dir, name, 0);
    return KC_NO_MEMORY;
}

enum kc_status sessions_grant(struct sessions *sessions, const struct kc_wire_login *who,
    uint32_t pid, const struct grant_answer *answer, uint8_t ret_key[KC_KEY_SIZE])
{
    if (!session_grant_fits(sessions, who->user))
        return KC_BUSY;
    SESSION_AUTO_RECORD struct session_record record = {0};
    struct session *session = NULL;
    uint8_t key[KC_KEY_SIZE], id[SESSION_ID_SIZE];
    enum kc_status status = fill(&record, who, answer);
    if (process_started(pid, &record.pid_started) == KC_OK)
        record.pid = pid;
    if (status == KC_OK)
        status = new_key(key, id);
    if (status == KC_OK)
        status = keep(sessions, SESSION_GRANT, &record, id, &session);
    if (status != KC_OK)
        return status;
    status = session_await_claim(session, SESSIONS_CLAIM_MS);
    if (status == KC_OK)
        memcpy(ret_key, key, KC_KEY_SIZE);
    else
        session_forget(session);
    kc_wipe(key, sizeof key);
    return status;
}

/* No limit but that of all sessions holds here. What cannot be kept for later is tried now. */
void sessions_discard(
    struct sessions *sessions, const struct kc_wire_login *who, const struct grant_answer *answer)
{
    SESSION_AUTO_RECORD struct session_record record = {0};
    struct session *session = NULL;
    uint8_t key[KC_KEY_SIZE], id[SESSION_ID_SIZE];
    enum kc_status status = session_fits(sessions) ? fill(&record, who, answer) : KC_BUSY;
    if (status == KC_OK)
        status = new_key(key, id);
    if (status == KC_OK)
        status = keep(sessions, SESSION_ENDING, &record, id, &session);
    if (status == KC_OK)
        session_log_out(session);
    else
        session_log_out_unkept(sessions, answer);
}

static enum kc_status read_grant(const struct session *session, struct session_record *ret_record)
{
    if (!session || session->kind != SESSION_GRANT)
        return KC_TRANSACTION_UNKNOWN;
    enum kc_status status = session_read(session, ret_record);
    return status == KC_NOT_FOUND ? KC_TRANSACTION_UNKNOWN : status;
}

static bool same_user(const struct session_record *record, const struct kc_wire_login *who)
{
    return strcmp(record->user, who->user) == 0;
}

static bool same_door(const struct session_record *record, const struct kc_wire_login *who)
{
    return strcmp(record->service, who->service) == 0 && strcmp(record->rhost, who->rhost) == 0;
}

static bool same_process(const struct session_record *record, uint32_t pid)
{
    uint64_t started = 0;
    return record->pid != 0 && record->pid == pid && process_started(pid, &started) == KC_OK &&
           started == record->pid_started;
}

/*
 * Whether the claim is the login's own. sudo asks for its caller's password and then opens the
 * session of its target, in one process: that is nobody's attack, and nobody's token either.
 */
static enum kc_status judge_claim(
    const struct session_record *record, const struct kc_wire_login *who, uint32_t pid)
{
    if (!same_door(record, who))
        return KC_TRANSACTION_MISMATCH;
    if (!same_user(record, who))
        return same_process(record, pid) ? KC_USER_SWITCHED : KC_TRANSACTION_MISMATCH;
    return record->uid == who->uid && who->uid != KC_WIRE_NO_UID ? KC_OK : KC_TRANSACTION_MISMATCH;
}

static void hand_over(struct session_record *record, struct session_record *ret_record)
{
    *ret_record = *record;
    record->access_token = KC_SECRET_INIT;
    record->refresh_token = KC_SECRET_INIT;
}

enum kc_status sessions_peek(struct sessions *sessions, const uint8_t key[KC_KEY_SIZE],
    const struct kc_wire_login *who, struct session_record *ret_record)
{
    SESSION_AUTO_RECORD struct session_record record = {0};
    enum kc_status status = read_grant(session_find_key(sessions, key), &record);
    if (status != KC_OK)
        return status;
    if (!same_user(&record, who) || !same_door(&record, who))
        return KC_TRANSACTION_MISMATCH;
    hand_over(&record, ret_record);
    return KC_OK;
}

/* Who holds the session: in the record for the next start, in ret_pidfd for this one. */
static enum kc_status identify(struct sessions *sessions, struct session_record *record,
    int pidfd, uint32_t pid, int *ret_pidfd)
{
    KC_AUTO_CLOSE int own = pidfd;
    enum kc_status status = own < 0 ? process_hold(pid, &own) : KC_OK;
    if (status == KC_OK)
        status = process_of_pidfd(own, &record->pid);
    if (status != KC_OK)
        return status;
    status = process_started(record->pid, &record->pid_started);
    /* It lived a moment ago: /proc hides it, or it ended just now, which the pidfd will tell. */
    if (status == KC_NOT_AUTHORIZED || status == KC_NOT_FOUND) {
        record->pid_started = PROCESS_START_UNKNOWN;
        status = KC_OK;
    }
    if (status == KC_OK)
        status = session_know_boot(sessions);
    memcpy(record->boot_id, sessions->boot_id, sizeof record->boot_id);
    if (status == KC_OK)
        *ret_pidfd = KC_TAKE_FD(own);
    return status;
}

/* The claimed grant lives on under a new key, held by a process. */
static enum kc_status begin(struct sessions *sessions, const struct session_record *record,
    int pidfd, uint8_t ret_handle[KC_KEY_SIZE])
{
    KC_AUTO_CLOSE int own = pidfd;
    uint8_t key[KC_KEY_SIZE], id[SESSION_ID_SIZE];
    enum kc_status status = new_key(key, id);
    if (status != KC_OK)
        return status;
    struct session *session = NULL;
    status = keep(sessions, SESSION_OPEN, record, id, &session);
    if (status != KC_OK)
        return status;
    status = session_hold(session, KC_TAKE_FD(own));
    if (status == KC_OK)
        memcpy(ret_handle, key, KC_KEY_SIZE);
    else
        session_forget(session);
    kc_wipe(key, sizeof key);
    return status;
}

enum kc_status sessions_open(struct sessions *sessions, const uint8_t key[KC_KEY_SIZE],
    const struct kc_wire_login *who, int pidfd, uint32_t pid, struct session_record *ret_record,
    uint8_t ret_handle[KC_KEY_SIZE])
{
    KC_AUTO_CLOSE int own = pidfd;
    SESSION_AUTO_RECORD struct session_record record = {0};
    struct session *grant = session_find_key(sessions, key);
    enum kc_status status = read_grant(grant, &record);
    if (status == KC_TRANSACTION_UNKNOWN)
        return status;
    if (status == KC_OK)
        status = judge_claim(&record, who, pid);
    int holder = -1;
    if (status == KC_OK)
        status = identify(sessions, &record, KC_TAKE_FD(own), pid, &holder);
    if (status == KC_OK)
        status = begin(sessions, &record, holder, ret_handle);
    if (status != KC_OK) {
        session_end(grant);
        return status;
    }
    session_forget(grant);
    hand_over(&record, ret_record);
    return KC_OK;
}

enum kc_status sessions_close(struct sessions *sessions, const uint8_t handle[KC_KEY_SIZE])
{
    struct session *session = session_find_key(sessions, handle);
    if (!session || session->kind != SESSION_OPEN)
        return KC_NOT_FOUND;
    session_end(session);
    return KC_OK;
}
