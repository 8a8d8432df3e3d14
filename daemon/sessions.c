/*
 * Grants that wait to be claimed and sessions that are open.
 * Used by login.c and phases.c.
 * Must never give a token to anybody but the one who logged in.
 */
#include "daemon/sessions.h"

#include "daemon/log.h"
#include "daemon/process.h"
#include "daemon/realm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define ID_SIZE 32        /* SHA-256 of the key: the key itself is kept nowhere */
#define GRANTS_MAX 4096   /* unclaimed at a time */
#define GRANTS_MAX_OF_USER 256
#define SESSIONS_MAX 65536
#define ENDING_AT_ONCE 8  /* log-outs under way */
#define ENDING_TRIES 10   /* the last one comes after about twenty minutes */
#define RETRY_FIRST_MS 2000

/* A file's name is its kind's letter, a dash, and the id in hex. */
enum kind {
    KIND_GRANT = 'g',  /* a login succeeded, nobody has claimed it yet */
    KIND_OPEN = 's',   /* a process holds the session */
    KIND_ENDING = 'e', /* over on this host, not yet logged out at the realm */
};

struct session {
    uint8_t id[ID_SIZE];
    enum kind kind;
    uint64_t user;            /* a hash of the name: grants of one user have a limit */
    unsigned tries;           /* of logging out */
    int pidfd;                /* of the process that holds it; -1 */
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
    size_t most; /* open and ending, together */
    unsigned at_once;
    bool freeing;
    TAILQ_HEAD(, session) ending;
};

static int compare_ids(const void *a, const void *b)
{
    return memcmp(((const struct session *)a)->id, ((const struct session *)b)->id, ID_SIZE);
}

static enum kc_status id_of_key(const uint8_t key[KC_KEY_SIZE], uint8_t ret_id[ID_SIZE])
{
    return EVP_Digest(key, KC_KEY_SIZE, ret_id, NULL, EVP_sha256(), NULL) == 1 ? KC_OK : KC_SYSTEM;
}

static uint64_t hash_of_user(const char *user)
{
    uint8_t digest[ID_SIZE];
    uint64_t hash = 0;
    if (EVP_Digest(user, strlen(user), digest, NULL, EVP_sha256(), NULL) == 1)
        memcpy(&hash, digest, sizeof hash);
    return hash;
}

static void file_name(enum kind kind, const uint8_t id[ID_SIZE], char ret_name[SESSION_NAME_SIZE])
{
    char hex[KC_KEY_HEX_SIZE];
    kc_key_to_hex(id, hex);
    snprintf(ret_name, SESSION_NAME_SIZE, "%c-%s", kind, hex);
}

static struct session *find(struct sessions *sessions, const uint8_t key[KC_KEY_SIZE])
{
    struct session wanted;
    if (id_of_key(key, wanted.id) != KC_OK)
        return NULL;
    struct session **found = tfind(&wanted, &sessions->by_id, compare_ids);
    return found ? *found : NULL;
}

static size_t *counter(struct sessions *sessions, enum kind kind)
{
    return kind == KIND_GRANT  ? &sessions->count.grants
           : kind == KIND_OPEN ? &sessions->count.open
                               : &sessions->count.ending;
}

struct tally {
    uint64_t user;
    size_t grants;
};

static void tally_one(const void *node, VISIT visit, void *closure)
{
    const struct session *session = *(struct session *const *)node;
    struct tally *tally = closure;
    if (visit == postorder || visit == leaf)
        tally->grants += session->kind == KIND_GRANT && session->user == tally->user;
}

/* Whether one more grant may wait; one account must not take up the room of all. */
static bool room_for(const struct sessions *sessions, const char *user)
{
    struct tally tally = {.user = hash_of_user(user)};
    if (sessions->count.grants >= GRANTS_MAX ||
        sessions->count.open + sessions->count.ending >= sessions->most)
        return false;
    if (sessions->count.grants >= GRANTS_MAX_OF_USER)
        twalk_r(sessions->by_id, tally_one, &tally);
    return tally.grants < GRANTS_MAX_OF_USER;
}

