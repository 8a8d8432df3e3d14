/*
 * ASSIGN: who is asked, what is read, what is written, one step after the other.
 * Used by connection.c. assign_plan.c decides, administrator.c speaks to the realm.
 * Must never write where a list was asked for, nor go on after an answer that it does not understand.
 */
#include "daemon/assign.h"

#include "daemon/admin.h"
#include "daemon/administrator.h"
#include "daemon/assign_plan.h"
#include "daemon/assign_report.h"
#include "daemon/clock.h"
#include "daemon/directory.h"
#include "daemon/log.h"
#include "daemon/oauth_error.h"
#include "daemon/person.h"
#include "jose/json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define PAGE 100u
#define PATH_SIZE 1024u
#define STARTS_MAX 3u         /* of the users' list, where it moves while it is read */
#define REFUSALS_MAX 20u
#define PROGRESS_US (2 * CLOCK_SECOND_US)

enum stage {
    STAGE_NAME,     /* the person is asked for */
    STAGE_PASSWORD, /* likewise */
    STAGE_LOGIN,
    STAGE_GROUPS, /* all of the realm, level by level */
    STAGE_USERS,  /* all, page by page */
    STAGE_READ,   /* an item, once more */
    STAGE_WRITE,
    STAGE_LOOK, /* whether the realm has kept it */
};

struct assignment {
    struct connection *connection;
    struct daemon *daemon;
    struct config *config;
    struct kc_wire_order order;
    enum stage stage;
    char name[KC_USER_MAX];
    struct administrator *administrator;
    bool logged_in;
    sd_event_source *timer; /* of a question */
    struct assign_plan plan;
    char **parents; /* groups whose children are to be read; the last one is next */
    size_t parent_count;
    char *parent; /* whose children are read; NULL: the top */
    unsigned first;
    char *last;      /* the id of the last user of the page before */
    unsigned starts; /* of the users' list */
    size_t item;     /* of the plan */
    size_t written, refused;
    struct json_object *wanted; /* what is to be there after the PUT */
    uint64_t told_us;
    struct assign_report report;
};

static void assignment_free(struct assignment *assignment)
{
    assignment->daemon->assigning = false;
    sd_event_source_disable_unref(assignment->timer);
    administrator_free(assignment->administrator);
    assign_plan_clear(&assignment->plan);
    for (size_t i = 0; i < assignment->parent_count; i++)
        free(assignment->parents[i]);
    free(assignment->parents);
    free(assignment->parent);
    free(assignment->last);
    json_object_put(assignment->wanted);
    config_unref(assignment->config);
    free(assignment);
}

static void log_end(const struct assignment *assignment, enum kc_status status, const char *detail)
{
    char name[LOG_VALUE_SIZE], client[LOG_VALUE_SIZE], words[LOG_VALUE_SIZE];
    log_line(status == KC_OK ? LOG_NOTICE : LOG_ERR,
        "assign administrator=%s client=%s result=%s reason=%s write=%s missing=%zu written=%zu "
        "refused=%zu%s%s",
        assignment->logged_in ? log_value(assignment->name, name) : "unknown",
        log_value(assignment->order.client, client), kc_class_word(kc_status_class(status)),
        kc_status_word(status), assignment->order.write ? "yes" : "no", assignment->plan.count,
        assignment->written, assignment->refused, *detail ? " detail=" : "",
        *detail ? log_value(detail, words) : "");
}

/* The last word, with everything that is to be said. */
static void finish(struct assignment *assignment, enum kc_status status, const char *detail)
{
    struct connection *connection = assignment->connection;
    struct kc_wire_reply reply = {.type = KC_WIRE_DONE, .class = kc_status_class(status)};
    const struct assign_result result = {.plan = &assignment->plan,
        .config = assignment->config,
        .write = assignment->order.write,
        .written = assignment->written,
        .refused = assignment->refused,
        .status = status,
        .detail = detail,
        .item = assignment->stage >= STAGE_READ && assignment->item < assignment->plan.count
                    ? &assignment->plan.items[assignment->item]
                    : NULL};
    log_end(assignment, status, detail);
    assign_report_end(&assignment->report, &result);
    snprintf(reply.word, sizeof reply.word, "%s", kc_status_word(status));
    reply.report =
        (struct kc_view){(const uint8_t *)assignment->report.text, assignment->report.length};
    connection_reply(connection, &reply);
    connection_set_assignment(connection, NULL);
    assignment_free(assignment);
}

