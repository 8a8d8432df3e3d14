/*
 * What a restart finds: each file is tied to the running system again, or is over.
 * Used by main.c when it starts, through sessions.h; by session_end.c for what it cannot end now.
 * Must never tie a session to another process than the one that opened it.
 */
#include "daemon/session_end.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#define AGAIN_FIRST_US 1000000ull /* what could not be told at the start is looked at again */
#define AGAIN_DOUBLINGS 5u         /* the longest pause is 32 seconds */

static bool parse_name(
    const char *name, enum session_kind *ret_kind, uint8_t ret_id[SESSION_ID_SIZE])
{
    char kind = *name;
    if ((kind != SESSION_GRANT && kind != SESSION_OPEN && kind != SESSION_ENDING) || name[1] != '-')
        return false;
    *ret_kind = (enum session_kind)kind;
    return kc_key_from_hex(name + 2, ret_id) == KC_OK;
}

/* Who waits for a claim has what is left of the time. */
static enum kc_status take_up_grant(struct session *session, const struct session_record *record)
{
    uint64_t now = session_now_ms();
    uint64_t age = now > record->made_ms ? now - record->made_ms : 0;
    return age < SESSIONS_CLAIM_MS ? session_await_claim(session, SESSIONS_CLAIM_MS - age)
                                   : KC_NOT_FOUND;
}

static enum kc_status take_up_open(struct session *session, const struct session_record *record)
{
    int pidfd = -1;
    enum kc_status status = session_know_boot(session->sessions);
    if (status == KC_OK && strcmp(session->sessions->boot_id, record->boot_id) != 0)
        status = KC_NOT_FOUND;
    if (status == KC_OK)
        status = process_open(record->pid, record->pid_started, &pidfd);
    return status == KC_OK ? session_hold(session, pidfd) : status;
}

/*
 * Ties what a file says to this process again. What is over ends; what cannot be told for want of
 * descriptors or memory is left as it lies: nobody may take a living session for an ended one.
 */
static enum kc_status take_up(struct session *session, const struct session_record *record)
{
    enum kc_status status = session->kind == SESSION_GRANT  ? take_up_grant(session, record)
                            : session->kind == SESSION_OPEN ? take_up_open(session, record)
                                                            : KC_NOT_FOUND;
    if (status == KC_NOT_FOUND) {
        session_end(session);
        return KC_OK;
    }
    if (status != KC_OK)
        session_drop(session);
    return status;
}

/* Only what can never be a session again is removed; what cannot be read now may be later. */
static bool is_rubbish(enum kc_status status)
{
    return status == KC_MALFORMED || status == KC_CONFIG_UNTRUSTED;
}

/* KC_OK: taken up. KC_NOT_FOUND: known already, or gone. What is rubbish is removed. Else: later. */
static enum kc_status recover_one(struct sessions *sessions, const char *name)
{
    enum session_kind kind;
    uint8_t id[SESSION_ID_SIZE];
    SESSION_AUTO_RECORD struct session_record record = {0};
    bool named = parse_name(name, &kind, id);
    /* What was taken up may have been renamed under the reader of the folder. */
    if (named && session_find(sessions, id))
        return KC_NOT_FOUND;
    enum kc_status status = named ? session_file_read(sessions->dir, name, &record) : KC_MALFORMED;
    if (is_rubbish(status))
        (void)unlinkat(sessions->dir, name, 0);
    if (status != KC_OK)
        return status;
    struct session *session = session_add(sessions, kind, id, record.user);
    return session ? take_up(session, &record) : KC_NO_MEMORY;
}

static void close_folder(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

static DIR *open_folder(const struct sessions *sessions)
{
    KC_AUTO_CLOSE int copy = openat(sessions->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy < 0 ? NULL : fdopendir(copy);
    if (folder)
        (void)KC_TAKE_FD(copy);
    return folder;
}

size_t sessions_recover(struct sessions *sessions)
{
    KC_CLEANUP(close_folder) DIR *folder = open_folder(sessions);
    size_t found = 0, left = folder ? 0 : 1;
    for (struct dirent *item; folder && found < SESSIONS_MAX && (item = readdir(folder));) {
        enum kc_status status =
            item->d_name[0] == '.' ? KC_NOT_FOUND : recover_one(sessions, item->d_name);
        found += status == KC_OK;
        left += status != KC_OK && status != KC_NOT_FOUND && !is_rubbish(status);
    }
    if (left)
        session_recover_later(sessions);
    else
        sessions->pauses = 0;
    return found;
}

static int on_again(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)source, (void)now;
    (void)sessions_recover(userdata);
    return 0;
}

enum kc_status session_recover_prepare(struct sessions *sessions)
{
    if (sd_event_add_time(sessions->event, &sessions->again, CLOCK_MONOTONIC, 0, 0, on_again,
            sessions) < 0 ||
        sd_event_source_set_enabled(sessions->again, SD_EVENT_OFF) < 0)
        return KC_NO_MEMORY;
    return KC_OK;
}

void session_recover_later(struct sessions *sessions)
{
    uint64_t pause = AGAIN_FIRST_US << sessions->pauses;
    if (sessions->pauses < AGAIN_DOUBLINGS)
        sessions->pauses++;
    (void)sd_event_source_set_time_relative(sessions->again, pause);
    (void)sd_event_source_set_enabled(sessions->again, SD_EVENT_ONESHOT);
}