static struct session *add(struct sessions *sessions, enum kind kind, const uint8_t id[ID_SIZE])
{
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    memcpy(session->id, id, ID_SIZE);
    session->kind = kind;
    session->pidfd = -1;
    session->sessions = sessions;
    struct session **node = tsearch(session, &sessions->by_id, compare_ids);
    if (!node || *node != session) {
        free(session);
        return NULL;
    }
    ++*counter(sessions, kind);
    return session;
}

static void stop_waiting(struct session *session)
{
    sd_event_source_disable_unref(session->waiting);
    session->waiting = NULL;
    if (session->pidfd >= 0)
        close(session->pidfd);
    session->pidfd = -1;
}

/* Forgets a session in memory; its file is the caller's business. */
static void drop(struct session *session)
{
    stop_waiting(session);
    if (!session->sessions->freeing)
        tdelete(session, &session->sessions->by_id, compare_ids);
    --*counter(session->sessions, session->kind);
    free(session);
}

static void forget(struct session *session)
{
    char name[SESSION_NAME_SIZE];
    file_name(session->kind, session->id, name);
    (void)unlinkat(session->sessions->dir, name, 0);
    drop(session);
}

/* Gives a session another kind, and its file the name that goes with it. */
static enum kc_status become(struct session *session, enum kind kind)
{
    char old[SESSION_NAME_SIZE], new[SESSION_NAME_SIZE];
    file_name(session->kind, session->id, old);
    file_name(kind, session->id, new);
    if (renameat(session->sessions->dir, old, session->sessions->dir, new) != 0)
        return KC_SYSTEM;
    --*counter(session->sessions, session->kind);
    ++*counter(session->sessions, kind);
    session->kind = kind;
    return KC_OK;
}

static void pump_endings(struct sessions *sessions);

static int on_retry(sd_event_source *source, uint64_t now, void *userdata)
{
    struct session *session = userdata;
    (void)source, (void)now;
    stop_waiting(session);
    TAILQ_INSERT_TAIL(&session->sessions->ending, session, ending);
    pump_endings(session->sessions);
    return 0;
}

static enum kc_status wait_ms(
    struct session *session, uint64_t ms, sd_event_time_handler_t handler)
{
    return sd_event_add_time_relative(session->sessions->event, &session->waiting, CLOCK_MONOTONIC,
               ms * 1000, 0, handler, session) < 0
               ? KC_SYSTEM
               : KC_OK;
}

/* One try is over: done with, or again later. */
static void tried(struct session *session, enum kc_status status, const char *detail)
{
    session->sessions->at_once--;
    enum kc_class class = kc_status_class(status);
    bool later = class == KC_CLASS_UNREACHABLE || class == KC_CLASS_UNAVAILABLE ||
                 class == KC_CLASS_INTERNAL;
    uint64_t pause = (uint64_t)RETRY_FIRST_MS << session->tries;
    if (later && ++session->tries < ENDING_TRIES && wait_ms(session, pause, on_retry) == KC_OK)
        return;
    if (status != KC_OK) {
        char quoted[LOG_VALUE_SIZE];
        log_line(LOG_WARNING, "logout result=%s reason=%s detail=%s",
            kc_class_word(class), kc_status_word(status), log_value(detail, quoted));
    }
    forget(session);
}

static void on_ended(void *userdata, enum kc_status status, const char *detail)
{
    struct session *session = userdata;
    struct sessions *sessions = session->sessions;
    tried(session, status, detail);
    pump_endings(sessions);
}

static enum kc_status log_out(struct session *session)
{
    char name[SESSION_NAME_SIZE];
    file_name(session->kind, session->id, name);
    SESSION_AUTO_RECORD struct session_record record = {0};
    enum kc_status status = session_file_read(session->sessions->dir, name, &record);
    if (status != KC_OK)
        return status;
    struct realm *realm = session->sessions->realm;
    return record.refresh_token.length
               ? realm_logout(realm, record.issuer, &record.refresh_token, on_ended, session)
               : realm_revoke(realm, record.issuer, &record.access_token, on_ended, session);
}

/* Starts the next log-outs, a few at a time: a host that shuts down must not storm its realm. */
static void pump_endings(struct sessions *sessions)
{
    while (sessions->at_once < ENDING_AT_ONCE && !TAILQ_EMPTY(&sessions->ending)) {
        struct session *session = TAILQ_FIRST(&sessions->ending);
        TAILQ_REMOVE(&sessions->ending, session, ending);
        sessions->at_once++;
        enum kc_status status = log_out(session);
        if (status != KC_OK)
            tried(session, status, "");
    }
}

