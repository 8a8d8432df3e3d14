/*
 * The sweep: all served groups and their members, learned anew as a whole, a few lists at a time.
 * Used by directory.c, one at a time.
 * Must never put a group in force before all members are read, nor begin for a client that may see
 * nobody. Users are taken in as they come.
 */
#include "daemon/access_rule.h"
#include "daemon/clock.h"
#include "daemon/sweep_internal.h"

#include <stdlib.h>

#define PATH_SIZE 2048u
#define REQUEST_US (10 * CLOCK_SECOND_US)
#define LISTS_AT_ONCE 4u /* look-ups of people have the other connections */

static const struct config *config_of(const struct sweep *sweep)
{
    return sweep->directory->daemon->config;
}

void sweep_free(struct sweep *sweep)
{
    struct list *list;
    if (!sweep)
        return;
    while ((list = LIST_FIRST(&sweep->running)))
        list_free(list);
    while ((list = STAILQ_FIRST(&sweep->waiting))) {
        STAILQ_REMOVE_HEAD(&sweep->waiting, next);
        list_free(list);
    }
    sight_cancel(&sweep->sight);
    sweep->directory->judged_by = &sweep->directory->groups;
    groups_clear(&sweep->groups);
    free(sweep);
}

static void finish(struct sweep *sweep, enum kc_status status, const char *detail)
{
    struct directory *directory = sweep->directory;
    const uint32_t begun = sweep->begun;
    directory->judged_by = &directory->groups;
    for (size_t i = 0; i < sweep->groups.count && status == KC_OK; i++) {
        struct known_group *group = &sweep->groups.items[i];
        const struct known_group *before = group_by_name(&directory->groups, group->name);
        group->fresh = before ? before->fresh : publish_new_words(directory, true, group->name);
        group_settle_members(group);
    }
    if (status == KC_OK) {
        remember_groups(directory, &sweep->groups);
        groups_clear(&directory->groups);
        directory->groups = sweep->groups;
        sweep->groups = (struct known_groups){0};
    }
    directory->sweep = NULL;
    sweep_free(sweep);
    sweep_done(directory, status, detail, begun);
}

/* --- which list is next --- */

/* Items of `serve`, of `name.NAME`, and groups that access rules name. */
static enum kc_status begin_groups(struct sweep *sweep)
{
    const struct config *config = config_of(sweep);
    enum kc_status status = KC_OK;
    for (size_t i = 0; i < config->groups.serve.count && status == KC_OK; i++) {
        const char *item = config->groups.serve.items[i];
        const bool children = served_is_children(item);
        status = list_wait(sweep, LIST_GROUP, item, children, false);
    }
    for (size_t i = 0; i < config->groups.names.count && status == KC_OK; i++)
        status = list_wait(sweep, LIST_GROUP, config->groups.names.items[i].value, false, false);
    return status;
}

static enum kc_status prefetch_rules(struct sweep *sweep, const struct kc_list *rules)
{
    struct access_rule rule;
    enum kc_status status = KC_OK;
    for (size_t i = 0; i < rules->count && status == KC_OK; i++)
        if (!access_rule_parse(rules->items[i], &rule) && rule.kind == ACCESS_GROUP)
            status = list_wait(sweep, LIST_GROUP, rule.value, false, true);
    return status;
}

/* Whoever may log in is known beforehand. */
static enum kc_status begin_prefetch(struct sweep *sweep)
{
    const struct config *config = config_of(sweep);
    enum kc_status status = KC_OK;
    for (size_t i = 0; i < config->access_count && status == KC_OK; i++) {
        status = prefetch_rules(sweep, &config->access[i].allow);
        if (status == KC_OK)
            status = prefetch_rules(sweep, &config->access[i].require);
    }
    return status;
}

/* The next group whose members are of interest; NULL: there is no more. */
static const char *next_members(struct sweep *sweep)
{
    const struct known_groups *groups = &sweep->groups;
    const bool members = config_of(sweep)->groups.members;
    if (!members && sweep->next < groups->count)
        sweep->next = groups->count;
    if (sweep->next < groups->count)
        return groups->items[sweep->next++].id;
    while (sweep->next - groups->count < groups->link_count) {
        const struct group_link *link = &groups->links[sweep->next++ - groups->count];
        const bool read_already = members && group_by_id(groups, link->id);
        if (!read_already && (members || link->prefetch))
            return link->id;
    }
    return NULL;
}