/* --- what is asked for --- */

static struct assign_rules rules_of(const struct assignment *assignment)
{
    return (struct assign_rules){.config = assignment->config,
        .bounds = assignment->daemon->bounds,
        .locals = directory_locals(assignment->daemon->directory)};
}

static const char *attribute_of(const struct assignment *assignment, const struct assign_item *item)
{
    const struct config_directory *directory = &assignment->config->directory;
    return item->is_group ? directory->gid_attribute : directory->uid_attribute;
}

static enum kc_status get_groups(struct assignment *assignment)
{
    char path[PATH_SIZE] = "/groups";
    enum kc_status status = KC_OK;
    if (assignment->parent) {
        snprintf(path, sizeof path, "/groups/");
        status = admin_escape(assignment->parent, path, sizeof path);
    }
    const size_t length = strlen(path);
    if (status == KC_OK &&
        snprintf(path + length, sizeof path - length,
            "%s?briefRepresentation=false&first=%u&max=%u", assignment->parent ? "/children" : "",
            assignment->first, PAGE) >= (int)(sizeof path - length))
        status = KC_TOO_LARGE;
    return status == KC_OK ? administrator_get(assignment->administrator, path) : status;
}

/* Each page begins with the last user of the one before: else somebody would be missed when
 * another one before them goes. */
static enum kc_status get_users(struct assignment *assignment)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/users?briefRepresentation=false&first=%u&max=%u",
        assignment->first, PAGE);
    return administrator_get(assignment->administrator, path);
}

static enum kc_status item_path(const struct assign_item *item, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, item->is_group ? "/groups/" : "/users/");
    return admin_escape(item->id, path, PATH_SIZE);
}

static enum kc_status get_item(struct assignment *assignment, enum stage stage)
{
    char path[PATH_SIZE];
    const enum kc_status status =
        item_path(&assignment->plan.items[assignment->item], path);
    assignment->stage = stage;
    return status == KC_OK ? administrator_get(assignment->administrator, path) : status;
}

/* --- what comes --- */

static void tell_progress(struct assignment *assignment)
{
    char text[KC_TEXT_MAX];
    const uint64_t now = clock_us();
    if (now < assignment->told_us + PROGRESS_US)
        return;
    assignment->told_us = now;
    if (assignment->stage >= STAGE_READ)
        snprintf(text, sizeof text, "%zu of %zu written", assignment->written,
            assignment->plan.count);
    else
        snprintf(text, sizeof text, "%zu groups and %zu users read", assignment->plan.groups,
            assignment->plan.users);
    connection_show(assignment->connection, KC_SHOW_INFO, text);
}

static enum kc_status add_parent(struct assignment *assignment, const struct json_object *group)
{
    const char *id;
    int64_t children = 0;
    if (jose_json_int64(group, "subGroupCount", &children) != KC_OK || children <= 0)
        return KC_OK;
    if (jose_json_string(group, "id", PERSON_ID_MAX, &id, NULL) != KC_OK)
        return KC_ANSWER_MALFORMED;
    if (assignment->parent_count >= ASSIGN_ITEMS_MAX)
        return KC_ANSWER_TOO_LARGE;
    char **longer =
        realloc(assignment->parents, (assignment->parent_count + 1) * sizeof *longer);
    if (!longer)
        return KC_NO_MEMORY;
    assignment->parents = longer;
    char *copy = strdup(id);
    if (!copy)
        return KC_NO_MEMORY;
    longer[assignment->parent_count++] = copy; /* with the others: lint: -Wanalyzer-malloc-leak */
    return KC_OK;
}