static void end(struct session *session)
{
    stop_waiting(session);
    if (become(session, KIND_ENDING) != KC_OK) {
        log_line(LOG_ERR, "logout result=failed reason=%s", kc_status_word(KC_SYSTEM));
        drop(session);
        return;
    }
    TAILQ_INSERT_TAIL(&session->sessions->ending, session, ending);
    pump_endings(session->sessions);
}

static int on_unclaimed(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)source, (void)now;
    end(userdata);
    return 0;
}

static int on_process_end(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    (void)source, (void)fd, (void)events;
    end(userdata);
    return 0;
}

/* Ties a session to the process behind `pidfd`, which is taken. */
static enum kc_status hold(struct session *session, int pidfd)
{
    session->pidfd = pidfd;
    return sd_event_add_io(session->sessions->event, &session->waiting, pidfd, EPOLLIN,
               on_process_end, session) < 0
               ? KC_SYSTEM
               : KC_OK;
}

static uint64_t boottime_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static enum kc_status fill(struct session_record *record, const struct kc_wire_login *who,
    const struct grant_answer *answer)
{
    record->uid = who->uid;
    memcpy(record->user, who->user, sizeof record->user);
    memcpy(record->service, who->service, sizeof record->service);
    memcpy(record->rhost, who->rhost, sizeof record->rhost);
    memcpy(record->access, who->access, sizeof record->access);
    if ((answer->scope && strlen(answer->scope) >= sizeof record->scope) ||
        strlen(answer->issuer) >= sizeof record->issuer)
        return KC_TOO_LARGE;
    snprintf(record->issuer, sizeof record->issuer, "%s", answer->issuer);
    record->has_scope = answer->scope != NULL;
    snprintf(record->scope, sizeof record->scope, "%s", answer->scope ? answer->scope : "");
    record->made_ms = boottime_ms();
    record->expires = answer->expires_at;
    enum kc_status status = kc_secret_set(
        &record->access_token, answer->access_token.bytes, answer->access_token.length);
    if (status == KC_OK && answer->refresh_token.length)
        status = kc_secret_set(
            &record->refresh_token, answer->refresh_token.bytes, answer->refresh_token.length);
    return status;
}

static enum kc_status new_key(uint8_t ret_key[KC_KEY_SIZE], uint8_t ret_id[ID_SIZE])
{
    KC_AUTO_SECRET struct kc_secret random = KC_SECRET_INIT;
    enum kc_status status = kc_secret_random(&random, KC_KEY_SIZE);
    if (status != KC_OK)
        return status;
    memcpy(ret_key, random.bytes, KC_KEY_SIZE);
    return id_of_key(ret_key, ret_id);
}

/* A new session of that kind: its file, and what memory holds of it. */
static enum kc_status keep(struct sessions *sessions, enum kind kind,
    const struct session_record *record, const uint8_t id[ID_SIZE], struct session **ret_session)
{
    char name[SESSION_NAME_SIZE];
    file_name(kind, id, name);
    enum kc_status status = session_file_write(sessions->dir, name, record);
    if (status != KC_OK)
        return status;
    struct session *session = add(sessions, kind, id);
    if (session) {
        session->user = hash_of_user(record->user);
        *ret_session = session;
        return KC_OK;
    }
    (void)unlinkat(sessions->dir, name, 0);
    return KC_NO_MEMORY;
}

enum kc_status sessions_grant(struct sessions *sessions, const struct kc_wire_login *who,
    const struct grant_answer *answer, uint8_t ret_key[KC_KEY_SIZE])
{
    if (!room_for(sessions, who->user))
        return KC_BUSY;
    SESSION_AUTO_RECORD struct session_record record = {0};
    struct session *session = NULL;
    uint8_t key[KC_KEY_SIZE], id[ID_SIZE];
    enum kc_status status = fill(&record, who, answer);
    if (status == KC_OK)
        status = new_key(key, id);
    if (status == KC_OK)
        status = keep(sessions, KIND_GRANT, &record, id, &session);
    if (status != KC_OK)
        return status;
    status = wait_ms(session, SESSIONS_CLAIM_MS, on_unclaimed);
    if (status == KC_OK)
        memcpy(ret_key, key, KC_KEY_SIZE);
    else
        forget(session);
    kc_wipe(key, sizeof key);
    return status;
}

