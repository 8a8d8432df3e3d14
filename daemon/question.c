/*
 * Questions to the directory: who waits, what is known already, who brings what is not.
 * Used by lookup.c through directory.h; sweep.c and fetch.c end the waits.
 * Must never say that somebody does not exist unless the realm itself has just said so.
 */
#include "daemon/clock.h"
#include "daemon/directory_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define WAITS_MAX 256u                /* of one socket */
#define LIST_ROOM ((size_t)24 * 1024) /* bytes of a page: the public socket takes 32 KiB */

static struct kc_view view_of(const char *text)
{
    return (struct kc_view){(const uint8_t *)text, strlen(text)};
}

static void end_wait(
    struct directory_wait *wait, enum kc_status status, const struct kc_wire_entry *entry)
{
    directory_found *found = wait->found;
    void *userdata = wait->userdata;
    if (wait->ended)
        *wait->ended = true;
    wait->directory->wait_count[wait->privileged]--;
    sd_event_source_disable_unref(wait->timer);
    free(wait);
    found(userdata, status, entry);
}

void directory_answer(struct directory_wait *wait, enum kc_status status)
{
    end_wait(wait, status, NULL);
}

/* Whether nobody knows better just now, and what was known is not too old. */
static bool may_be_stale(enum kc_status status, int64_t until, uint32_t grace)
{
    const enum kc_class class = kc_status_class(status);
    return (class == KC_CLASS_UNREACHABLE || class == KC_CLASS_UNAVAILABLE ||
               class == KC_CLASS_MISCONFIGURED) &&
           until != 0 && directory_now() < until + grace;
}

static void answer_gids(struct directory_wait *wait, const struct known_user *user)
{
    uint32_t wire[KC_SNAPSHOT_GROUPS_MAX]; /* no user has more */
    const uint32_t skip = wait->lookup.skip < user->gid_count ? wait->lookup.skip : user->gid_count;
    const uint32_t count = user->gid_count - skip;
    for (uint32_t i = 0; i < count; i++)
        wire[i] = htonl(user->gids[skip + i]);
    const struct kc_wire_entry entry = {
        .count = count,
        .total = user->gid_count,
        .list = {(const uint8_t *)wire, count * sizeof wire[0]},
    };
    end_wait(wait, KC_OK, &entry);
}

/* Joins the fetch of a user, or of its groups, where this caller may have the realm asked. */
static void ask_for(struct directory_wait *wait, const char *name, bool gids)
{
    const enum kc_status status =
        wait->may_ask ? fetch_join(wait->directory, name, gids, wait) : KC_BUSY;
    if (status != KC_OK)
        directory_fail(wait, status);
}

static void answer_user(struct directory_wait *wait, const struct known_user *user)
{
    struct kc_wire_entry entry = {
        .uid = user->uid,
        .gid = user->gid,
        .gecos = view_of(user->gecos),
        .home = view_of(user->home),
        .shell = view_of(user->shell),
    };
    snprintf(entry.name, sizeof entry.name, "%s", user->name);
    end_wait(wait, KC_OK, &entry);
}

void directory_answer_user(struct directory_wait *wait, const struct known_user *user)
{
    if (wait->lookup.kind == KC_LOOKUP_GIDS) {
        if (directory_now() < user->gids_until)
            answer_gids(wait, user);
        else
            ask_for(wait, user->name, true);
        return;
    }
    answer_user(wait, user);
}

/* One page of a group, from member `skip` on. */
static void answer_group(struct directory_wait *wait, const struct known_group *group)
{
    const struct people *people = wait->directory->people;
    KC_AUTO_FREE char *names = malloc(LIST_ROOM + KC_LOOKUP_NAME_MAX);
    size_t length = 0;
    uint32_t at = wait->lookup.skip < group->member_count ? wait->lookup.skip : group->member_count;
    struct kc_wire_entry entry = {.gid = group->gid, .total = group->member_count};
    if (!names) {
        end_wait(wait, KC_NO_MEMORY, NULL);
        return;
    }
    for (; at < group->member_count && length < LIST_ROOM; at++) {
        const struct known_user *user = people_by_uid(people, group->members[at]);
        if (!user) {
            entry.total--; /* removed since the sweep; the pages after move up by one */
            continue;
        }
        const size_t size = strlen(user->name) + 1;
        memcpy(names + length, user->name, size);
        length += size;
        entry.count++;
    }
    entry.list = (struct kc_view){(const uint8_t *)names, length};
    snprintf(entry.name, sizeof entry.name, "%s", group->name);
    end_wait(wait, KC_OK, &entry);
}

static struct known_user *find_user(
    const struct directory *directory, const struct kc_wire_lookup *lookup)
{
    return *lookup->name ? people_by_name(directory->people, lookup->name)
                         : people_by_uid(directory->people, lookup->id);
}

static struct known_group *find_group(
    const struct directory *directory, const struct kc_wire_lookup *lookup)
{
    return *lookup->name ? group_by_name(&directory->groups, lookup->name)
                         : group_by_gid(&directory->groups, lookup->id);
}

/* Joins the sweep, or begins one; after one that failed, not before its time. */
static void wait_for_sweep(struct directory_wait *wait)
{
    struct directory *directory = wait->directory;
    if (!directory->sweep && clock_us() < directory->sweep_next_us) {
        directory_fail(wait, directory->report.failure);
        return;
    }
    if (!directory->sweep && !wait->may_ask) {
        directory_fail(wait, KC_BUSY);
        return;
    }
    LIST_INSERT_HEAD(&directory->waits, wait, link);
    if (directory->sweep)
        return;
    const enum kc_status status = sweep_begin(directory);
    if (status != KC_OK) {
        LIST_REMOVE(wait, link);
        directory_fail(wait, status);
    }
}

