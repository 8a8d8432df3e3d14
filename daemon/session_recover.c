/*
 * What a restart finds: each file is tied to the running system again, or is over.
 * Used by main.c when it starts, through sessions.h.
 * Must never tie a session to another process than the one that opened it.
 */
#include "daemon/session_end.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

static bool parse_name(
    const char *name, enum session_kind *ret_kind, uint8_t ret_id[SESSION_ID_SIZE])
{
    char kind = *name;
    if ((kind != SESSION_GRANT && kind != SESSION_OPEN && kind != SESSION_ENDING) || name[1] != '-')
        return false;
    *ret_kind = (enum session_kind)kind;
    return kc_key_from_hex(name + 2, ret_id) == KC_OK;
}

/* Ties what a file says to this process again; what cannot be tied is over. */
static void take_up(struct session *session, const struct session_record *record)
{
    const char *boot_id = session->sessions->boot_id;
    uint64_t now = session_now_ms();
    uint64_t age = now > record->made_ms ? now - record->made_ms : 0;
    int pidfd;
    if (session->kind == SESSION_GRANT && age < SESSIONS_CLAIM_MS &&
        session_await_claim(session, SESSIONS_CLAIM_MS - age) == KC_OK)
        return;
    if (session->kind == SESSION_OPEN && *boot_id && strcmp(boot_id, record->boot_id) == 0 &&
        process_open(record->pid, record->pid_started, &pidfd) == KC_OK &&
        session_hold(session, pidfd) == KC_OK)
        return;
    session_end(session);
}

/* Only what can never be a session again is removed; what cannot be read now may be next time. */
static bool is_rubbish(enum kc_status status)
{
    return status == KC_MALFORMED || status == KC_CONFIG_UNTRUSTED;
}

static bool recover_one(struct sessions *sessions, const char *name)
{
    enum session_kind kind;
    uint8_t id[SESSION_ID_SIZE];
    SESSION_AUTO_RECORD struct session_record record = {0};
    bool named = parse_name(name, &kind, id);
    /* What was taken up may have been renamed under the reader of the folder. */
    if (named && session_find(sessions, id))
        return false;
    enum kc_status status = named ? session_file_read(sessions->dir, name, &record) : KC_MALFORMED;
    if (is_rubbish(status))
        (void)unlinkat(sessions->dir, name, 0);
    struct session *session = status == KC_OK ? session_add(sessions, kind, id, record.user) : NULL;
    if (session)
        take_up(session, &record);
    return session != NULL;
}

static void close_folder(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

size_t sessions_recover(struct sessions *sessions)
{
    int copy = openat(sessions->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    KC_CLEANUP(close_folder) DIR *folder = copy < 0 ? NULL : fdopendir(copy);
    size_t found = 0;
    for (struct dirent *item; folder && found < SESSIONS_MAX && (item = readdir(folder));)
        if (item->d_name[0] != '.')
            found += recover_one(sessions, item->d_name);
    return found;
}