/* The list that begins next; NULL: there is none just now. */
static enum kc_status next_list(struct sweep *sweep, struct list **ret_list)
{
    struct list *list = STAILQ_FIRST(&sweep->waiting);
    *ret_list = list;
    if (list) {
        STAILQ_REMOVE_HEAD(&sweep->waiting, next);
        return KC_OK;
    }
    if (!sweep->members_stage)
        return KC_OK;
    const char *id = next_members(sweep);
    if (id)
        return list_new(sweep, LIST_MEMBERS, id, ret_list);
    if (config_of(sweep)->directory.enumerate && !sweep->users_asked) {
        sweep->users_asked = true;
        return list_new(sweep, LIST_USERS, "", ret_list);
    }
    return KC_OK;
}

/* All groups are there: from now on users are judged by them. */
static enum kc_status begin_members(struct sweep *sweep)
{
    const enum kc_status status = groups_settle(&sweep->groups);
    if (status != KC_OK)
        return status;
    sweep->members_stage = true;
    sweep->directory->judged_by = &sweep->groups;
    directory_named(sweep->directory);
    return KC_OK;
}

/* --- requests --- */

static void on_answer(
    void *userdata, enum kc_status status, const char *detail, const struct json_object *answer);

/* Takes the list. */
static enum kc_status ask(struct list *list)
{
    struct sweep *sweep = list->sweep;
    char path[PATH_SIZE] = "";
    enum kc_status status = list_path(list, path, sizeof path);
    if (status == KC_OK)
        status = allocate_get(
            sweep->directory, path, clock_us() + REQUEST_US, on_answer, list, &list->request);
    if (status != KC_OK) {
        list->request = NULL;
        list_free(list);
        return status;
    }
    LIST_INSERT_HEAD(&sweep->running, list, link);
    sweep->running_count++;
    return KC_OK;
}

static void on_sight_again(void *userdata, enum kc_status status, const char *detail)
{
    finish(userdata, status, detail);
}

/* What was not there is believed while the realm shows this client who is. */
static void end(struct sweep *sweep, enum kc_status status)
{
    if (status == KC_OK && sweep->missed) {
        status = sight_prove(sweep->directory->sight, &sweep->sight, on_sight_again, sweep);
        if (status == KC_OK)
            return;
    }
    finish(sweep, status, "");
}

/* The next requests, or the end. */
static void step(struct sweep *sweep)
{
    enum kc_status status = KC_OK;
    struct list *list = NULL;
    while (status == KC_OK && sweep->running_count < LISTS_AT_ONCE) {
        status = next_list(sweep, &list);
        if (status == KC_OK && list)
            status = ask(list);
        else if (status == KC_OK && sweep->running_count == 0 && !sweep->members_stage)
            status = begin_members(sweep);
        else
            break;
    }
    if (status != KC_OK || (sweep->running_count == 0 && !list))
        end(sweep, status);
}

static void on_answer(
    void *userdata, enum kc_status status, const char *detail, const struct json_object *answer)
{
    struct list *list = userdata;
    struct sweep *sweep = list->sweep;
    bool last;
    list->request = NULL;
    LIST_REMOVE(list, link);
    sweep->running_count--;
    status = list_take(list, status, answer, &last);
    if (status != KC_OK || last)
        list_free(list);
    else
        STAILQ_INSERT_HEAD(&sweep->waiting, list, next);
    if (status != KC_OK)
        finish(sweep, status, detail);
    else
        step(sweep);
}

static void on_sight(void *userdata, enum kc_status status, const char *detail)
{
    struct sweep *sweep = userdata;
    if (status == KC_OK)
        status = begin_groups(sweep);
    if (status == KC_OK)
        status = begin_prefetch(sweep);
    if (status != KC_OK)
        finish(sweep, status, detail);
    else
        step(sweep);
}

enum kc_status sweep_begin(struct directory *directory)
{
    struct sweep *sweep = calloc(1, sizeof *sweep);
    if (!sweep)
        return KC_NO_MEMORY;
    sweep->directory = directory;
    sweep->begun = directory_now();
    STAILQ_INIT(&sweep->waiting);
    LIST_INIT(&sweep->running);
    locals_look(directory->locals);
    const enum kc_status status = sight_prove(directory->sight, &sweep->sight, on_sight, sweep);
    if (status != KC_OK) {
        sweep_free(sweep);
        return status;
    }
    directory->sweep = sweep;
    return KC_OK;
}
