/*
 * What the directory knows, put into the snapshot: at most once in two seconds.
 * Used by directory.c, fetch.c and sweep.c.
 * Must never publish a user or group that directory.c would not answer with.
 */
#include "daemon/clock.h"
#include "daemon/directory_internal.h"
#include "daemon/log.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_US (2 * CLOCK_SECOND_US)
#define RETRY_US (10 * CLOCK_SECOND_US)

/* The content while it is put together. */
struct picture {
    struct arena_user *users;
    uint32_t count;
    struct arena_group *groups;
    uint32_t *members; /* of all groups, one behind the other, counted in users */
    size_t member_count;
};

static void add_user(void *userdata, struct known_user *user)
{
    struct picture *picture = userdata;
    user->number = picture->count;
    picture->users[picture->count++] = (struct arena_user){
        .name = user->name,
        .gecos = user->gecos,
        .home = user->home,
        .shell = user->shell,
        .uid = user->uid,
        .gid = user->gid,
        .fresh = user->fresh,
        .gids = user->gids,
        .gid_count = user->gid_count,
    };
}

static void add_group(const struct directory *directory, struct picture *picture, size_t index)
{
    const struct known_group *group = &directory->groups.items[index];
    uint32_t *members = picture->members + picture->member_count;
    uint32_t count = 0;
    for (uint32_t i = 0; i < group->member_count; i++) {
        const struct known_user *user = people_by_uid(directory->people, group->members[i]);
        if (user)
            members[count++] = user->number;
    }
    picture->member_count += count;
    picture->groups[index] = (struct arena_group){
        .name = group->name,
        .gid = group->gid,
        .fresh = group->fresh,
        .members = members,
        .member_count = count,
    };
}

static enum kc_status publish_picture(struct directory *directory, struct picture *picture)
{
    const size_t groups = directory->groups.count;
    size_t local_users, local_groups;
    const char *const *users = locals_users(directory->locals, &local_users);
    const char *const *others = locals_groups(directory->locals, &local_groups);
    people_walk(directory->people, add_user, picture);
    for (size_t i = 0; i < groups; i++)
        add_group(directory, picture, i);
    const struct arena_content content = {
        .users = picture->users,
        .user_count = picture->count,
        .groups = picture->groups,
        .group_count = (uint32_t)groups,
        .local_users = users,
        .local_user_count = (uint32_t)local_users,
        .local_groups = others,
        .local_group_count = (uint32_t)local_groups,
    };
    return snapshot_publish(directory->snapshot, &content);
}

static enum kc_status publish(struct directory *directory)
{
    const size_t groups = directory->groups.count;
    KC_AUTO_FREE struct arena_user *users =
        calloc(people_count(directory->people) + 1, sizeof *users);
    KC_AUTO_FREE struct arena_group *arena_groups = calloc(groups + 1, sizeof *arena_groups);
    size_t memberships = 0;
    for (size_t i = 0; i < groups; i++)
        memberships += directory->groups.items[i].member_count;
    KC_AUTO_FREE uint32_t *members = calloc(memberships + 1, sizeof *members);
    struct picture picture = {.users = users, .groups = arena_groups, .members = members};
    if (!users || !arena_groups || !members)
        return KC_NO_MEMORY;
    return publish_picture(directory, &picture);
}

/* Once more, after a failure. */
static void publish_later(struct directory *directory)
{
    if (sd_event_source_set_time(directory->publish_timer, clock_us() + RETRY_US) >= 0 &&
        sd_event_source_set_enabled(directory->publish_timer, SD_EVENT_ONESHOT) >= 0)
        directory->publish_planned = true;
}

static int on_time(sd_event_source *source, uint64_t now, void *userdata)
{
    struct directory *directory = userdata;
    (void)source;
    (void)now;
    directory->publish_planned = false;
    const enum kc_status status = publish(directory);
    if (status != KC_OK) {
        /* what readers still see must not be kept fresh by what they do not see */
        snapshot_expire_all(directory->snapshot);
        publish_later(directory);
        log_line(LOG_ERR, "snapshot result=%s reason=%s", kc_class_word(kc_status_class(status)),
            kc_status_word(status));
    }
    (void)malloc_trim(0); /* pages of the realm's answers, and the arena that was copied */
    return 0;
}

void publish_soon(struct directory *directory)
{
    uint64_t before = 0;
    const uint64_t now = clock_us();
    if (directory->publish_planned)
        return;
    if (sd_event_source_get_time(directory->publish_timer, &before) < 0)
        before = 0;
    const uint64_t next = before + PAUSE_US > now ? before + PAUSE_US : now;
    if (sd_event_source_set_time(directory->publish_timer, next) >= 0 &&
        sd_event_source_set_enabled(directory->publish_timer, SD_EVENT_ONESHOT) >= 0)
        directory->publish_planned = true;
}

/* Names keep their words: readers of the last run's arena still look at them. */
static void find_words(void *userdata, enum kc_record_kind kind, const char *name, uint32_t fresh)
{
    struct directory *directory = userdata;
    if (kind != KC_RECORD_LOCAL &&
        words_found(directory->words, kind == KC_RECORD_GROUP, name, fresh) != KC_OK)
        log_line(LOG_ERR, "snapshot result=failed reason=no-memory");
}

enum kc_status publish_init(struct directory *directory, const char *folder)
{
    enum kc_status status = words_new(&directory->words);
    if (status == KC_OK)
        status = snapshot_open(folder, &directory->snapshot);
    if (status != KC_OK)
        return status;
    snapshot_walk(directory->snapshot, find_words, directory);
    if (sd_event_add_time(directory->daemon->event, &directory->publish_timer, CLOCK_MONOTONIC, 1,
            1000, on_time, directory) < 0 ||
        sd_event_source_set_enabled(directory->publish_timer, SD_EVENT_OFF) < 0)
        return KC_SYSTEM;
    return KC_OK;
}

void publish_free(struct directory *directory)
{
    sd_event_source_disable_unref(directory->publish_timer);
    snapshot_close(directory->snapshot);
    words_free(directory->words);
}

uint32_t publish_new_words(struct directory *directory, bool group, const char *name)
{
    const uint32_t first = words_take(directory->words, group, name);
    publish_fresh(directory, first, 0); /* somebody may have used them */
    publish_fresh(directory, first + 1, 0);
    return first;
}

void publish_fresh(struct directory *directory, uint32_t word, int64_t until)
{
    const uint32_t seconds = until <= 0 ? 0 : until < UINT32_MAX ? (uint32_t)until : UINT32_MAX;
    if (snapshot_set_fresh(directory->snapshot, word, seconds) != KC_OK)
        log_line(LOG_ERR, "snapshot result=failed reason=no-memory");
}