static enum kc_status begin_users(struct assignment *assignment)
{
    assignment->stage = STAGE_USERS;
    assignment->first = 0;
    assignment->starts++;
    free(KC_TAKE(assignment->last));
    return get_users(assignment);
}

static enum kc_status take_groups(struct assignment *assignment, const struct json_object *page)
{
    const struct assign_rules rules = rules_of(assignment);
    const size_t count = json_object_array_length(page);
    enum kc_status status = KC_OK;
    for (size_t i = 0; i < count && status == KC_OK; i++) {
        const struct json_object *group = json_object_array_get_idx(page, i);
        status = assign_plan_group(&assignment->plan, &rules, group);
        if (status == KC_OK)
            status = add_parent(assignment, group);
    }
    if (status != KC_OK)
        return status;
    assignment->first += PAGE;
    if (count < PAGE) {
        assignment->first = 0;
        free(KC_TAKE(assignment->parent));
        if (assignment->parent_count == 0)
            return begin_users(assignment);
        assignment->parent = assignment->parents[--assignment->parent_count];
    }
    return get_groups(assignment);
}

/* All users are there: numbers are chosen, and a list is all that was asked for, or not. */
static enum kc_status begin_items(struct assignment *assignment, bool *ret_done)
{
    const struct assign_rules rules = rules_of(assignment);
    uint32_t uid = 0, gid = 0;
    if (assignment->plan.users == 0)
        return KC_DIRECTORY_FORBIDDEN; /* who may see nobody gets an empty list */
    directory_highest_ids(assignment->daemon->directory, &uid, &gid);
    assign_plan_note(&assignment->plan, &rules, uid, gid);
    const enum kc_status status = assign_plan_choose(&assignment->plan, &rules);
    *ret_done = !assignment->order.write || assignment->plan.count == 0;
    if (status != KC_OK || *ret_done)
        return status;
    return get_item(assignment, STAGE_READ);
}

/* The list begins anew where the user at the seam is another: somebody has come or gone. */
static enum kc_status start_over(struct assignment *assignment)
{
    size_t groups = 0;
    if (assignment->starts >= STARTS_MAX)
        return KC_BUSY;
    while (groups < assignment->plan.count && assignment->plan.items[groups].is_group)
        groups++;
    for (size_t i = groups; i < assignment->plan.count; i++) {
        free(assignment->plan.items[i].id);
        free(assignment->plan.items[i].label);
    }
    assignment->plan.count = groups;
    assignment->plan.users = assignment->plan.no_gid = 0;
    assignment->plan.local = assignment->plan.no_name = 0;
    return begin_users(assignment);
}

static bool fits_seam(const struct assignment *assignment, const struct json_object *user)
{
    const char *id;
    return jose_json_string(user, "id", PERSON_ID_MAX, &id, NULL) == KC_OK &&
           strcmp(id, assignment->last) == 0;
}

static enum kc_status take_users(
    struct assignment *assignment, const struct json_object *page, bool *ret_done)
{
    const struct assign_rules rules = rules_of(assignment);
    const size_t count = json_object_array_length(page);
    const size_t seam = assignment->last ? 1 : 0;
    enum kc_status status = KC_OK;
    if (seam && (count == 0 || !fits_seam(assignment, json_object_array_get_idx(page, 0))))
        return start_over(assignment);
    for (size_t i = seam; i < count && status == KC_OK; i++)
        status = assign_plan_user(&assignment->plan, &rules, json_object_array_get_idx(page, i));
    if (status != KC_OK)
        return status;
    if (count < PAGE)
        return begin_items(assignment, ret_done);
    const char *id;
    if (jose_json_string(json_object_array_get_idx(page, count - 1), "id", PERSON_ID_MAX, &id,
            NULL) != KC_OK)
        return KC_ANSWER_MALFORMED;
    free(assignment->last);
    assignment->last = strdup(id);
    assignment->first += PAGE - 1;
    return assignment->last ? get_users(assignment) : KC_NO_MEMORY;
}

