/*
 * What the directory knows, written down in state.db.
 * A part of the directory; recall.c reads it at the start.
 * Must never wait for the disk, nor have more than one writing under way.
 */
#include "daemon/clock.h"
#include "daemon/directory_internal.h"
#include "daemon/log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS_MAX STATE_ROWS_MAX /* of one writing */
#define BYTES_MAX ((size_t)1024 * 1024)
#define RETRY_US (10 * CLOCK_SECOND_US)

/* Somebody who is no more among the last known. */
struct gone {
    enum state_table table;
    STAILQ_ENTRY(gone) link;
    char id[];
};

struct remember {
    struct directory *directory;
    sd_event_source *timer;
    LIST_HEAD(, known_user) users; /* to be written */
    STAILQ_HEAD(, gone) gone;
    bool groups;  /* some of them are to be written */
    bool anything;
    bool writing;
    bool failed; /* all is to be written once the disk takes it again */
};

/* Rows of one writing. Texts are borrowed: they are copied before the loop goes on. */
struct rows {
    struct state_row items[ROWS_MAX];
    size_t count;
    size_t bytes; /* of the lists of groups, which may be long */
};

static int64_t epoch_of(int64_t until)
{
    const int64_t at = until == 0 ? 0 : until + (int64_t)time(NULL) - directory_now();
    return at > 0 ? at : 0;
}

/* --- what the disk has of somebody, in a number (FNV-1a) --- */

static uint32_t mix_number(uint32_t sum, uint32_t number)
{
    return (sum ^ number) * 16777619u;
}

static uint32_t mix_text(uint32_t sum, const char *text)
{
    for (; *text; text++)
        sum = mix_number(sum, (unsigned char)*text);
    return mix_number(sum, 0); /* its end */
}

#define SUM_BEGIN 2166136261u

/* Never 0: that is what nobody has. */
static uint32_t sum_of_user(const struct known_user *user)
{
    uint32_t sum = mix_text(SUM_BEGIN, user->name);
    const uint32_t flags = (user->enabled ? 1u : 0u) | (user->swept ? 2u : 0u);
    sum = mix_text(mix_text(mix_text(sum, user->gecos), user->home), user->shell);
    sum = mix_number(mix_number(mix_number(sum, user->uid), user->gid), flags);
    for (uint32_t i = 0; i < user->gid_count; i++)
        sum = mix_number(sum, user->gids[i]);
    return sum | 1;
}

static uint32_t sum_of_group(const struct known_group *group)
{
    return mix_number(mix_text(mix_text(SUM_BEGIN, group->name), group->id), group->gid) | 1;
}

/* Which groups are served, and under which names: those of another configuration are not known. */
uint32_t remember_served(const struct directory *directory)
{
    const struct config_groups *groups = &directory->daemon->config->groups;
    uint32_t sum = mix_text(SUM_BEGIN, directory->daemon->config->directory.gid_attribute);
    for (size_t i = 0; i < groups->serve.count; i++)
        sum = mix_text(sum, groups->serve.items[i]);
    for (size_t i = 0; i < groups->names.count; i++)
        sum = mix_text(mix_text(sum, groups->names.items[i].key), groups->names.items[i].value);
    return (mix_number(sum, groups->parents) | 1) & INT32_MAX;
}

void remember_loaded(struct known_user *user)
{
    user->saved = sum_of_user(user);
}

void remember_loaded_group(struct known_group *group)
{
    group->saved = sum_of_group(group);
}

/* --- rows --- */

static void add_row(struct rows *rows, const struct state_row *row)
{
    if (rows->count < ROWS_MAX)
        rows->items[rows->count++] = *row;
    rows->bytes += row->gid_count * sizeof *row->gids;
}

static bool has_room(const struct rows *rows)
{
    return rows->count + 3 <= ROWS_MAX && rows->bytes < BYTES_MAX; /* a user has three */
}

static void add_realm(const struct directory *directory, struct rows *rows)
{
    const struct state_row row = {
        .table = STATE_REALM,
        .number = 1,
        .id = directory->daemon->config->realm.issuer,
        .gid = remember_served(directory),
        .until = epoch_of(directory->groups_until),
        .gids_until = (int64_t)time(NULL),
    };
    add_row(rows, &row);
}

