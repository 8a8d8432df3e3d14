/*
 * The table of sessions: what memory holds of each, and the name of its file.
 * Used by sessions.c, session_end.c and session_recover.c alone: everybody else has sessions.h.
 * Must never hold a key or a token: keys are hashed, tokens stay in the files.
 */
#ifndef DAEMON_SESSION_TABLE_H
#define DAEMON_SESSION_TABLE_H

#include "daemon/process.h"
#include "daemon/sessions.h"

#include <sys/queue.h>

#define SESSION_ID_SIZE 32 /* SHA-256 of the key: the key itself is kept nowhere */
#define SESSIONS_MAX 65536

/* A file's name is its kind's letter, a dash, and the id in hex. */
enum session_kind {
    SESSION_GRANT = 'g',  /* a login succeeded, nobody has claimed it yet */
    SESSION_OPEN = 's',   /* a process holds the session */
    SESSION_ENDING = 'e', /* over on this host, not yet logged out at the realm */
};

struct session {
    uint8_t id[SESSION_ID_SIZE];
    enum session_kind kind;
    uint64_t user;            /* a hash of the name: grants of one user have a limit */
    unsigned tries;           /* of logging out */
    int pidfd;                /* of the process that holds it; -1 */
    bool renewing;            /* its refresh token is on its way */
    bool spent;               /* its refresh token may have been used up */
    sd_event_source *waiting; /* for the claim's end, the process's end, or the next try */
    struct sessions *sessions;
    TAILQ_ENTRY(session) ending;
};

struct sessions {
    sd_event *event;
    struct realm *realm;
    int dir;
    void *by_id; /* tsearch(3) */
    struct sessions_count count;
    size_t most;      /* open and ending, together */
    unsigned at_once; /* log-outs under way */
    unsigned ended;   /* log-outs since memory was last given back */
    bool freeing;
    bool realm_awaited; /* log-outs wait until it has been discovered */
    char boot_id[PROCESS_BOOT_ID_SIZE]; /* "" where it could not be read */
    sd_event_source *again; /* looking into the folder, after a pause */
    unsigned pauses;
    TAILQ_HEAD(, session) ending;
};

/* The id of the session that `key` names. KC_SYSTEM. */
enum kc_status session_id_of_key(const uint8_t key[KC_KEY_SIZE], uint8_t ret_id[SESSION_ID_SIZE]);

void session_name(
    enum session_kind kind, const uint8_t id[SESSION_ID_SIZE], char ret_name[SESSION_NAME_SIZE]);

/* NULL: there is none. */
struct session *session_find(struct sessions *sessions, const uint8_t id[SESSION_ID_SIZE]);
struct session *session_find_key(struct sessions *sessions, const uint8_t key[KC_KEY_SIZE]);

/* Whether one more may be open or ending. */
bool session_fits(const struct sessions *sessions);

/* Whether one more grant may wait; one account must not take up the room of all. */
bool session_grant_fits(const struct sessions *sessions, const char *user);

/* Adds to the table; the file is the caller's business. NULL: no memory, or the id is there. */
struct session *session_add(struct sessions *sessions, enum session_kind kind,
    const uint8_t id[SESSION_ID_SIZE], const char *user);

/* Calls `each` for open sessions whose user may be that one, until it says that it has enough. It
 * must not add or drop any. */
typedef bool session_each(void *userdata, struct session *session);
void session_each_open(
    struct sessions *sessions, const char *user, session_each *each, void *userdata);

/* What its file says. Errors of session_file_read. */
enum kc_status session_read(const struct session *session, struct session_record *ret_record);

/* Gives a session another kind, and its file the name that goes with it. KC_NOT_FOUND: no file. */
enum kc_status session_become(struct session *session, enum session_kind kind);

void session_stop_waiting(struct session *session);

/* Sees to it that boot_id is there; what hindered it once may have passed. Errors of process.h. */
enum kc_status session_know_boot(struct sessions *sessions);

/* Of session_recover.c: makes ready to look into the folder again, and does so after a while. */
enum kc_status session_recover_prepare(struct sessions *sessions);
void session_recover_later(struct sessions *sessions);

/* Forgets a session in memory; its file is the caller's business. */
void session_drop(struct session *session);

/* Forgets a session and removes its file. */
void session_forget(struct session *session);

/* Milliseconds of CLOCK_BOOTTIME, as a record's made_ms: a claim's time runs on in suspend. */
uint64_t session_now_ms(void);

#endif
