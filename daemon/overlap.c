/*
 * Whether the realm's range of ids meets one of the host's.
 * Used by main.c at start and at reload.
 * Must never guess: what useradd reads as a number and we cannot is an error.
 */
#include "daemon/overlap.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES (16u << 20)

/* The pairs of login.defs, with the defaults of useradd where it does not set them. */
static const struct range {
    const char *first, *last;
    uint32_t first_default, last_default;
} ranges[] = {
    {"UID_MIN", "UID_MAX", 1000, 60000},
    {"GID_MIN", "GID_MAX", 1000, 60000},
    {"SYS_UID_MIN", "SYS_UID_MAX", 101, 999},
    {"SYS_GID_MIN", "SYS_GID_MAX", 101, 999},
    {"SUB_UID_MIN", "SUB_UID_MAX", 100000, 600100000},
    {"SUB_GID_MIN", "SUB_GID_MAX", 100000, 600100000},
};

/* systemd's DynamicUser, fixed when it is built. */
static const struct kc_ids dynamic = {61184, 65519};

const struct overlap_paths overlap_system_files = {"/etc/login.defs", "/etc/subuid", "/etc/subgid"};

static bool meets(const struct kc_ids *ids, uint32_t first, uint32_t last)
{
    return first <= last && ids->first <= last && first <= ids->last;
}

/* The next line of bytes[*start, length), without its newline. False: there is none. */
static bool next_line(
    const char *bytes, size_t length, size_t *start, const char **ret_line, size_t *ret_length)
{
    if (*start >= length)
        return false;
    const char *line = bytes + *start;
    const char *newline = memchr(line, '\n', length - *start);
    *ret_line = line;
    *ret_length = newline ? (size_t)(newline - line) : length - *start;
    *start += *ret_length + 1;
    return true;
}

static size_t blanks(const char *line, size_t length)
{
    size_t at = 0;
    while (at < length && (line[at] == ' ' || line[at] == '\t'))
        at++;
    return at;
}

static size_t word(const char *line, size_t length)
{
    size_t at = 0;
    while (at < length && line[at] != ' ' && line[at] != '\t' && line[at] != '\r')
        at++;
    return at;
}

/* A number as useradd reads it: decimal, 0x or octal. */
static bool read_number(const char *text, size_t length, uint32_t *ret)
{
    char copy[24];
    char *end = NULL;
    if (length == 0 || length >= sizeof copy || text[0] < '0' || text[0] > '9')
        return false;
    memcpy(copy, text, length);
    copy[length] = 0;
    errno = 0;
    unsigned long long number = strtoull(copy, &end, 0);
    if (errno || *end || number > UINT32_MAX)
        return false;
    *ret = (uint32_t)number;
    return true;
}

static enum kc_status meet(const struct kc_ids *ids, const char *whose, uint32_t first,
    uint32_t last, unsigned line, struct kc_conf_error *error)
{
    error->line = line;
    return kc_conf_fail(error, KC_CONFIG_INVALID,
        "%s, %u-%u, meet the realm's ids %u-%u; see ids and allow_overlap in host.conf", whose,
        first, last, ids->first, ids->last);
}

/* A number of login.defs and where it stands; 0: it is the default. */
struct setting {
    uint32_t number;
    unsigned line;
};

/* Finds the last `key` of login.defs. False: its value is no number; then only line is set. */
static bool find_setting(
    const char *bytes, size_t length, const char *key, uint32_t fallback, struct setting *ret)
{
    const char *line;
    size_t start = 0, rest, key_length = strlen(key);
    *ret = (struct setting){fallback, 0};
    for (unsigned at = 1; next_line(bytes, length, &start, &line, &rest); at++) {
        size_t skip = blanks(line, rest);
        line += skip;
        rest -= skip;
        size_t name = word(line, rest);
        if (name != key_length || memcmp(line, key, name) != 0)
            continue;
        line += name;
        rest -= name;
        skip = blanks(line, rest);
        ret->line = at;
        if (!read_number(line + skip, word(line + skip, rest - skip), &ret->number))
            return false;
    }
    return true;
}