/* No limit but that of all sessions holds here: what is not kept for a try is not ended at all. */
void sessions_discard(struct sessions *sessions, const struct kc_wire_login *who,
    const struct grant_answer *answer)
{
    SESSION_AUTO_RECORD struct session_record record = {0};
    struct session *session = NULL;
    uint8_t key[KC_KEY_SIZE], id[ID_SIZE];
    enum kc_status status = sessions->count.open + sessions->count.ending < sessions->most
                                ? fill(&record, who, answer)
                                : KC_BUSY;
    if (status == KC_OK)
        status = new_key(key, id);
    if (status == KC_OK)
        status = keep(sessions, KIND_ENDING, &record, id, &session);
    if (status != KC_OK) {
        log_line(LOG_ERR, "logout result=failed reason=%s", kc_status_word(status));
        return;
    }
    TAILQ_INSERT_TAIL(&sessions->ending, session, ending);
    pump_endings(sessions);
}

static enum kc_status read_grant(
    struct sessions *sessions, struct session *session, struct session_record *ret_record)
{
    if (!session || session->kind != KIND_GRANT)
        return KC_TRANSACTION_UNKNOWN;
    char name[SESSION_NAME_SIZE];
    file_name(session->kind, session->id, name);
    enum kc_status status = session_file_read(sessions->dir, name, ret_record);
    return status == KC_NOT_FOUND ? KC_TRANSACTION_UNKNOWN : status;
}

static bool same_login(const struct session_record *record, const struct kc_wire_login *who)
{
    return strcmp(record->user, who->user) == 0 && strcmp(record->service, who->service) == 0 &&
           strcmp(record->rhost, who->rhost) == 0;
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
    enum kc_status status = read_grant(sessions, find(sessions, key), &record);
    if (status != KC_OK)
        return status;
    if (!same_login(&record, who))
        return KC_TRANSACTION_MISMATCH;
    hand_over(&record, ret_record);
    return KC_OK;
}

/* Who holds the session: in the record for the next start, in ret_pidfd for this one. */
static enum kc_status identify(
    struct session_record *record, int pidfd, uint32_t pid, int *ret_pidfd)
{
    KC_AUTO_CLOSE int own = pidfd;
    if (own < 0)
        own = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    if (own < 0)
        return KC_NOT_FOUND;
    enum kc_status status = process_of_pidfd(own, &record->pid);
    if (status == KC_OK)
        status = process_started(record->pid, &record->pid_started);
    if (status == KC_OK)
        status = process_boot_id(record->boot_id);
    if (status == KC_OK)
        *ret_pidfd = KC_TAKE_FD(own);
    return status;
}

/* The claimed grant lives on under a new key, held by a process. */
static enum kc_status begin(struct sessions *sessions, const struct session_record *record,
    int pidfd, uint8_t ret_handle[KC_KEY_SIZE])
{
    KC_AUTO_CLOSE int own = pidfd;
    uint8_t key[KC_KEY_SIZE], id[ID_SIZE];
    enum kc_status status = new_key(key, id);
    if (status != KC_OK)
        return status;
    struct session *session = NULL;
    status = keep(sessions, KIND_OPEN, record, id, &session);
    if (status != KC_OK)
        return status;
    status = hold(session, KC_TAKE_FD(own));
    if (status == KC_OK)
        memcpy(ret_handle, key, KC_KEY_SIZE);
    else
        forget(session);
    kc_wipe(key, sizeof key);
    return status;
}

enum kc_status sessions_open(struct sessions *sessions, const uint8_t key[KC_KEY_SIZE],
    const struct kc_wire_login *who, int pidfd, uint32_t pid, struct session_record *ret_record,
    uint8_t ret_handle[KC_KEY_SIZE])
{
    KC_AUTO_CLOSE int own = pidfd;
    SESSION_AUTO_RECORD struct session_record record = {0};
    struct session *grant = find(sessions, key);
    enum kc_status status = read_grant(sessions, grant, &record);
    if (status == KC_TRANSACTION_UNKNOWN)
        return status;
    if (status == KC_OK && (!same_login(&record, who) || record.uid != who->uid ||
                               who->uid == KC_WIRE_NO_UID))
        status = KC_TRANSACTION_MISMATCH;
    int holder = -1;
    if (status == KC_OK)
        status = identify(&record, KC_TAKE_FD(own), pid, &holder);
    if (status == KC_OK)
        status = begin(sessions, &record, holder, ret_handle);
    if (status != KC_OK) {
        end(grant);
        return status;
    }
    forget(grant);
    hand_over(&record, ret_record);
    return KC_OK;
}

