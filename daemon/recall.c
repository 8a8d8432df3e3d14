/*
 * What the last run of the daemon knew, read from state.db at the start.
 * A part of the directory; remember.c has written it.
 * Must never trust what is kept for longer than if the daemon had run on, nor serve what this
 * host's configuration would not let in today.
 */
#include "common/name.h"
#include "daemon/directory_internal.h"
#include "daemon/log.h"
#include "daemon/state_db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct recall {
    struct directory *directory;
    bool trusted;      /* the clock has not been set back */
    bool groups;       /* the groups are those of this configuration */
    int64_t now;       /* epoch */
    int64_t offset;    /* of the epoch's seconds to CLOCK_MONOTONIC's */
    int64_t swept;     /* until then the last sweep is fresh, CLOCK_MONOTONIC */
};

/* Seconds of CLOCK_MONOTONIC, maybe before the host's start; 0: neither fresh nor stale, ever. */
static int64_t until_of(const struct recall *recall, int64_t epoch)
{
    const int64_t ttl = recall->directory->daemon->config->directory.found_ttl;
    if (!recall->trusted || epoch == 0)
        return 0;
    const int64_t until = (epoch < recall->now + ttl ? epoch : recall->now + ttl) - recall->offset;
    return until == 0 ? -1 : until;
}

static int64_t later(int64_t a, int64_t b)
{
    return a == 0 ? b : b == 0 ? a : a > b ? a : b;
}

/* A clock that is behind what was written was set back: nobody knows how old things are. */
static enum kc_status take_realm(struct recall *recall, const struct state_row *row)
{
    recall->trusted = recall->now >= row->gids_until;
    recall->directory->clock_set_back = !recall->trusted;
    recall->groups = row->gid == remember_served(recall->directory);
    recall->swept = until_of(recall, row->until);
    if (!recall->trusted)
        log_line(LOG_WARNING, "state result=ok detail=\"the clock has been set back: nobody who "
                              "was known is served before the realm has answered\"");
    return KC_OK;
}

static enum kc_status take_group(struct recall *recall, const struct state_row *row)
{
    struct directory *directory = recall->directory;
    if (!recall->groups || !kc_bounds_id(directory->daemon->bounds, row->number) ||
        locals_have_name(directory->locals, row->name) ||
        locals_have_gid(directory->locals, row->number)) {
        remember_no_more(directory, STATE_GROUPS, row->id);
        return KC_OK;
    }
    return groups_add(&directory->groups, row->name, row->id, row->number, true);
}

/* Whether the entry is one that could be made today. */
static bool make_entry(
    const struct directory *directory, const struct state_row *row, struct passwd_entry *entry)
{
    const struct passwd_entry_rules rules = {
        .directory = &directory->daemon->config->directory,
        .bounds = directory->daemon->bounds,
        .shells = (const char *const *)directory->shells,
    };
    *entry = (struct passwd_entry){.uid = row->number, .gid = row->gid};
    if (!kc_name_valid_user(row->name, strlen(row->name)))
        return false;
    snprintf(entry->name, sizeof entry->name, "%s", row->name);
    snprintf(entry->gecos, sizeof entry->gecos, "%s", row->gecos);
    snprintf(entry->home, sizeof entry->home, "%s", row->home);
    snprintf(entry->shell, sizeof entry->shell, "%s", row->shell);
    return passwd_entry_fits(entry, &rules);
}

/* The groups of a user, those that are still served. */
static enum kc_status take_gids(
    struct recall *recall, const struct state_row *row, struct known_user *user)
{
    if (!recall->groups || row->gids_until == 0)
        return KC_OK;
    user->gids = calloc(row->gid_count + 1u, sizeof *user->gids);
    if (!user->gids)
        return KC_NO_MEMORY;
    for (uint32_t i = 0; i < row->gid_count; i++)
        if (group_by_gid(&recall->directory->groups, row->gids[i]))
            user->gids[user->gid_count++] = row->gids[i];
    user->gids_until = until_of(recall, row->gids_until);
    if (recall->directory->daemon->config->groups.members)
        user->gids_until = later(user->gids_until, recall->swept);
    return KC_OK;
}

static enum kc_status take_user(struct recall *recall, const struct state_row *row)
{
    struct directory *directory = recall->directory;
    struct passwd_entry entry;
    struct known_user *user;
    if (!make_entry(directory, row, &entry) || directory_judge_entry(directory, &entry) != KC_OK) {
        remember_no_more(directory, STATE_USERS, row->id);
        return KC_OK;
    }
    enum kc_status status = people_put(directory->people, row->id, &entry, row->enabled, &user);
    if (status == KC_ENTRY_NAME_TAKEN || status == KC_ENTRY_ID_TAKEN)
        return KC_OK; /* nobody has written this */
    if (status != KC_OK)
        return status;
    user->swept = row->swept;
    user->until = until_of(recall, row->until);
    if (row->swept)
        user->until = later(user->until, recall->swept);
    return take_gids(recall, row, user);
}

/* --- whose names and numbers are --- */

static enum kc_status keep(struct recall *recall, const struct state_row *row)
{
    return bindings_put(recall->directory->bindings, row, true);
}

