/*
 * The host's own names and ids, of /etc/passwd and /etc/group, in one table, read anew when the
 * files change.
 * Used by the directory, which serves nobody who has one of them.
 * Must never forget a name because a file cannot be read: then everything is the host's own.
 */
#include "daemon/locals.h"

#include "common/account.h"
#include "common/cleanup.h"
#include "common/limits.h"
#include "daemon/clock.h"
#include "daemon/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>

#define SETTLE_US (CLOCK_SECOND_US / 20) /* a tool that changes one file often changes the other   \
                                          */
#define RETRY_US CLOCK_SECOND_US
#define WATCHED (IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_CLOSE_WRITE)

/* One of the two files. */
struct file {
    const char *path;
    struct stat seen;
    bool sound;  /* it could be read */
    char *texts; /* the names, one behind the other */
    size_t length, room;
    const char **names; /* in the order of bytes */
    size_t name_count;
    uint32_t *ids; /* in order */
    size_t id_count, id_room;
};

struct locals {
    struct file passwd, group;
    sd_event_source *watch[2];
    sd_event_source *timer;
    locals_changed *changed;
    void *userdata;
    bool complained;
};

static void file_clear(struct file *file)
{
    free(file->texts);
    free(file->names);
    free(file->ids);
    *file = (struct file){.path = file->path};
}

/* Makes room for `more` items. */
static void *grown(void *items, size_t count, size_t more, size_t size, size_t *room)
{
    if (count + more <= *room)
        return items;
    const size_t wanted = (count + more) * 2;
    void *larger = reallocarray(items, wanted, size);
    if (larger)
        *room = wanted;
    return larger;
}