enum kc_status overlap_login_defs(
    const struct kc_ids *ids, const char *bytes, size_t length, struct kc_conf_error *ret_error)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const struct range *range = &ranges[i];
        struct setting first, last;
        bool good = find_setting(bytes, length, range->first, range->first_default, &first);
        if (!good || !find_setting(bytes, length, range->last, range->last_default, &last)) {
            ret_error->line = good ? last.line : first.line;
            return kc_conf_fail(ret_error, KC_CONFIG_INVALID,
                "%s is not a number from 0 to 4294967295", good ? range->last : range->first);
        }
        char whose[64];
        snprintf(whose, sizeof whose, "%s to %s", range->first, range->last);
        if (meets(ids, first.number, last.number))
            return meet(ids, whose, first.number, last.number, last.line ? last.line : first.line,
                ret_error);
    }
    return KC_OK;
}

/* Reads owner:first:count. False: the line grants nothing, as newuidmap sees it. */
static bool read_subordinate(
    const char *line, size_t length, uint32_t *ret_first, uint32_t *ret_last)
{
    const char *one = memchr(line, ':', length);
    const char *two = one ? memchr(one + 1, ':', length - (size_t)(one - line) - 1) : NULL;
    uint32_t first, count;
    if (!two || !read_number(one + 1, (size_t)(two - one) - 1, &first))
        return false;
    const char *text = two + 1;
    if (!read_number(text, word(text, length - (size_t)(text - line)), &count) || count == 0)
        return false;
    *ret_first = first;
    *ret_last = count - 1 > UINT32_MAX - first ? UINT32_MAX : first + count - 1;
    return true;
}

enum kc_status overlap_subordinate(
    const struct kc_ids *ids, const char *bytes, size_t length, struct kc_conf_error *ret_error)
{
    const char *line;
    size_t start = 0, rest;
    for (unsigned at = 1; next_line(bytes, length, &start, &line, &rest); at++) {
        uint32_t first, last;
        if (read_subordinate(line, rest, &first, &last) && meets(ids, first, last))
            return meet(ids, "subordinate ids", first, last, at, ret_error);
    }
    return KC_OK;
}

/* Reads a whole file into memory; a missing one has no bytes. */
static enum kc_status read_file(
    const char *path, char **ret_bytes, size_t *ret_length, struct kc_conf_error *error)
{
    size_t length = 0, room = 0;
    KC_AUTO_FREE char *bytes = NULL;
    KC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno != ENOENT)
        return kc_conf_fail(error, KC_SYSTEM, "cannot be opened: %s", strerrordesc_np(errno));
    while (fd >= 0) {
        if (length == room && room >= FILE_MAX_BYTES)
            return kc_conf_fail(error, KC_SYSTEM, "has more than %u bytes", FILE_MAX_BYTES);
        if (length == room) {
            char *grown = realloc(bytes, room + 65536);
            if (!grown)
                return kc_conf_fail(error, KC_NO_MEMORY, "no memory to read it");
            bytes = grown;
            room += 65536;
        }
        ssize_t got = read(fd, bytes + length, room - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kc_conf_fail(error, KC_SYSTEM, "cannot be read: %s", strerrordesc_np(errno));
        if (got == 0)
            break;
        length += (size_t)got;
    }
    *ret_bytes = KC_TAKE(bytes);
    *ret_length = length;
    return KC_OK;
}

typedef enum kc_status check_bytes(
    const struct kc_ids *, const char *, size_t, struct kc_conf_error *);

static enum kc_status check_file(
    const struct kc_ids *ids, const char *path, check_bytes *check, struct kc_conf_error *error)
{
    KC_AUTO_FREE char *bytes = NULL;
    size_t length = 0;
    kc_conf_error_file(error, path);
    enum kc_status status = read_file(path, &bytes, &length, error);
    return status == KC_OK ? check(ids, bytes, length, error) : status;
}

enum kc_status overlap_check(const struct kc_bounds *bounds, const struct overlap_paths *paths,
    struct kc_conf_error *ret_error)
{
    const struct kc_ids *ids = &bounds->ids;
    if (bounds->allow_overlap)
        return KC_OK;
    *ret_error = (struct kc_conf_error){0};
    if (meets(ids, dynamic.first, dynamic.last))
        return meet(ids, "systemd's dynamic users", dynamic.first, dynamic.last, 0, ret_error);
    enum kc_status status = check_file(ids, paths->login_defs, overlap_login_defs, ret_error);
    if (status == KC_OK)
        status = check_file(ids, paths->subuid, overlap_subordinate, ret_error);
    if (status == KC_OK)
        status = check_file(ids, paths->subgid, overlap_subordinate, ret_error);
    return status;
}