enum kc_status sessions_close(struct sessions *sessions, const uint8_t handle[KC_KEY_SIZE])
{
    struct session *session = find(sessions, handle);
    if (!session || session->kind != KIND_OPEN)
        return KC_NOT_FOUND;
    end(session);
    return KC_OK;
}

static bool parse_name(const char *name, enum kind *ret_kind, uint8_t ret_id[ID_SIZE])
{
    if ((*name != KIND_GRANT && *name != KIND_OPEN && *name != KIND_ENDING) || name[1] != '-')
        return false;
    *ret_kind = (enum kind)*name;
    return kc_key_from_hex(name + 2, ret_id) == KC_OK;
}

/* Ties what a file says to this process again; what cannot be tied is over. */
static void take_up(struct session *session, const struct session_record *record)
{
    char boot_id[PROCESS_BOOT_ID_SIZE] = "";
    (void)process_boot_id(boot_id);
    uint64_t now = boottime_ms();
    uint64_t age = now > record->made_ms ? now - record->made_ms : 0;
    int pidfd;
    if (session->kind == KIND_GRANT && age < SESSIONS_CLAIM_MS &&
        wait_ms(session, SESSIONS_CLAIM_MS - age, on_unclaimed) == KC_OK)
        return;
    if (session->kind == KIND_OPEN && strcmp(boot_id, record->boot_id) == 0 &&
        process_open(record->pid, record->pid_started, &pidfd) == KC_OK &&
        hold(session, pidfd) == KC_OK)
        return;
    end(session);
}

static bool recover_one(struct sessions *sessions, const char *name)
{
    enum kind kind;
    uint8_t id[ID_SIZE];
    SESSION_AUTO_RECORD struct session_record record = {0};
    struct session *session, wanted;
    if (parse_name(name, &kind, id)) {
        memcpy(wanted.id, id, ID_SIZE);
        /* What was taken up may have been renamed under the reader of the folder. */
        if (tfind(&wanted, &sessions->by_id, compare_ids))
            return false;
    }
    if (!parse_name(name, &kind, id) ||
        session_file_read(sessions->dir, name, &record) != KC_OK ||
        !(session = add(sessions, kind, id))) {
        (void)unlinkat(sessions->dir, name, 0);
        return false;
    }
    session->user = hash_of_user(record.user);
    take_up(session, &record);
    return true;
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

/* Each open session holds a descriptor. Half of them stay for the rest: without any, not even the
 * realm could be reached, and that must not look as if it were its fault. */
static size_t most_sessions(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur / 2 >= SESSIONS_MAX)
        return SESSIONS_MAX;
    return (size_t)files.rlim_cur / 2;
}

enum kc_status sessions_new(
    sd_event *event, struct realm *realm, const char *dir, struct sessions **ret_sessions)
{
    KC_AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat folder;
    if (fd < 0 || fstat(fd, &folder) != 0)
        return KC_SYSTEM;
    if (folder.st_uid != geteuid() || (folder.st_mode & 077) != 0)
        return KC_CONFIG_UNTRUSTED;
    struct sessions *sessions = calloc(1, sizeof *sessions);
    if (!sessions)
        return KC_NO_MEMORY;
    sessions->event = event;
    sessions->realm = realm;
    sessions->dir = KC_TAKE_FD(fd);
    sessions->most = most_sessions();
    TAILQ_INIT(&sessions->ending);
    *ret_sessions = sessions;
    return KC_OK;
}

static void drop_node(void *session)
{
    drop(session);
}

void sessions_free(struct sessions *sessions)
{
    if (!sessions)
        return;
    sessions->freeing = true;
    tdestroy(sessions->by_id, drop_node);
    close(sessions->dir);
    free(sessions);
}

struct sessions_count sessions_count(const struct sessions *sessions)
{
    return sessions->count;
}