static void add_user(struct rows *rows, const struct known_user *user)
{
    const struct state_row entry = {
        .table = STATE_USERS,
        .id = user->id,
        .name = user->name,
        .number = user->uid,
        .gid = user->gid,
        .gecos = user->gecos,
        .home = user->home,
        .shell = user->shell,
        .enabled = user->enabled,
        .swept = user->swept,
        .until = epoch_of(user->until),
        .gids_until = epoch_of(user->gids_until),
        .gids = user->gids,
        .gid_count = user->gid_count < KC_SNAPSHOT_GROUPS_MAX ? user->gid_count
                                                              : KC_SNAPSHOT_GROUPS_MAX,
    };
    const struct state_row name = {.table = STATE_NAMES, .name = user->name, .id = user->id};
    const struct state_row uid = {.table = STATE_UIDS,
        .number = user->uid,
        .id = user->id,
        .allocated = user->allocated};
    if (!user->bound) {
        add_row(rows, &name);
        add_row(rows, &uid);
    }
    add_row(rows, &entry);
}

static void add_groups(struct directory *directory, struct rows *rows)
{
    struct remember *remember = directory->remember;
    for (size_t i = 0; remember->groups && i < directory->groups.count && has_room(rows); i++) {
        struct known_group *group = &directory->groups.items[i];
        const uint32_t sum = sum_of_group(group);
        const struct state_row row = {
            .table = STATE_GROUPS, .id = group->id, .name = group->name, .number = group->gid};
        if (group->saved == sum)
            continue;
        add_row(rows, &row);
        group->saved = sum;
    }
    remember->groups = remember->groups && !has_room(rows);
}

static void take_user(struct known_user *user)
{
    LIST_REMOVE(user, link);
    user->unsaved = false;
}

static void add_users(struct remember *remember, struct rows *rows)
{
    struct known_user *user;
    while (has_room(rows) && (user = LIST_FIRST(&remember->users))) {
        take_user(user);
        add_user(rows, user);
        user->bound = true;
        user->saved = sum_of_user(user);
    }
}

static void add_bindings(struct directory *directory, struct rows *rows)
{
    struct state_row row;
    while (has_room(rows) && bindings_next_unsaved(directory->bindings, &row))
        add_row(rows, &row);
}

/* --- writing --- */

static void drop_gone(struct remember *remember, size_t count)
{
    struct gone *gone;
    while (count-- > 0 && (gone = STAILQ_FIRST(&remember->gone))) {
        STAILQ_REMOVE_HEAD(&remember->gone, link);
        free(gone);
    }
}

static size_t add_gone(const struct remember *remember, struct rows *rows)
{
    const struct gone *gone;
    size_t count = 0;
    STAILQ_FOREACH(gone, &remember->gone, link)
    {
        const struct state_row row = {.table = gone->table, .remove = true, .id = gone->id};
        if (!has_room(rows))
            break;
        add_row(rows, &row);
        count++;
    }
    return count;
}

static void on_written(void *userdata, enum kc_status status);

static enum kc_status write_some(struct directory *directory)
{
    struct remember *remember = directory->remember;
    KC_AUTO_FREE struct rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        return KC_NO_MEMORY;
    add_realm(directory, rows);
    const size_t gone = add_gone(remember, rows);
    add_bindings(directory, rows);
    add_groups(directory, rows);
    add_users(remember, rows);
    const enum kc_status status =
        state_write(directory->daemon->state, rows->items, rows->count, on_written, remember);
    if (status == KC_OK) {
        drop_gone(remember, gone);
        remember->anything = !has_room(rows);
    }
    return status;
}

static void plan(struct remember *remember, uint64_t pause)
{
    if (sd_event_source_set_time(remember->timer, clock_us() + pause) < 0 ||
        sd_event_source_set_enabled(remember->timer, SD_EVENT_ONESHOT) < 0)
        log_line(LOG_ERR, "state result=failed reason=system-error");
}

static void unsave_user(void *userdata, struct known_user *user)
{
    struct remember *remember = userdata;
    user->bound = false;
    user->saved = 0;
    if (!user->unsaved)
        LIST_INSERT_HEAD(&remember->users, user, link);
    user->unsaved = true;
}

/* What was on its way may not have arrived: everything goes again. */
static void unsave_all(struct directory *directory)
{
    struct remember *remember = directory->remember;
    people_walk(directory->people, unsave_user, remember);
    bindings_unsave(directory->bindings);
    for (size_t i = 0; i < directory->groups.count; i++)
        directory->groups.items[i].saved = 0;
    remember->groups = remember->anything = true;
}

static void fail(struct remember *remember)
{
    remember->failed = true;
    plan(remember, RETRY_US);
}

