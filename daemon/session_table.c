/*
 * The table of sessions: found by id, counted by kind, each with a file that has its name.
 * Used by sessions.c, session_end.c and session_recover.c.
 * Must never hold a key or a token: keys are hashed, tokens stay in the files.
 */
#include "daemon/session_table.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define GRANTS_MAX 4096 /* unclaimed at a time */
#define GRANTS_MAX_OF_USER 256

static int compare_ids(const void *a, const void *b)
{
    return memcmp(
        ((const struct session *)a)->id, ((const struct session *)b)->id, SESSION_ID_SIZE);
}

enum kc_status session_id_of_key(const uint8_t key[KC_KEY_SIZE], uint8_t ret_id[SESSION_ID_SIZE])
{
    return EVP_Digest(key, KC_KEY_SIZE, ret_id, NULL, EVP_sha256(), NULL) == 1 ? KC_OK : KC_SYSTEM;
}

static uint64_t hash_of_user(const char *user)
{
    uint8_t digest[SESSION_ID_SIZE];
    uint64_t hash = 0;
    if (EVP_Digest(user, strlen(user), digest, NULL, EVP_sha256(), NULL) == 1)
        memcpy(&hash, digest, sizeof hash);
    return hash;
}

void session_name(
    enum session_kind kind, const uint8_t id[SESSION_ID_SIZE], char ret_name[SESSION_NAME_SIZE])
{
    char hex[KC_KEY_HEX_SIZE];
    kc_key_to_hex(id, hex);
    snprintf(ret_name, SESSION_NAME_SIZE, "%c-%s", kind, hex);
}

struct session *session_find(struct sessions *sessions, const uint8_t id[SESSION_ID_SIZE])
{
    struct session wanted;
    memcpy(wanted.id, id, SESSION_ID_SIZE);
    struct session **found = tfind(&wanted, &sessions->by_id, compare_ids);
    return found ? *found : NULL;
}

struct session *session_find_key(struct sessions *sessions, const uint8_t key[KC_KEY_SIZE])
{
    uint8_t id[SESSION_ID_SIZE];
    return session_id_of_key(key, id) == KC_OK ? session_find(sessions, id) : NULL;
}

static size_t *counter(struct sessions *sessions, enum session_kind kind)
{
    return kind == SESSION_GRANT  ? &sessions->count.grants
           : kind == SESSION_OPEN ? &sessions->count.open
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
        tally->grants += session->kind == SESSION_GRANT && session->user == tally->user;
}

struct visit {
    uint64_t user;
    session_each *each;
    void *userdata;
    bool enough;
};

static void visit_one(const void *node, VISIT order, void *closure)
{
    struct session *session = *(struct session *const *)node;
    struct visit *visit = closure;
    if ((order == postorder || order == leaf) && !visit->enough &&
        session->kind == SESSION_OPEN && session->user == visit->user)
        visit->enough = visit->each(visit->userdata, session);
}

void session_each_open(
    struct sessions *sessions, const char *user, session_each *each, void *userdata)
{
    struct visit visit = {.user = hash_of_user(user), .each = each, .userdata = userdata};
    twalk_r(sessions->by_id, visit_one, &visit);
}

bool session_fits(const struct sessions *sessions)
{
    return sessions->count.open + sessions->count.ending < sessions->most;
}

bool session_grant_fits(const struct sessions *sessions, const char *user)
{
    struct tally tally = {.user = hash_of_user(user)};
    if (sessions->count.grants >= GRANTS_MAX || !session_fits(sessions))
        return false;
    if (sessions->count.grants >= GRANTS_MAX_OF_USER)
        twalk_r(sessions->by_id, tally_one, &tally);
    return tally.grants < GRANTS_MAX_OF_USER;
}

struct session *session_add(struct sessions *sessions, enum session_kind kind,
    const uint8_t id[SESSION_ID_SIZE], const char *user)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    memcpy(session->id, id, SESSION_ID_SIZE);
    session->kind = kind;
    session->user = hash_of_user(user);
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

enum kc_status session_read(const struct session *session, struct session_record *ret_record)
{
    char name[SESSION_NAME_SIZE];
    session_name(session->kind, session->id, name);
    return session_file_read(session->sessions->dir, name, ret_record);
}

enum kc_status session_become(struct session *session, enum session_kind kind)
{
    char old[SESSION_NAME_SIZE], new[SESSION_NAME_SIZE];
    session_name(session->kind, session->id, old);
    session_name(kind, session->id, new);
    if (renameat(session->sessions->dir, old, session->sessions->dir, new) != 0)
        return errno == ENOENT ? KC_NOT_FOUND : kc_status_from_errno(errno);
    --*counter(session->sessions, session->kind);
    ++*counter(session->sessions, kind);
    session->kind = kind;
    return KC_OK;
}

void session_stop_waiting(struct session *session)
{
    sd_event_source_disable_unref(session->waiting);
    session->waiting = NULL;
    if (session->pidfd >= 0)
        close(session->pidfd);
    session->pidfd = -1;
}

void session_drop(struct session *session)
{
    session_stop_waiting(session);
    if (!session->sessions->freeing)
        tdelete(session, &session->sessions->by_id, compare_ids);
    --*counter(session->sessions, session->kind);
    free(session);
}

void session_forget(struct session *session)
{
    char name[SESSION_NAME_SIZE];
    session_name(session->kind, session->id, name);
    (void)unlinkat(session->sessions->dir, name, 0);
    session_drop(session);
}

enum kc_status session_know_boot(struct sessions *sessions)
{
    return *sessions->boot_id ? KC_OK : process_boot_id(sessions->boot_id);
}

uint64_t session_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
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
    (void)process_boot_id(sessions->boot_id);
    TAILQ_INIT(&sessions->ending);
    enum kc_status status = session_recover_prepare(sessions);
    if (status == KC_OK)
        *ret_sessions = sessions;
    else
        sessions_free(sessions);
    return status;
}

static void drop_node(void *session)
{
    session_drop(session);
}

void sessions_free(struct sessions *sessions)
{
    if (!sessions)
        return;
    sessions->freeing = true;
    tdestroy(sessions->by_id, drop_node);
    sd_event_source_disable_unref(sessions->again);
    close(sessions->dir);
    free(sessions);
}

struct sessions_count sessions_count(const struct sessions *sessions)
{
    return sessions->count;
}
