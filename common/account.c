/*
 * The host's own accounts, read from passwd and group files by one small state machine.
 * Used by the modules and the daemon.
 * Must never take a cut field for a whole one: what is too long equals nothing.
 */
#include "common/account.h"

#include "common/cleanup.h"
#include "common/option.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* What is looked for, or who is told of each line; what the current line has said so far, and what was found. */
struct scan {
    bool in_group;    /* a group file: a comma parts the members in field 3 */
    bool by_uid;      /* a passwd file: compare field 2, not the name */
    const char *name; /* of the account or the group */
    const char *user; /* the member looked for */
    uid_t uid;
    gid_t gid;

    char field[KC_ACCOUNT_FIELD_MAX];
    size_t length; /* of the field; above its size: too long */
    unsigned index;
    bool named, has_uid, has_gid, member;
    struct kc_account line;

    bool found;
    struct kc_account account;

    kc_account_each *each; /* of a walk: nothing is looked for, all lines are told */
    void *userdata;
    enum kc_status status;
    char own_name[KC_ACCOUNT_FIELD_MAX + 1];
};

static bool field_is(const struct scan *scan, const char *text)
{
    size_t length = strlen(text);
    return length > 0 && scan->length == length && length <= sizeof scan->field &&
           memcmp(scan->field, text, length) == 0;
}

static bool field_number(const struct scan *scan, uint32_t *ret)
{
    return scan->length <= sizeof scan->field &&
           kc_option_number(scan->field, scan->length, ret) == KC_OK;
}

static void end_passwd_field(struct scan *scan)
{
    if (scan->index == 0 && !scan->by_uid)
        scan->named = field_is(scan, scan->name);
    else if (scan->index == 2)
        scan->has_uid = field_number(scan, &scan->line.uid);
    else if (scan->index == 3)
        scan->has_gid = field_number(scan, &scan->line.gid);
}

static void end_group_field(struct scan *scan)
{
    uint32_t gid;
    if (scan->index == 0)
        scan->named = field_is(scan, scan->name);
    else if ((scan->index == 2 && field_number(scan, &gid) && gid == scan->gid) ||
             (scan->index == 3 && field_is(scan, scan->user)))
        scan->member = true;
}

/* Of a walk: name, password and number stand first in both files. */
static void end_told_field(struct scan *scan)
{
    if (scan->index == 0) {
        const size_t length = scan->length <= KC_ACCOUNT_FIELD_MAX ? scan->length : 0;
        scan->named = length > 0 && !memchr(scan->field, '\0', length);
        memcpy(scan->own_name, scan->field, length);
        scan->own_name[length] = '\0';
    } else if (scan->index == 2) {
        scan->has_uid = field_number(scan, &scan->line.uid);
    }
}

static void end_field(struct scan *scan)
{
    if (scan->each)
        end_told_field(scan);
    else if (scan->in_group)
        end_group_field(scan);
    else
        end_passwd_field(scan);
    scan->length = 0;
}

static void end_line(struct scan *scan)
{
    end_field(scan);
    scan->line.sound = scan->index == 6 && scan->has_uid && scan->has_gid;
    bool hit = scan->by_uid ? scan->has_uid && scan->line.uid == scan->uid : scan->named;
    /* Reading ends at the first find: of an account the first line counts, as it does for glibc,
     * and a group of several lines has the members of each. */
    scan->found = scan->in_group ? hit && scan->member : hit;
    if (scan->each) {
        if (scan->named || scan->has_uid)
            scan->status = scan->each(
                scan->userdata, scan->named ? scan->own_name : NULL, scan->has_uid, scan->line.uid);
        scan->found = scan->status != KC_OK;
    }
    scan->account = scan->line;
    scan->index = 0;
    scan->named = scan->has_uid = scan->has_gid = scan->member = false;
    scan->line = (struct kc_account){0};
}