static enum kc_status take_line(void *userdata, const char *name, bool numbered, uint32_t number)
{
    struct file *file = userdata;
    const size_t size = name ? strlen(name) + 1 : 0;
    if (size > 0 && size <= KC_LOOKUP_NAME_MAX) { /* a longer one is never looked up */
        char *texts = grown(file->texts, file->length, size, 1, &file->room);
        if (!texts)
            return KC_NO_MEMORY;
        file->texts = texts;
        memcpy(texts + file->length, name, size);
        file->length += size;
        file->name_count++;
    }
    if (numbered) {
        uint32_t *ids = grown(file->ids, file->id_count, 1, sizeof *ids, &file->id_room);
        if (!ids)
            return KC_NO_MEMORY;
        file->ids = ids;
        ids[file->id_count++] = number;
    }
    return KC_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_ids(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static enum kc_status sort_names(struct file *file)
{
    const char *at = file->texts;
    size_t kept = 0;
    file->names = calloc(file->name_count + 1, sizeof *file->names);
    if (!file->names)
        return KC_NO_MEMORY;
    for (size_t i = 0; i < file->name_count; i++, at += strlen(at) + 1)
        file->names[i] = at;
    if (file->name_count > 0)
        qsort(file->names, file->name_count, sizeof *file->names, compare_names);
    for (size_t i = 0; i < file->name_count; i++)
        if (kept == 0 || strcmp(file->names[kept - 1], file->names[i]) != 0)
            file->names[kept++] = file->names[i];
    file->name_count = kept;
    return KC_OK;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Reads the file where it has changed. KC_NO_MEMORY, KC_NO_ROOM: what was known of it stays, for it
 * is this process that has no room. */
static enum kc_status file_read(struct file *file, bool *ret_changed)
{
    struct file fresh = {.path = file->path};
    struct stat now = {0};
    if (stat(file->path, &now) == 0 && file->sound && is_same(&now, &file->seen))
        return KC_OK;
    enum kc_status status = kc_account_walk(file->path, take_line, &fresh);
    if (status == KC_OK)
        status = sort_names(&fresh);
    if (status == KC_OK && fresh.id_count > 0)
        qsort(fresh.ids, fresh.id_count, sizeof *fresh.ids, compare_ids);
    if (file->sound && (status == KC_NO_MEMORY || status == KC_NO_ROOM)) {
        file_clear(&fresh);
        return status;
    }
    if (status != KC_OK)
        file_clear(&fresh);
    *ret_changed = *ret_changed || file->sound || status == KC_OK;
    file_clear(file);
    *file = fresh;
    file->seen = now; /* of before the reading: what came meanwhile is seen the next time */
    file->sound = status == KC_OK;
    return status; /* what was read is the file's now: lint: -Wanalyzer-malloc-leak */
}

static void look_later(struct locals *locals, uint64_t pause_us)
{
    if (sd_event_source_set_time_relative(locals->timer, pause_us) < 0 ||
        sd_event_source_set_enabled(locals->timer, SD_EVENT_ONESHOT) < 0)
        log_line(LOG_ERR, "directory result=failed reason=system-error");
}

void locals_look(struct locals *locals)
{
    bool changed = false;
    const enum kc_status passwd = file_read(&locals->passwd, &changed);
    const enum kc_status group = file_read(&locals->group, &changed);
    const enum kc_status status = passwd == KC_OK ? group : passwd;
    if (status != KC_OK) {
        if (!locals->complained)
            log_line(LOG_ERR, "local-accounts result=failed reason=%s file=%s",
                kc_status_word(status), passwd == KC_OK ? locals->group.path : locals->passwd.path);
        look_later(locals, RETRY_US);
    }
    locals->complained = status != KC_OK;
    if (changed)
        locals->changed(locals->userdata);
}

static int on_time(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)source;
    (void)now;
    locals_look(userdata);
    return 0;
}

/* The folder has many other files; queues that ran over say nothing of any. */
static int on_file(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
    struct locals *locals = userdata;
    const char *passwd = strrchr(locals->passwd.path, '/');
    const char *group = strrchr(locals->group.path, '/');
    (void)source;
    if ((event->mask & IN_Q_OVERFLOW) ||
        (event->len > 0 && ((passwd && strcmp(event->name, passwd + 1) == 0) ||
                               (group && strcmp(event->name, group + 1) == 0))))
        look_later(locals, SETTLE_US);
    return 0;
}

static void watch(struct locals *locals, sd_event *event, const char *path, size_t which)
{
    const char *slash = strrchr(path, '/');
    KC_AUTO_FREE char *folder =
        slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : NULL;
    if (!folder ||
        sd_event_add_inotify(event, &locals->watch[which], folder, WATCHED, on_file, locals) < 0) {
        locals->watch[which] = NULL;
        log_line(LOG_WARNING, "local-accounts result=not-watched file=%s", path);
    }
}

static void ignore_change(void *userdata)
{
    (void)userdata;
}

enum kc_status locals_new(struct sd_event *event, const char *passwd, const char *group,
    locals_changed *changed, void *userdata, struct locals **ret_locals)
{
    struct locals *locals = calloc(1, sizeof *locals);
    if (!locals)
        return KC_NO_MEMORY;
    locals->passwd.path = passwd;
    locals->group.path = group;
    locals->changed = ignore_change;
    if (sd_event_add_time_relative(
            event, &locals->timer, CLOCK_MONOTONIC, 0, 1000, on_time, locals) < 0 ||
        sd_event_source_set_enabled(locals->timer, SD_EVENT_OFF) < 0) {
        locals_free(locals);
        return KC_NO_MEMORY;
    }
    watch(locals, event, passwd, 0);
    watch(locals, event, group, 1);
    locals_look(locals); /* after the watch has begun: nothing is missed */
    locals->changed = changed;
    locals->userdata = userdata;
    *ret_locals = locals;
    return KC_OK;
}

void locals_free(struct locals *locals)
{
    if (!locals)
        return;
    sd_event_source_disable_unref(locals->watch[0]);
    sd_event_source_disable_unref(locals->watch[1]);
    sd_event_source_disable_unref(locals->timer);
    file_clear(&locals->passwd);
    file_clear(&locals->group);
    free(locals);
}

/* --- questions --- */

static bool is_sound(const struct locals *locals)
{
    return locals->passwd.sound && locals->group.sound;
}

static bool has_name(const struct file *file, const char *name)
{
    return file->name_count > 0 &&
           bsearch(&name, file->names, file->name_count, sizeof *file->names, compare_names);
}

static bool has_id(const struct file *file, uint32_t id)
{
    return file->id_count > 0 &&
           bsearch(&id, file->ids, file->id_count, sizeof *file->ids, compare_ids);
}

bool locals_have_name(const struct locals *locals, const char *name)
{
    return !is_sound(locals) || has_name(&locals->passwd, name) || has_name(&locals->group, name);
}

bool locals_have_uid(const struct locals *locals, uint32_t uid)
{
    return !is_sound(locals) || has_id(&locals->passwd, uid);
}

bool locals_have_gid(const struct locals *locals, uint32_t gid)
{
    return !is_sound(locals) || has_id(&locals->group, gid);
}

const char *const *locals_users(const struct locals *locals, size_t *ret_count)
{
    *ret_count = locals->passwd.name_count;
    return locals->passwd.names;
}

const char *const *locals_groups(const struct locals *locals, size_t *ret_count)
{
    *ret_count = locals->group.name_count;
    return locals->group.names;
}