static void count_number(struct directory *directory, const struct state_row *row)
{
    if (row->allocated && (directory->next_uid == 0 || row->number <= directory->next_uid))
        directory->next_uid = row->number - 1;
}

/* A user whose name or number is bound to another was on its way out when the daemon ended. */
static enum kc_status take_name(struct recall *recall, const struct state_row *row)
{
    struct people *people = recall->directory->people;
    struct known_user *user = people_by_name(people, row->name);
    if (user && !row->group && strcmp(user->id, row->id) == 0) {
        user->bound = true;
        return KC_OK;
    }
    if (user)
        people_remove(people, user);
    return keep(recall, row);
}

static enum kc_status keep_name(struct recall *recall, const struct known_user *user)
{
    const struct state_row row = {.table = STATE_NAMES, .name = user->name, .id = user->id};
    return keep(recall, &row);
}

static enum kc_status take_uid(struct recall *recall, const struct state_row *row)
{
    struct people *people = recall->directory->people;
    struct known_user *user = people_by_uid(people, row->number);
    count_number(recall->directory, row);
    if (user && strcmp(user->id, row->id) == 0) {
        user->allocated = row->allocated;
        return KC_OK;
    }
    if (user) {
        const enum kc_status status = user->bound ? keep_name(recall, user) : KC_OK;
        if (status != KC_OK)
            return status;
        people_remove(people, user);
    }
    return keep(recall, row);
}

/* Groups are all there before the first user comes. */
static enum kc_status take_row(void *userdata, const struct state_row *row)
{
    struct recall *recall = userdata;
    struct known_groups *groups = &recall->directory->groups;
    if (row->table > STATE_GROUPS && groups->count > 0 && !groups->by_id) {
        const enum kc_status status = groups_settle(groups);
        if (status != KC_OK)
            return status;
    }
    switch (row->table) {
    case STATE_REALM:
        return take_realm(recall, row);
    case STATE_GROUPS:
        return take_group(recall, row);
    case STATE_USERS:
        return take_user(recall, row);
    case STATE_NAMES:
        return take_name(recall, row);
    case STATE_UIDS:
        return take_uid(recall, row);
    default:
        return keep(recall, row);
    }
}

/* --- what comes of it --- */

static void publish_user(void *userdata, struct known_user *user)
{
    struct directory *directory = userdata;
    user->fresh = publish_new_words(directory, false, user->name);
    publish_fresh(directory, user->fresh, user->until);
    publish_fresh(directory, user->fresh + 1, user->gids_until);
    for (uint32_t i = 0; i < user->gid_count; i++) {
        struct known_group *group = group_by_gid(&directory->groups, user->gids[i]);
        if (group && group_add_member(group, user->uid) != KC_OK)
            log_line(LOG_ERR, "state result=failed reason=no-memory");
    }
    if (user->bound)
        remember_loaded(user);
    else
        remember_user(directory, user);
}

static void publish_groups(struct directory *directory)
{
    for (size_t i = 0; i < directory->groups.count; i++) {
        struct known_group *group = &directory->groups.items[i];
        group->fresh = publish_new_words(directory, true, group->name);
        remember_loaded_group(group);
        owner_bind_group(directory, group);
        publish_fresh(directory, group->fresh, directory->groups_until);
        publish_fresh(directory, group->fresh + 1, directory->groups_until);
    }
}

/* Who is bound and was not read would be overwritten by a namesake. */
static void stop_remembering(struct directory *directory, enum kc_status status)
{
    log_line(LOG_ERR,
        "state result=%s reason=%s detail=\"not all of it could be read: before the next start "
        "nothing is written and no number given out\"",
        kc_class_word(kc_status_class(status)), kc_status_word(status));
    remember_drop(directory);
}

enum kc_status recall_all(struct directory *directory)
{
    struct recall recall = {
        .directory = directory,
        .now = (int64_t)time(NULL),
        .offset = (int64_t)time(NULL) - directory_now(),
    };
    if (!directory->daemon->state)
        return KC_OK;
    if (directory->daemon->config->directory.allocate == CONFIG_ALLOCATE_HOST &&
        state_is_held(directory->daemon->state))
        log_line(LOG_WARNING, "state result=ok detail=\"no number is given out: " STATE_DB_DAMAGED
                              " lies there\" advice=\"restore a copy, or remove it\"");
    const enum kc_status status = state_load(
        directory->daemon->state, directory->daemon->config->realm.issuer, take_row, &recall);
    if (status != KC_OK && status != KC_NO_MEMORY)
        stop_remembering(directory, status);
    if (status == KC_NO_MEMORY ||
        (!directory->groups.by_id && groups_settle(&directory->groups) != KC_OK))
        return KC_NO_MEMORY;
    if (directory->groups.count > 0)
        directory->groups_until = recall.swept;
    publish_groups(directory);
    people_walk(directory->people, publish_user, directory);
    for (size_t i = 0; i < directory->groups.count; i++)
        group_settle_members(&directory->groups.items[i]);
    if (people_count(directory->people) > 0)
        publish_soon(directory);
    return KC_OK;
}
