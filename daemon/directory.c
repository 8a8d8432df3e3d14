/*
 * The directory: realm users and groups as this host knows them.
 * Used by main.c (one object); question.c has the lookups, schedule.c how often it learns anew.
 * Must never take in a user or a group whose name or id the host's own files have.
 */
#include "daemon/directory_internal.h"

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/passwd_entry.h"
#include "daemon/shells.h"
#include "daemon/wake.h"

#include <stdio.h>
#include <string.h>

uint32_t directory_now(void)
{
    return (uint32_t)(clock_us() / CLOCK_SECOND_US);
}

/* --- users --- */

static uint32_t primary_gid(const struct directory *directory)
{
    const char *name = directory->daemon->config->directory.primary_group;
    const struct known_group *group = name ? group_by_name(directory->judged_by, name) : NULL;
    return group ? group->gid : 0;
}

/* The host's own names and ids win, and users and groups are one namespace. */
enum kc_status directory_judge_entry(
    const struct directory *directory, const struct passwd_entry *entry)
{
    if (locals_have_name(directory->locals, entry->name) ||
        locals_have_uid(directory->locals, entry->uid))
        return KC_NOT_OURS;
    if (locals_have_gid(directory->locals, entry->gid))
        return KC_ENTRY_BAD_GID;
    return group_by_name(directory->judged_by, entry->name) ? KC_ENTRY_NAME_TAKEN : KC_OK;
}

enum kc_status directory_make_entry(const struct directory *directory, const struct person *person,
    uint32_t allocated, struct passwd_entry *ret_entry)
{
    const struct passwd_entry_rules rules = {
        .directory = &directory->daemon->config->directory,
        .bounds = directory->daemon->bounds,
        .primary_gid = primary_gid(directory),
        .allocated_uid = allocated,
        .shells = (const char *const *)directory->shells,
    };
    struct passwd_entry entry;
    enum kc_status status = passwd_entry_make(person, &rules, &entry);
    if (status == KC_OK)
        status = directory_judge_entry(directory, &entry);
    if (status == KC_OK)
        *ret_entry = entry;
    return status;
}

enum kc_status directory_take_person(
    struct directory *directory, const struct json_object *object, struct known_user **ret_user)
{
    const struct config_directory *config = &directory->daemon->config->directory;
    PERSON_AUTO struct person *person = NULL;
    struct passwd_entry entry;
    struct known_user *user = NULL;
    enum kc_status status = person_read(object, config, &person);
    if (status == KC_OK)
        status = directory_make_entry(
            directory, person, person->uid ? 0 : allocate_find(directory, person->id), &entry);
    if (status != KC_OK)
        return status;
    struct known_user *before = people_by_id(directory->people, person->id);
    status = owner_judge_user(directory, person->id, entry.name, entry.uid);
    if (before && (status != KC_OK || strcmp(before->name, entry.name) != 0 ||
                      before->uid != entry.uid))
        directory_forget(directory, before);
    if (status == KC_OK)
        status = people_put(directory->people, person->id, &entry, person->enabled, &user);
    if (status != KC_OK)
        return status;
    if (user->fresh == PEOPLE_NO_WORDS)
        user->fresh = publish_new_words(directory, false, user->name);
    user->until = directory_now() + config->found_ttl;
    user->swept = true;
    user->bound = user->bound && user->allocated == (entry.uid_source == ENTRY_ALLOCATED);
    user->allocated = entry.uid_source == ENTRY_ALLOCATED;
    publish_fresh(directory, user->fresh, user->until);
    remember_user(directory, user);
    *ret_user = user;
    return KC_OK;
}

enum kc_status directory_learn(struct directory *directory, const struct json_object *user,
    struct person **ret_person, uint32_t *ret_uid)
{
    PERSON_AUTO struct person *person = NULL;
    struct known_user *known;
    const uint64_t before = people_changes(directory->people);
    enum kc_status status = person_read(user, &directory->daemon->config->directory, &person);
    if (status == KC_OK)
        status = directory_take_person(directory, user, &known);
    if (people_changes(directory->people) != before)
        publish_soon(directory);
    if (status != KC_OK)
        return status;
    *ret_person = KC_TAKE(person);
    *ret_uid = known->uid;
    return KC_OK;
}

struct admin *directory_admin(const struct directory *directory)
{
    return directory->admin;
}

const char *directory_user_id(const struct directory *directory, const char *name)
{
    const struct known_user *user = people_by_name(directory->people, name);
    return user ? user->id : NULL;
}

bool directory_user_enabled(const struct directory *directory, const char *name)
{
    const struct known_user *user = people_by_name(directory->people, name);
    return user && user->enabled;
}

bool directory_user_uid(const struct directory *directory, const char *name, uint32_t *ret_uid)
{
    const struct known_user *user = people_by_name(directory->people, name);
    if (user)
        *ret_uid = user->uid;
    return user != NULL;
}

enum kc_status directory_entry_of(
    struct directory *directory, const struct person *person, struct passwd_entry *ret_entry)
{
    return directory_make_entry(directory, person,
        person->uid ? 0 : allocate_find(directory, person->id), ret_entry);
}