static void take(struct scan *scan, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length && !scan->found; i++) {
        char c = bytes[i];
        if (c == '\n') {
            end_line(scan);
        } else if (c == ':') {
            end_field(scan);
            if (scan->index < 7)
                scan->index++;
        } else if (c == ',' && scan->in_group && scan->index == 3) {
            end_field(scan);
        } else {
            if (scan->length < sizeof scan->field)
                scan->field[scan->length] = c;
            if (scan->length <= sizeof scan->field)
                scan->length++;
        }
    }
}

/* The last line may lack its newline. */
static void finish(struct scan *scan)
{
    if (!scan->found)
        end_line(scan);
}

static enum kc_status scan_file(struct scan *scan, const char *path)
{
    char buffer[4096];
    unsigned long long total = 0;
    KC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return kc_status_from_errno(errno);
    while (!scan->found) {
        ssize_t got = read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return KC_SYSTEM;
        if (got == 0)
            break;
        total += (unsigned long long)got;
        if (total > KC_ACCOUNT_FILE_MAX)
            return KC_TOO_LARGE;
        take(scan, buffer, (size_t)got);
    }
    finish(scan);
    return KC_OK;
}

static enum kc_status account_of(const struct scan *scan, struct kc_account *ret)
{
    if (!scan->found)
        return KC_NOT_FOUND;
    *ret = scan->account;
    return KC_OK;
}

enum kc_status kc_account_find(const char *passwd, const char *name, struct kc_account *ret)
{
    struct scan scan = {.name = name};
    enum kc_status status = scan_file(&scan, passwd);
    return status != KC_OK ? status : account_of(&scan, ret);
}

enum kc_status kc_account_find_uid(const char *passwd, uid_t uid, struct kc_account *ret)
{
    struct scan scan = {.by_uid = true, .uid = uid};
    enum kc_status status = scan_file(&scan, passwd);
    return status != KC_OK ? status : account_of(&scan, ret);
}

enum kc_status kc_account_in_group(
    const char *groups, const char *group, const char *user, gid_t gid, bool *ret_member)
{
    struct scan scan = {.in_group = true, .name = group, .user = user, .gid = gid};
    enum kc_status status = scan_file(&scan, groups);
    if (status == KC_OK)
        *ret_member = scan.found;
    return status;
}

/* A group's line begins as an account's does: name, password, number. */
static enum kc_status group_line_exists(const char *groups, struct scan *scan, bool *ret_exists)
{
    enum kc_status status = scan_file(scan, groups);
    if (status == KC_OK)
        *ret_exists = scan->found;
    return status;
}

enum kc_status kc_account_group_exists(const char *groups, const char *name, bool *ret_exists)
{
    return group_line_exists(groups, &(struct scan){.name = name}, ret_exists);
}

enum kc_status kc_account_gid_exists(const char *groups, gid_t gid, bool *ret_exists)
{
    return group_line_exists(groups, &(struct scan){.by_uid = true, .uid = gid}, ret_exists);
}

enum kc_status kc_account_walk(const char *file, kc_account_each *each, void *userdata)
{
    struct scan scan = {.each = each, .userdata = userdata};
    const enum kc_status status = scan_file(&scan, file);
    return status == KC_OK ? scan.status : status;
}

enum kc_status kc_account_parse_lines(
    const char *bytes, size_t length, kc_account_each *each, void *userdata)
{
    struct scan scan = {.each = each, .userdata = userdata};
    take(&scan, bytes, length);
    finish(&scan);
    return scan.status;
}

enum kc_status kc_account_parse(
    const char *bytes, size_t length, const char *name, struct kc_account *ret)
{
    struct scan scan = {.name = name};
    take(&scan, bytes, length);
    finish(&scan);
    return account_of(&scan, ret);
}

bool kc_account_parse_group(
    const char *bytes, size_t length, const char *group, const char *user, gid_t gid)
{
    struct scan scan = {.in_group = true, .name = group, .user = user, .gid = gid};
    take(&scan, bytes, length);
    finish(&scan);
    return scan.found;
}
