/*
 * The directory: realm users and groups as this host knows them.
 * Used by lookup.c to answer, by main.c (one object).
 * Must never say that somebody does not exist unless the realm itself has just said so.
 */
#include "daemon/directory_internal.h"

#include "common/account.h"
#include "daemon/backoff.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/oauth_error.h"
#include "daemon/passwd_entry.h"
#include "daemon/shells.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define WAITS_MAX 256u         /* of one socket */
#define LIST_ROOM ((size_t)24 * 1024) /* bytes of a page: the public socket takes 32 KiB */

uint32_t directory_now(void)
{
    return (uint32_t)(clock_us() / CLOCK_SECOND_US);
}

/* --- what the host's own files have, nobody else does --- */

bool directory_name_is_local(const struct directory *directory, const char *name)
{
    const struct paths *paths = &directory->daemon->paths;
    struct kc_account account;
    bool local = false;
    const enum kc_status status = kc_account_find(paths->passwd, name, &account);
    if (status != KC_NOT_FOUND)
        return true; /* or nobody knows: a file that cannot be read */
    return kc_account_group_exists(paths->group, name, &local) != KC_OK || local;
}

bool directory_gid_is_local(const struct directory *directory, uint32_t gid)
{
    bool local = false;
    return kc_account_gid_exists(directory->daemon->paths.group, gid, &local) != KC_OK || local;
}

static bool uid_is_local(const struct directory *directory, uint32_t uid)
{
    struct kc_account account;
    return kc_account_find_uid(directory->daemon->paths.passwd, uid, &account) != KC_NOT_FOUND;
}

/* --- users --- */

static uint32_t primary_gid(const struct directory *directory)
{
    const char *name = directory->daemon->config->directory.primary_group;
    const struct known_group *group = name ? known_group_by_name(directory->judged_by, name) : NULL;
    return group ? group->gid : 0;
}

/* The host's own names and ids win, and users and groups are one namespace. */
static enum kc_status judge_entry(
    const struct directory *directory, const struct passwd_entry *entry)
{
    if (directory_name_is_local(directory, entry->name) || uid_is_local(directory, entry->uid))
        return KC_NOT_OURS;
    if (directory_gid_is_local(directory, entry->gid))
        return KC_ENTRY_BAD_GID;
    return known_group_by_name(directory->judged_by, entry->name) ? KC_ENTRY_NAME_TAKEN : KC_OK;
}

enum kc_status directory_take_person(
    struct directory *directory, const struct json_object *object, struct known_user **ret_user)
{
    const struct config_directory *config = &directory->daemon->config->directory;
    const struct passwd_entry_rules rules = {
        .directory = config,
        .bounds = directory->daemon->bounds,
        .primary_gid = primary_gid(directory),
        .shells = (const char *const *)directory->shells,
    };
    PERSON_AUTO struct person *person = NULL;
    struct passwd_entry entry;
    struct known_user *user = NULL;
    enum kc_status status = person_read(object, config, &person);
    if (status == KC_OK)
        status = passwd_entry_make(person, &rules, &entry);
    if (status == KC_OK)
        status = judge_entry(directory, &entry);
    if (status != KC_OK)
        return status;
    const struct known_user *before = people_by_id(directory->people, person->id);
    const uint32_t uid_before = before ? before->uid : entry.uid;
    status = people_put(directory->people, person->id, &entry, person->enabled, &user);
    if (status != KC_OK || uid_before != entry.uid)
        directory_drop_member(directory, uid_before);
    if (status != KC_OK)
        return status;
    if (user->until == 0)
        user->fresh = publish_new_words(directory);
    user->until = directory_now() + config->found_ttl;
    publish_fresh(directory, user->fresh, user->until);
    *ret_user = user;
    return KC_OK;
}

void directory_set_gids(
    struct directory *directory, struct known_user *user, uint32_t *gids, uint32_t count)
{
    free(user->gids);
    user->gids = gids;
    user->gid_count = count;
    user->has_gids = true;
    user->gids_until = directory_now() + directory->daemon->config->directory.found_ttl;
    publish_fresh(directory, user->fresh + 1, user->gids_until);
}

/* --- groups --- */

struct known_group *directory_group_by_path(const struct directory *directory, const char *path)
{
    for (size_t i = 0; i < directory->groups.count; i++)
        if (strcmp(directory->groups.items[i].path, path) == 0)
            return &directory->groups.items[i];
    return NULL;
}

struct known_group *directory_group_by_name(const struct directory *directory, const char *name)
{
    return known_group_by_name(&directory->groups, name);
}