/* --- one after the other is written --- */

static enum kc_status next_item(struct assignment *assignment, bool *ret_done)
{
    json_object_put(KC_TAKE(assignment->wanted));
    assignment->item++;
    tell_progress(assignment);
    *ret_done = assignment->item == assignment->plan.count;
    return *ret_done ? KC_OK : get_item(assignment, STAGE_READ);
}

static enum kc_status write_item(struct assignment *assignment, const struct json_object *found)
{
    const struct assign_item *item = &assignment->plan.items[assignment->item];
    JOSE_AUTO_JSON struct json_object *body = NULL;
    char path[PATH_SIZE];
    enum kc_status status =
        assign_change(found, item, attribute_of(assignment, item), &assignment->wanted);
    if (status == KC_OK)
        status = assign_body(assignment->wanted, &body);
    if (status == KC_OK)
        status = item_path(item, path);
    assignment->stage = STAGE_WRITE;
    return status == KC_OK ? administrator_put(assignment->administrator, path, body) : status;
}

static enum kc_status look_at_item(
    struct assignment *assignment, const struct json_object *found, bool *ret_done)
{
    const struct assign_item *item = &assignment->plan.items[assignment->item];
    const enum kc_status status =
        assign_compare(assignment->wanted, found, item, attribute_of(assignment, item));
    if (status != KC_OK)
        return status;
    assignment->written++;
    assign_report_item(&assignment->report, item, attribute_of(assignment, item), NULL);
    return next_item(assignment, ret_done);
}

/* What is this one's alone is noted, and the others have their turn. */
static enum kc_status refuse_item(
    struct assignment *assignment, const char *why, bool *ret_done)
{
    const struct assign_item *item = &assignment->plan.items[assignment->item];
    assignment->refused++;
    assign_report_item(&assignment->report, item, attribute_of(assignment, item), why);
    if (assignment->refused >= REFUSALS_MAX)
        return KC_HTTP_BAD_REQUEST;
    return next_item(assignment, ret_done);
}

static enum kc_status take_list(
    struct assignment *assignment, const struct json_object *page, bool *ret_done)
{
    if (!json_object_is_type(page, json_type_array))
        return KC_ANSWER_MALFORMED;
    tell_progress(assignment);
    return assignment->stage == STAGE_GROUPS ? take_groups(assignment, page)
                                             : take_users(assignment, page, ret_done);
}

static enum kc_status take(
    struct assignment *assignment, const struct json_object *answer, bool *ret_done)
{
    switch (assignment->stage) {
    case STAGE_LOGIN:
        assignment->logged_in = true;
        assignment->stage = STAGE_GROUPS;
        return get_groups(assignment);
    case STAGE_GROUPS:
    case STAGE_USERS:
        return take_list(assignment, answer, ret_done);
    case STAGE_READ:
        return write_item(assignment, answer);
    case STAGE_WRITE:
        return get_item(assignment, STAGE_LOOK);
    default:
        return look_at_item(assignment, answer, ret_done);
    }
}

static void on_step(
    void *userdata, enum kc_status status, const char *detail, const struct json_object *answer)
{
    struct assignment *assignment = userdata;
    const enum stage stage = assignment->stage;
    bool done = false;
    if (!assignment->daemon->directory)
        status = KC_NOT_READY; /* switched off meanwhile */
    if (status == KC_OK)
        status = take(assignment, answer, &done);
    else if (status == KC_NOT_FOUND && stage == STAGE_READ)
        status = refuse_item(assignment, "is not there any more", &done);
    else if (status == KC_HTTP_BAD_REQUEST && stage == STAGE_WRITE)
        status = refuse_item(assignment, detail, &done);
    else if (status == KC_UNANSWERED && stage == STAGE_WRITE)
        status = get_item(assignment, STAGE_LOOK); /* the realm itself says whether it was made */
    if (status == KC_HTTP_FORBIDDEN)
        status = KC_NOT_AUTHORIZED;
    if (status != KC_OK || done)
        finish(assignment, status, status == KC_OK ? "" : detail);
}

