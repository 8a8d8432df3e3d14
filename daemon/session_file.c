/*
 * The session file.
 * Used by sessions.c, session_table.c and session_recover.c.
 * Must never follow a link, believe a length, or leave half a file under a session's name.
 */
#include "daemon/session_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAGIC 0x4b435333u /* "KCS3" */
#define TEMPORARY ".new"
#define LENGTHS_ROOM 256 /* of a file's numbers and lengths */

void session_record_wipe(struct session_record *record)
{
    kc_secret_wipe(&record->access_token);
    kc_secret_wipe(&record->refresh_token);
}

enum kc_status session_record_encode(
    const struct session_record *record, struct kc_secret *ret_bytes)
{
    KC_AUTO_SECRET struct kc_secret bytes = KC_SECRET_INIT;
    /* The texts, with their lengths, are hardly longer than the record; what is, does not fit. */
    size_t room = sizeof *record + LENGTHS_ROOM + record->access_token.length +
                  record->refresh_token.length;
    if (room > SESSION_FILE_MAX)
        room = SESSION_FILE_MAX;
    enum kc_status status = kc_secret_reserve(&bytes, room);
    if (status != KC_OK)
        return status;
    struct kc_writer writer = kc_writer_on(bytes.bytes, room);
    kc_write_u32(&writer, MAGIC);
    kc_write_u32(&writer, record->uid);
    kc_write_text(&writer, record->user);
    kc_write_text(&writer, record->service);
    kc_write_text(&writer, record->rhost);
    kc_write_text(&writer, record->access);
    kc_write_text(&writer, record->issuer);
    kc_write_text(&writer, record->client_id);
    kc_write_u8(&writer, record->has_scope);
    kc_write_text(&writer, record->scope);
    kc_write_u64(&writer, record->made_ms);
    kc_write_u64(&writer, (uint64_t)record->expires);
    kc_write_u32(&writer, record->pid);
    kc_write_u64(&writer, record->pid_started);
    kc_write_text(&writer, record->boot_id);
    kc_write_bytes(&writer, record->access_token.bytes, record->access_token.length);
    kc_write_bytes(&writer, record->refresh_token.bytes, record->refresh_token.length);
    bytes.length = writer.length;
    if (writer.failed)
        return KC_TOO_LARGE;
    *ret_bytes = kc_secret_take(&bytes);
    return KC_OK;
}

enum kc_status session_record_decode(
    const void *bytes, size_t length, struct session_record *ret_record)
{
    SESSION_AUTO_RECORD struct session_record record = {0};
    struct kc_reader reader = kc_reader_on(bytes, length);
    if (kc_read_u32(&reader) != MAGIC)
        return KC_MALFORMED;
    record.uid = kc_read_u32(&reader);
    kc_read_text(&reader, record.user, sizeof record.user);
    kc_read_text(&reader, record.service, sizeof record.service);
    kc_read_text(&reader, record.rhost, sizeof record.rhost);
    kc_read_text(&reader, record.access, sizeof record.access);
    kc_read_text(&reader, record.issuer, sizeof record.issuer);
    kc_read_text(&reader, record.client_id, sizeof record.client_id);
    unsigned has_scope = kc_read_u8(&reader);
    record.has_scope = has_scope == 1;
    kc_read_text(&reader, record.scope, sizeof record.scope);
    record.made_ms = kc_read_u64(&reader);
    record.expires = (int64_t)kc_read_u64(&reader);
    record.pid = kc_read_u32(&reader);
    record.pid_started = kc_read_u64(&reader);
    kc_read_text(&reader, record.boot_id, sizeof record.boot_id);
    struct kc_view access = kc_read_bytes(&reader, SESSION_TOKEN_MAX);
    struct kc_view refresh = kc_read_bytes(&reader, SESSION_REFRESH_MAX);
    if (!kc_reader_done(&reader) || has_scope > 1)
        return KC_MALFORMED;
    enum kc_status status = kc_secret_set(&record.access_token, access.bytes, access.length);
    if (status == KC_OK && refresh.length)
        status = kc_secret_set(&record.refresh_token, refresh.bytes, refresh.length);
    if (status != KC_OK)
        return status;
    *ret_record = record;
    record.access_token = KC_SECRET_INIT;
    record.refresh_token = KC_SECRET_INIT;
    return KC_OK;
}

static enum kc_status write_whole(int dir, const char *name, const struct kc_secret *bytes)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    KC_AUTO_CLOSE int fd = openat(dir, name, flags, 0600);
    if (fd < 0 && errno == EEXIST && unlinkat(dir, name, 0) == 0)
        fd = openat(dir, name, flags, 0600);
    if (fd < 0)
        return kc_status_from_errno(errno);
    for (size_t at = 0; at < bytes->length;) {
        ssize_t written = write(fd, bytes->bytes + at, bytes->length - at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? kc_status_from_errno(errno) : KC_SYSTEM;
        at += (size_t)written;
    }
    return KC_OK;
}

enum kc_status session_file_write(int dir, const char *name, const struct session_record *record)
{
    KC_AUTO_SECRET struct kc_secret bytes = KC_SECRET_INIT;
    enum kc_status status = session_record_encode(record, &bytes);
    if (status != KC_OK)
        return status;
    char temporary[SESSION_NAME_SIZE + sizeof TEMPORARY];
    if (snprintf(temporary, sizeof temporary, "%s" TEMPORARY, name) >= (int)sizeof temporary)
        return KC_TOO_LARGE;
    status = write_whole(dir, temporary, &bytes);
    if (status == KC_OK && renameat(dir, temporary, dir, name) != 0)
        status = kc_status_from_errno(errno);
    if (status != KC_OK)
        (void)unlinkat(dir, temporary, 0);
    return status;
}

/* `size` is the file's: nobody writes to a file that has its name. */
static enum kc_status read_whole(int fd, size_t size, struct kc_secret *bytes)
{
    enum kc_status status = kc_secret_reserve(bytes, size + 1);
    while (status == KC_OK && bytes->length <= size) {
        ssize_t got = read(fd, bytes->bytes + bytes->length, size + 1 - bytes->length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return KC_SYSTEM;
        if (got == 0)
            return KC_OK;
        bytes->length += (size_t)got;
    }
    return status == KC_OK ? KC_MALFORMED : status;
}

enum kc_status session_file_read(int dir, const char *name, struct session_record *ret_record)
{
    KC_AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? KC_NOT_FOUND : kc_status_from_errno(errno);
    struct stat file;
    if (fstat(fd, &file) != 0)
        return KC_SYSTEM;
    if (!S_ISREG(file.st_mode) || file.st_uid != geteuid() || (file.st_mode & 077) != 0)
        return KC_CONFIG_UNTRUSTED;
    if (file.st_size < 0 || (size_t)file.st_size > SESSION_FILE_MAX)
        return KC_MALFORMED;
    KC_AUTO_SECRET struct kc_secret bytes = KC_SECRET_INIT;
    enum kc_status status = read_whole(fd, (size_t)file.st_size, &bytes);
    if (status != KC_OK)
        return status;
    return session_record_decode(bytes.bytes, bytes.length, ret_record);
}