struct known_group *known_group_by_name(const struct known_groups *groups, const char *name)
{
    size_t low = 0, high = groups->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(groups->items[middle].name, name);
        if (order == 0)
            return &groups->items[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

struct known_group *directory_group_by_gid(const struct directory *directory, uint32_t gid)
{
    for (size_t i = 0; i < directory->groups.count; i++)
        if (directory->groups.items[i].gid == gid)
            return &directory->groups.items[i];
    return NULL;
}

void directory_drop_member(struct directory *directory, uint32_t uid)
{
    for (size_t i = 0; i < directory->groups.count; i++) {
        struct known_group *group = &directory->groups.items[i];
        uint32_t kept = 0;
        for (uint32_t j = 0; j < group->member_count; j++)
            if (group->members[j] != uid)
                group->members[kept++] = group->members[j];
        group->member_count = kept;
    }
}

/* --- answers --- */

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
static bool may_be_stale(enum kc_status status, uint32_t until, uint32_t grace)
{
    const enum kc_class class = kc_status_class(status);
    return (class == KC_CLASS_UNREACHABLE || class == KC_CLASS_UNAVAILABLE ||
               class == KC_CLASS_MISCONFIGURED) &&
           until != 0 && directory_now() < (uint64_t)until + grace;
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
    KC_AUTO_FREE char *names = malloc(KC_LIST_MAX);
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
    return *lookup->name ? directory_group_by_name(directory, lookup->name)
                         : directory_group_by_gid(directory, lookup->id);
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
    wait->fetch = NULL;
    if (directory->sweep)
        return;
    const enum kc_status status = sweep_begin(directory);
    if (status != KC_OK) {
        LIST_REMOVE(wait, link);
        directory_fail(wait, status);
    }
}

/* Answers, or joins whoever brings the answer. */
static void resolve(struct directory_wait *wait)
{
    struct directory *directory = wait->directory;
    const struct kc_wire_lookup *lookup = &wait->lookup;
    const uint32_t now = directory_now();
    if (!directory->ready || (lookup->kind == KC_LOOKUP_GROUP && now >= directory->groups_until)) {
        wait_for_sweep(wait);
        return;
    }
    if (lookup->kind == KC_LOOKUP_GROUP) {
        const struct known_group *group = find_group(directory, lookup);
        if (group)
            answer_group(wait, group);
        else
            directory_answer(wait, KC_USER_UNKNOWN);
        return;
    }
    const struct known_user *user = find_user(directory, lookup);
    if (user && now < user->until) {
        directory_answer_user(wait, user);
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
    resolve(wait);
    if (!ended)
        wait->ended = NULL;
    *ret_wait = ended ? NULL : wait;
    return KC_OK;
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

/* --- the sweep --- */

static void count_membership(void *userdata, struct known_user *user)
{
    (void)userdata;
    user->number = 0;
}

static void make_room_for_gids(void *userdata, struct known_user *user)
{
    uint32_t *gids = calloc(user->number + 1u, sizeof *gids);
    if (gids)
        directory_set_gids(userdata, user, gids, 0);
    else
        user->number = 0; /* the old list stays as it is */
}

/* Each user's groups, from all groups' members. What does not fit in memory stays as it was. */
static void spread_gids(struct directory *directory)
{
    struct people *people = directory->people;
    people_walk(people, count_membership, NULL);
    for (size_t i = 0; i < directory->groups.count; i++)
        for (uint32_t j = 0; j < directory->groups.items[i].member_count; j++) {
            struct known_user *user = people_by_uid(people, directory->groups.items[i].members[j]);
            if (user)
                user->number++;
        }
    people_walk(people, make_room_for_gids, directory);
    for (size_t i = 0; i < directory->groups.count; i++) {
        const struct known_group *group = &directory->groups.items[i];
        for (uint32_t j = 0; j < group->member_count; j++) {
            struct known_user *user = people_by_uid(people, group->members[j]);
            if (user && user->gids && user->gid_count < user->number &&
                user->gid_count < KC_SNAPSHOT_GROUPS_MAX)
                user->gids[user->gid_count++] = group->gid;
        }
    }
}

static void take_over(struct directory *directory)
{
    const struct config *config = directory->daemon->config;
    const uint32_t until = directory_now() + config->directory.found_ttl;
    directory->groups_until = until;
    directory->ready = true;
    for (size_t i = 0; i < directory->groups.count; i++) {
        publish_fresh(directory, directory->groups.items[i].fresh, until);
        publish_fresh(directory, directory->groups.items[i].fresh + 1, until);
    }
    if (config->groups.members)
        spread_gids(directory);
    publish_soon(directory);
}

/* The next sweep, before what this one brought is old; not at the same second on all hosts. */
static void plan_sweep(struct directory *directory, enum kc_status status)
{
    const uint64_t life =
        (uint64_t)directory->daemon->config->directory.found_ttl * CLOCK_SECOND_US;
    const uint64_t now = clock_us();
    const uint64_t pause = status == KC_OK ? life / 2 + (uint64_t)random() % (life / 4 + 1)
                                           : backoff_us(directory->sweep_failures++);
    if (status == KC_OK)
        directory->sweep_failures = 0;
    directory->sweep_next_us = status == KC_OK ? 0 : now + pause;
    if (sd_event_source_set_time(directory->sweep_timer, now + pause) < 0 ||
        sd_event_source_set_enabled(directory->sweep_timer, SD_EVENT_ONESHOT) < 0)
        log_line(LOG_ERR, "directory result=failed reason=system-error");
}

static void log_sweep(struct directory *directory, enum kc_status status, const char *detail)
{
    char words[LOG_VALUE_SIZE], change[LOG_VALUE_SIZE];
    const char *advice = oauth_error_advice(status);
    log_line(status == KC_OK ? LOG_NOTICE : LOG_ERR,
        "directory result=%s reason=%s users=%zu groups=%zu%s%s%s%s",
        kc_class_word(kc_status_class(status)), kc_status_word(status),
        people_count(directory->people), directory->groups.count, *detail ? " detail=" : "",
        *detail ? log_value(detail, words) : "", advice ? " advice=" : "",
        advice ? log_value(advice, change) : "");
}

void sweep_done(struct directory *directory, enum kc_status status, const char *detail)
{
    const bool changed = !directory->swept || directory->report.failure != status;
    struct directory_waits waits;
    struct directory_wait *wait;
    directory->swept = true;
    directory->report.failure = status;
    snprintf(directory->report.detail, sizeof directory->report.detail, "%s", detail);
    if (status == KC_OK)
        take_over(directory);
    if (status == KC_DIRECTORY_FORBIDDEN)
        directory->ready = false; /* its empty answers mean nothing */
    if (changed)
        log_sweep(directory, status, detail);
    plan_sweep(directory, status);
    LIST_INIT(&waits);
    while ((wait = LIST_FIRST(&directory->waits))) {
        LIST_REMOVE(wait, link);
        LIST_INSERT_HEAD(&waits, wait, link);
    }
    while ((wait = LIST_FIRST(&waits))) {
        LIST_REMOVE(wait, link);
        if (status == KC_OK)
            resolve(wait);
        else
            directory_fail(wait, status);
    }
}

static int on_sweep_time(sd_event_source *source, uint64_t now, void *userdata)
{
    struct directory *directory = userdata;
    (void)source;
    (void)now;
    if (!directory->sweep) {
        const enum kc_status status = sweep_begin(directory);
        if (status != KC_OK)
            sweep_done(directory, status, "");
    }
    return 0;
}

/* --- the object --- */

static void set_policy(struct directory *directory)
{
    const struct config_directory *config = &directory->daemon->config->directory;
    snapshot_set_policy(
        directory->snapshot, config->enumerate, config->max_stale, config->group_max_stale);
}

enum kc_status directory_new(
    struct daemon *daemon, const char *folder, struct directory **ret_directory)
{
    struct directory *directory = calloc(1, sizeof *directory);
    if (!directory)
        return KC_NO_MEMORY;
    directory->daemon = daemon;
    directory->judged_by = &directory->groups;
    enum kc_status status = people_new(&directory->people);
    if (status == KC_OK)
        status = absent_new(&directory->absent);
    if (status == KC_OK)
        status = admin_new(daemon->realm, &directory->admin);
    if (status == KC_OK)
        status = shells_read("/etc/shells", &directory->shells);
    if (status == KC_OK)
        status = publish_init(directory, folder);
    if (status == KC_OK && sd_event_add_time(daemon->event, &directory->sweep_timer,
                               CLOCK_MONOTONIC, 1, 0, on_sweep_time, directory) < 0)
        status = KC_SYSTEM;
    if (status != KC_OK) {
        directory_free(directory);
        return status;
    }
    set_policy(directory);
    *ret_directory = directory;
    return KC_OK;
}

/* Who waits hears that it is not known just now; nothing is under way any more. */
static void abandon(struct directory *directory)
{
    struct directory_wait *wait;
    fetch_abandon_all(directory);
    sweep_free(KC_TAKE(directory->sweep));
    while ((wait = LIST_FIRST(&directory->waits))) {
        LIST_REMOVE(wait, link);
        directory_fail(wait, KC_NOT_READY);
    }
}

void directory_withdraw(struct directory *directory)
{
    snapshot_withdraw(directory->snapshot);
}

void directory_free(struct directory *directory)
{
    if (!directory)
        return;
    abandon(directory);
    sd_event_source_disable_unref(directory->sweep_timer);
    publish_free(directory);
    admin_free(directory->admin);
    sweep_groups_free(&directory->groups);
    people_free(directory->people);
    absent_free(directory->absent);
    shells_free(directory->shells);
    free(directory);
}

enum kc_status directory_reload(struct directory *directory)
{
    struct admin *admin;
    abandon(directory);
    absent_clear(directory->absent);
    const enum kc_status status = admin_new(directory->daemon->realm, &admin);
    if (status != KC_OK) {
        plan_sweep(directory, status);
        return status;
    }
    admin_free(directory->admin);
    directory->admin = admin;
    set_policy(directory);
    return on_sweep_time(NULL, 0, directory) == 0 ? KC_OK : KC_SYSTEM;
}

void directory_status(const struct directory *directory, struct directory_report *ret_report)
{
    *ret_report = directory->report;
    ret_report->ready = directory->ready;
    ret_report->users = people_count(directory->people);
    ret_report->groups = directory->groups.count;
}
