/*
 * The session file: one grant or session, as it lies in /run/kclogin/sessions (a tmpfs).
 * Used by sessions.c and the session_*.c alone: refresh tokens live here and not in the daemon's
 * memory, so that ten thousand sessions cost none and a restart loses none. Never on a disk.
 */
#ifndef DAEMON_SESSION_FILE_H
#define DAEMON_SESSION_FILE_H

#include "common/secret.h"
#include "common/wire.h"

#define SESSION_SCOPE_MAX 8193 /* what an answer may have */
#define SESSION_ISSUER_MAX 1025
#define SESSION_CLIENT_MAX 1025
#define SESSION_REFRESH_MAX ((size_t)32 * 1024)
#define SESSION_TOKEN_MAX ((size_t)256 * 1024) /* whole, though not all fits an environment */
#define SESSION_FILE_MAX (SESSION_TOKEN_MAX + SESSION_REFRESH_MAX + 16384)
#define SESSION_NAME_SIZE 80 /* room for a file's name */

struct session_record {
    uint32_t uid;
    char user[KC_USER_MAX];
    char service[KC_SERVICE_MAX];
    char rhost[KC_RHOST_MAX];
    char access[KC_ACCESS_MAX];
    char issuer[SESSION_ISSUER_MAX];    /* whose tokens these are: they go to nobody else */
    char client_id[SESSION_CLIENT_MAX]; /* as whom we got them: nobody else can end them */
    bool has_scope;
    char scope[SESSION_SCOPE_MAX]; /* the answer's scope, as the realm gave it */
    uint64_t made_ms;              /* CLOCK_BOOTTIME */
    int64_t expires;               /* of the access token, seconds since the epoch */
    uint32_t pid;                  /* of the process that logged in, then of the session's */
    uint64_t pid_started;          /* its start time in clock ticks since boot */
    char boot_id[37];
    struct kc_secret access_token;
    struct kc_secret refresh_token; /* empty where the realm gave none */
};

#define SESSION_AUTO_RECORD KC_CLEANUP(session_record_wipe)

void session_record_wipe(struct session_record *record);

/* Bytes of a file to a record. KC_MALFORMED for anything that is not exactly one. */
enum kc_status session_record_decode(
    const void *bytes, size_t length, struct session_record *ret_record);

/* A record to bytes. KC_TOO_LARGE, KC_NO_MEMORY. */
enum kc_status session_record_encode(
    const struct session_record *record, struct kc_secret *ret_bytes);

/* Writes `name` in folder `dir` by rename, 0600. KC_NO_ROOM, KC_NO_MEMORY, KC_SYSTEM. */
enum kc_status session_file_write(int dir, const char *name, const struct session_record *record);

/* Reads `name` in folder `dir`. KC_NOT_FOUND, KC_MALFORMED, KC_CONFIG_UNTRUSTED; KC_NO_ROOM,
 * KC_NO_MEMORY, KC_SYSTEM: it cannot be read just now. */
enum kc_status session_file_read(int dir, const char *name, struct session_record *ret_record);

#endif