static void on_written(void *userdata, enum kc_status status)
{
    struct remember *remember = userdata;
    remember->writing = false;
    if (status != KC_OK)
        fail(remember);
    else if (remember->anything)
        plan(remember, 0);
}

static int on_time(sd_event_source *source, uint64_t now, void *userdata)
{
    struct remember *remember = userdata;
    struct directory *directory = remember->directory;
    (void)source;
    (void)now;
    if (remember->writing)
        return 0;
    if (remember->failed)
        unsave_all(directory);
    remember->failed = false;
    if (write_some(directory) == KC_OK)
        remember->writing = true;
    else
        fail(remember);
    return 0;
}

static void on_lost(void *userdata)
{
    struct remember *remember = userdata;
    unsave_all(remember->directory);
    if (!remember->writing)
        plan(remember, 0);
}

void remember_soon(struct directory *directory)
{
    struct remember *remember = directory->remember;
    if (!remember || remember->anything)
        return;
    remember->anything = true;
    if (!remember->writing && !remember->failed)
        plan(remember, 0);
}

/* --- what has changed --- */

void remember_user(struct directory *directory, struct known_user *user)
{
    struct remember *remember = directory->remember;
    if (!remember || user->unsaved || (user->bound && user->saved == sum_of_user(user)))
        return;
    LIST_INSERT_HEAD(&remember->users, user, link);
    user->unsaved = true;
    remember_soon(directory);
}

void remember_no_more(struct directory *directory, enum state_table table, const char *id)
{
    const size_t size = strlen(id) + 1;
    struct gone *gone = directory->remember ? malloc(sizeof *gone + size) : NULL;
    if (!gone)
        return; /* it is asked for once more after the next start */
    gone->table = table;
    memcpy(gone->id, id, size);
    /* drop_gone gives it back: lint: -Wanalyzer-malloc-leak */
    STAILQ_INSERT_TAIL(&directory->remember->gone, gone, link);
    remember_soon(directory);
}

void remember_gone(struct directory *directory, struct known_user *user)
{
    if (user->unsaved)
        take_user(user);
    if (user->saved != 0)
        remember_no_more(directory, STATE_USERS, user->id);
    user->saved = 0;
}

void remember_groups(struct directory *directory, struct known_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++) {
        struct known_group *group = &groups->items[i];
        const struct known_group *before = group_by_id(&directory->groups, group->id);
        group->saved = before ? before->saved : 0;
        owner_bind_group(directory, group);
        if (directory->remember && group->saved != sum_of_group(group))
            directory->remember->groups = true;
    }
    for (size_t i = 0; i < directory->groups.count; i++) {
        const struct known_group *group = &directory->groups.items[i];
        if (!group_by_name(groups, group->name))
            words_give_back(directory->words, group->fresh);
        if (!group_by_id(groups, group->id))
            remember_no_more(directory, STATE_GROUPS, group->id);
    }
}

static void look_at(void *userdata, struct known_user *user)
{
    struct directory *directory = userdata;
    user->swept = user->until >= directory->groups_until;
    remember_user(directory, user);
}

void remember_swept(struct directory *directory)
{
    people_walk(directory->people, look_at, directory);
    remember_soon(directory);
}

/* --- the object --- */

enum kc_status remember_new(struct directory *directory)
{
    if (!directory->daemon->state)
        return KC_OK;
    struct remember *remember = calloc(1, sizeof *remember);
    if (!remember)
        return KC_NO_MEMORY;
    remember->directory = directory;
    STAILQ_INIT(&remember->gone);
    directory->remember = remember;
    if (sd_event_add_time(directory->daemon->event, &remember->timer, CLOCK_MONOTONIC, 1, 1000,
            on_time, remember) < 0 ||
        sd_event_source_set_enabled(remember->timer, SD_EVENT_OFF) < 0)
        return KC_SYSTEM;
    state_watch(directory->daemon->state, on_lost, remember);
    return KC_OK;
}

void remember_free(struct directory *directory)
{
    struct remember *remember = directory->remember;
    if (!remember)
        return;
    while (remember->anything && !remember->failed && write_some(directory) == KC_OK)
        continue;
    remember_drop(directory);
}

void remember_drop(struct directory *directory)
{
    struct remember *remember = directory->remember;
    struct known_user *user;
    while ((user = LIST_FIRST(&remember->users)))
        take_user(user);
    state_forget_writer(directory->daemon->state);
    drop_gone(remember, SIZE_MAX);
    sd_event_source_disable_unref(remember->timer);
    directory->remember = NULL;
    free(remember);
}