/* --- the person --- */

static int on_question_time(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)source, (void)now;
    finish(userdata, KC_CANCELLED, "");
    return 0;
}

static void ask(struct assignment *assignment, enum stage stage)
{
    const uint64_t limit =
        (uint64_t)assignment->config->limits.prompt_timeout * CLOCK_SECOND_US;
    assignment->stage = stage;
    sd_event_source_disable_unref(assignment->timer);
    assignment->timer = NULL;
    if (sd_event_add_time_relative(assignment->daemon->event, &assignment->timer, CLOCK_MONOTONIC,
            limit, 1000, on_question_time, assignment) < 0)
        finish(assignment, KC_NO_MEMORY, "");
    else if (stage == STAGE_NAME)
        connection_ask(
            assignment->connection, KC_ASK_ACKNOWLEDGE, true, "Administrator of the realm: ");
    else
        connection_ask(assignment->connection, KC_ASK_PASSWORD, false, "Password: ");
}

static void log_in(struct assignment *assignment, struct kc_view answer)
{
    KC_AUTO_SECRET struct kc_secret password = KC_SECRET_INIT;
    const struct administrator_login login = {
        .client = assignment->order.client, .name = assignment->name, .password = &password};
    sd_event_source_disable_unref(assignment->timer);
    assignment->timer = NULL;
    assignment->stage = STAGE_LOGIN;
    enum kc_status status = kc_secret_set(&password, answer.bytes, answer.length);
    if (status == KC_OK)
        status = administrator_begin(assignment->daemon->realm, &login, on_step, assignment,
            &assignment->administrator);
    if (status != KC_OK)
        finish(assignment, status, "");
}

void assign_answer(struct assignment *assignment, enum kc_ask_kind kind, struct kc_view answer)
{
    const enum kc_ask_kind wanted =
        assignment->stage == STAGE_NAME ? KC_ASK_ACKNOWLEDGE : KC_ASK_PASSWORD;
    if (assignment->stage > STAGE_PASSWORD || kind != wanted) {
        connection_hang_up(assignment->connection);
    } else if (assignment->stage == STAGE_PASSWORD) {
        log_in(assignment, answer);
    } else if (answer.length == 0 || answer.length >= sizeof assignment->name ||
               memchr(answer.bytes, 0, answer.length)) {
        finish(assignment, KC_CANCELLED, "");
    } else {
        memcpy(assignment->name, answer.bytes, answer.length);
        ask(assignment, STAGE_PASSWORD);
    }
}

void assign_begin(struct connection *connection, const struct kc_wire_order *order)
{
    struct daemon *daemon = connection_daemon(connection);
    enum kc_status status = !connection_privileged(connection) ? KC_NOT_AUTHORIZED
                            : !daemon->directory               ? KC_CONFIG_INVALID
                            : daemon->assigning                ? KC_BUSY
                            : !*order->client                  ? KC_PROTOCOL
                                                               : KC_OK;
    struct assignment *assignment = status == KC_OK ? calloc(1, sizeof *assignment) : NULL;
    if (status == KC_OK && !assignment)
        status = KC_NO_MEMORY;
    if (status != KC_OK) {
        connection_done(connection, status);
        return;
    }
    assignment->connection = connection;
    assignment->daemon = daemon;
    assignment->config = config_ref(daemon->config);
    assignment->order = *order;
    assignment->told_us = clock_us();
    daemon->assigning = true;
    connection_set_assignment(connection, assignment);
    ask(assignment, STAGE_NAME);
}

void assign_abandon(struct assignment *assignment)
{
    log_end(assignment, KC_CANCELLED, "");
    assignment_free(assignment);
}