bool directory_is_user(const struct directory *directory, const char *name, uint32_t uid)
{
    const struct known_user *user = people_by_name(directory->people, name);
    return user && user->uid == uid;
}

const struct locals *directory_locals(const struct directory *directory)
{
    return directory->locals;
}

static void note_uid(void *userdata, struct known_user *user)
{
    uint32_t *high = userdata;
    if (user->uid > *high && !user->allocated)
        *high = user->uid;
}

void directory_highest_ids(const struct directory *directory, uint32_t *ret_uid, uint32_t *ret_gid)
{
    const uint32_t last = directory->daemon->bounds->ids.last;
    *ret_uid = bindings_highest(directory->bindings, STATE_UIDS, last);
    *ret_gid = bindings_highest(directory->bindings, STATE_GIDS, last);
    people_walk(directory->people, note_uid, ret_uid);
    for (size_t i = 0; i < directory->groups.count; i++)
        if (directory->groups.items[i].gid > *ret_gid)
            *ret_gid = directory->groups.items[i].gid;
}

bool directory_clock_set_back(const struct directory *directory)
{
    return directory->clock_set_back;
}

struct sight *directory_sight(const struct directory *directory)
{
    return directory->sight;
}

void directory_set_gids(
    struct directory *directory, struct known_user *user, uint32_t *gids, uint32_t count,
    uint32_t until)
{
    free(user->gids);
    user->gids = gids;
    user->gid_count = count;
    user->gids_until = until;
    publish_fresh(directory, user->fresh + 1, user->gids_until);
}

static bool is_uid(void *userdata, uint32_t uid)
{
    return uid == *(const uint32_t *)userdata;
}

void directory_drop_member(struct directory *directory, uint32_t uid)
{
    groups_drop_members(&directory->groups, is_uid, &uid);
    if (directory->judged_by != &directory->groups)
        groups_drop_members(directory->judged_by, is_uid, &uid);
}

void directory_forget(struct directory *directory, struct known_user *user)
{
    directory_drop_member(directory, user->uid);
    owner_release(directory, user);
    publish_soon(directory);
}

/* --- the object --- */

/* Before the host's start is below 0; what was never known stays so. */
static int64_t aged(int64_t until, int64_t seconds)
{
    return until == 0 ? 0 : until - seconds;
}

static void age_user(void *userdata, struct known_user *user)
{
    const int64_t *seconds = userdata;
    user->until = aged(user->until, *seconds);
    user->gids_until = aged(user->gids_until, *seconds);
}

/* All that is known is older by the sleep's length, and so much of its grace is over. */
static void on_slept(void *userdata, int64_t seconds)
{
    struct directory *directory = userdata;
    snapshot_age(directory->snapshot, seconds);
    people_walk(directory->people, age_user, &seconds);
    directory->groups_until = aged(directory->groups_until, seconds);
    absent_clear(directory->absent);
    log_line(LOG_NOTICE, "directory result=stale reason=slept");
    directory->sweep_next_us = 0;
    if (!directory->sweep)
        directory_sweep_now(directory);
}

static void on_locals(void *userdata)
{
    precedence_apply(userdata);
}

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
        status = sight_new(directory, &directory->sight);
    if (status == KC_OK)
        status = locals_new(daemon->event, daemon->paths.passwd, daemon->paths.group, on_locals,
            directory, &directory->locals);
    if (status == KC_OK)
        status = upkeep_new(directory, &directory->upkeep);
    if (status == KC_OK)
        status = wake_new(daemon->event, on_slept, directory, &directory->wake);
    if (status == KC_OK)
        status = shells_read("/etc/shells", &directory->shells);
    if (status == KC_OK)
        status = bindings_new(&directory->bindings);
    if (status == KC_OK)
        status = claims_new(&directory->claims);
    if (status == KC_OK)
        status = publish_init(directory, folder);
    if (status == KC_OK)
        status = remember_new(directory);
    if (status == KC_OK)
        status = recall_all(directory);
    if (status == KC_OK)
        status = schedule_init(directory);
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
    if (directory->sight)
        sight_reset(directory->sight);
    if (directory->upkeep)
        upkeep_reset(directory->upkeep);
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
    remember_free(directory);
    allocate_free(directory);
    publish_free(directory);
    admin_free(directory->admin);
    sight_free(directory->sight);
    locals_free(directory->locals);
    wake_free(directory->wake);
    upkeep_free(directory->upkeep);
    groups_clear(&directory->groups);
    people_free(directory->people);
    bindings_free(directory->bindings);
    claims_free(directory->claims);
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
        schedule_after(directory, status);
        return status;
    }
    struct admin *before = directory->admin;
    directory->admin = admin;
    admin_free(before); /* whose askers may ask the new one at once */
    set_policy(directory);
    schedule_sweep(directory);
    return KC_OK;
}

void directory_status(const struct directory *directory, struct directory_report *ret_report)
{
    *ret_report = directory->report;
    ret_report->ready = directory->ready;
    ret_report->users = people_count(directory->people);
    ret_report->groups = directory->groups.count;
}