/* What is known and fresh, be it from the last run of the daemon: false where it has to be asked.
 */
static bool answer_fresh(struct directory_wait *wait, const struct known_user *user)
{
    const struct directory *directory = wait->directory;
    const struct known_group *group = find_group(directory, &wait->lookup);
    const uint32_t now = directory_now();
    if (wait->lookup.kind == KC_LOOKUP_GROUP) {
        if (!group || now >= directory->groups_until)
            return false;
        answer_group(wait, group);
        return true;
    }
    /* a user's groups are read by the groups' own ids */
    const bool enough =
        wait->lookup.kind != KC_LOOKUP_GIDS || directory->named || (user && now < user->gids_until);
    if (!user || now >= user->until || !enough)
        return false;
    directory_answer_user(wait, user);
    return true;
}

/* Answers, or joins whoever brings the answer. */
void directory_resolve(struct directory_wait *wait)
{
    struct directory *directory = wait->directory;
    const struct kc_wire_lookup *lookup = &wait->lookup;
    const uint32_t now = directory_now();
    const bool group = lookup->kind == KC_LOOKUP_GROUP;
    if (*lookup->name ? locals_have_name(directory->locals, lookup->name)
        : group       ? locals_have_gid(directory->locals, lookup->id)
                      : locals_have_uid(directory->locals, lookup->id)) {
        directory_answer(wait, KC_NOT_OURS);
        return;
    }
    const struct known_user *user = find_user(directory, lookup);
    if (answer_fresh(wait, user))
        return;
    /* for users the groups' names and gids are enough; their members may be many */
    if (group ? !directory->ready || now >= directory->groups_until : !directory->named) {
        wait_for_sweep(wait);
        return;
    }
    if (group) {
        directory_answer(wait, KC_USER_UNKNOWN);
        return;
    }
    if (!user && !*lookup->name) {
        /* ids are never searched for in the realm, which may know it all the same */
        directory_answer(wait, KC_NOT_READY);
        return;
    }
    if (!user && absent_has(directory->absent, lookup->name, now)) {
        directory_answer(wait, KC_USER_UNKNOWN);
        return;
    }
    ask_for(wait, user ? user->name : lookup->name, false);
}

static int on_deadline(sd_event_source *source, uint64_t now, void *userdata)
{
    struct directory_wait *wait = userdata;
    (void)source;
    (void)now;
    LIST_REMOVE(wait, link);
    directory_fail(wait, KC_TIMED_OUT);
    return 0;
}

enum kc_status directory_lookup(struct directory *directory,
    const struct directory_question *question, directory_found *found, void *userdata,
    struct directory_wait **ret_wait)
{
    if (directory->wait_count[question->privileged] >= WAITS_MAX)
        return KC_BUSY;
    struct directory_wait *wait = calloc(1, sizeof *wait);
    if (!wait)
        return KC_NO_MEMORY;
    *wait = (struct directory_wait){
        .directory = directory,
        .lookup = question->lookup,
        .may_ask = question->may_ask,
        .privileged = question->privileged,
        .found = found,
        .userdata = userdata,
    };
    if (sd_event_add_time(directory->daemon->event, &wait->timer, CLOCK_MONOTONIC,
            question->deadline_us, 1000, on_deadline, wait) < 0) {
        free(wait);
        return KC_NO_MEMORY;
    }
    directory->wait_count[wait->privileged]++;
    bool ended = false;
    wait->ended = &ended;
    directory_resolve(wait);
    if (!ended)
        wait->ended = NULL;
    *ret_wait = ended ? NULL : wait;
    return KC_OK;
}

void directory_take_waits(struct directory_waits *from, struct directory_waits *ret_waits)
{
    struct directory_wait *wait;
    LIST_INIT(ret_waits);
    while ((wait = LIST_FIRST(from))) {
        LIST_REMOVE(wait, link);
        LIST_INSERT_HEAD(ret_waits, wait, link);
    }
}

void directory_wait_cancel(struct directory_wait *wait)
{
    LIST_REMOVE(wait, link);
    wait->directory->wait_count[wait->privileged]--;
    sd_event_source_disable_unref(wait->timer);
    free(wait);
}

void directory_fail(struct directory_wait *wait, enum kc_status status)
{
    const struct directory *directory = wait->directory;
    const struct config_directory *config = &directory->daemon->config->directory;
    if (wait->lookup.kind == KC_LOOKUP_GROUP) {
        const struct known_group *group = find_group(directory, &wait->lookup);
        if (group && may_be_stale(status, directory->groups_until, config->group_max_stale))
            answer_group(wait, group);
        else
            directory_answer(wait, status);
        return;
    }
    const struct known_user *user = find_user(directory, &wait->lookup);
    if (wait->lookup.kind == KC_LOOKUP_GIDS) {
        if (user && may_be_stale(status, user->gids_until, config->group_max_stale))
            answer_gids(wait, user);
        else
            directory_answer(wait, status);
    } else if (user && may_be_stale(status, user->until, config->max_stale)) {
        answer_user(wait, user);
    } else {
        directory_answer(wait, status);
    }
}
