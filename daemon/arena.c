/*
 * An arena of the snapshot, built in memory from users and groups.
 * Used by snapshot.c, the bench and the tests of the reader.
 * Must never put into it what a reader would refuse.
 */
#include "daemon/arena.h"

#include "common/cleanup.h"
#include "common/name.h"

#include <stdlib.h>
#include <sys/random.h>

#define SEEDS 8 /* tried, until every search is short enough */

/* Slots for `entries`: seven in ten are taken. */
static uint64_t slots_for(uint64_t entries)
{
    return entries == 0 ? 0 : entries * 10 / 7 + 8;
}

/* Where things begin: slots, records one after the other, then lists of gids and members. */
struct plan {
    uint64_t slots[KC_INDEX_COUNT];
    uint64_t records;
    uint64_t lists;
    uint64_t size;
};

static uint64_t user_strings(const struct arena_user *user)
{
    return strlen(user->name) + strlen(user->gecos) + strlen(user->home) + strlen(user->shell) +
           sizeof "x" + 4;
}

static uint64_t list_size(uint32_t count)
{
    return (uint64_t)count * KC_SNAPSHOT_ITEM;
}

static void plan_records(const struct arena_content *content, struct plan *plan)
{
    uint64_t lists = 0;
    plan->lists = plan->records;
    for (uint32_t i = 0; i < content->user_count; i++) {
        plan->lists +=
            sizeof(struct kc_record_user) + kc_snapshot_round(user_strings(&content->users[i]));
        lists += list_size(content->users[i].gid_count);
    }
    for (uint32_t i = 0; i < content->group_count; i++) {
        plan->lists += sizeof(struct kc_record_group) +
                       kc_snapshot_round(strlen(content->groups[i].name) + 1 + sizeof "x");
        lists += list_size(content->groups[i].member_count);
    }
    for (uint32_t i = 0; i < content->local_user_count; i++)
        plan->lists +=
            sizeof(struct kc_record_user) + kc_snapshot_round(strlen(content->local_users[i]) + 1);
    for (uint32_t i = 0; i < content->local_group_count; i++)
        plan->lists += sizeof(struct kc_record_group) +
                       kc_snapshot_round(strlen(content->local_groups[i]) + 1);
    plan->size = kc_snapshot_round(plan->lists + lists);
}

static struct plan make_plan(const struct arena_content *content)
{
    struct plan plan = {
        .slots =
            {
                [KC_INDEX_USER_NAME] =
                    slots_for((uint64_t)content->user_count + content->local_user_count),
                [KC_INDEX_UID] = slots_for(content->user_count),
                [KC_INDEX_GROUP_NAME] =
                    slots_for((uint64_t)content->group_count + content->local_group_count),
                [KC_INDEX_GID] = slots_for(content->group_count),
            },
        .records = sizeof(struct kc_arena_head),
    };
    for (size_t i = 0; i < KC_INDEX_COUNT; i++)
        plan.records += plan.slots[i] * sizeof(uint64_t);
    plan_records(content, &plan);
    return plan;
}

uint64_t arena_size(const struct arena_content *content)
{
    return make_plan(content).size;
}

/* The arena under construction. */
struct builder {
    const struct arena_content *content;
    unsigned char *bytes;
    struct kc_arena_head *head;
    uint64_t at;      /* the end of the records so far */
    uint64_t lists;   /* the end of the lists so far */
    uint32_t *members; /* each user, as the groups' lists have it */
};

static uint32_t place_of(uint64_t offset)
{
    return (uint32_t)(offset / KC_SNAPSHOT_UNIT);
}

static uint32_t list_place_of(uint64_t offset)
{
    return (uint32_t)(offset / KC_SNAPSHOT_ITEM);
}

/* Takes `size` bytes, filled up to a unit; the rest of the unit is zero already. */
static void *append(struct builder *builder, const void *bytes, size_t size)
{
    void *to = builder->bytes + builder->at;
    if (size > 0)
        memcpy(to, bytes, size);
    builder->at += kc_snapshot_round(size);
    return to;
}

/* Enters a record at `offset`. KC_BUSY: its search would be too long. */
static enum kc_status enter(
    struct builder *builder, enum kc_snapshot_index index, uint64_t hash, uint64_t offset)
{
    const struct kc_snapshot_slots *slots = &builder->head->index[index];
    uint64_t *table =
        (uint64_t *)(void *)(builder->bytes + (uint64_t)slots->place * KC_SNAPSHOT_UNIT);
    uint32_t at = kc_snapshot_first_slot(hash, slots->count);
    for (unsigned probe = 0; probe < KC_SNAPSHOT_PROBES; probe++) {
        if (table[at] == 0) {
            table[at] = (uint64_t)kc_snapshot_tag(hash) << 32 | place_of(offset);
            return KC_OK;
        }
        at = at + 1 < slots->count ? at + 1 : 0;
    }
    return KC_BUSY;
}

static enum kc_status enter_name(
    struct builder *builder, enum kc_snapshot_index index, const char *name, uint64_t offset)
{
    uint64_t words[KC_SNAPSHOT_NAME_WORDS];
    kc_snapshot_name_words(name, strlen(name), words);
    return enter(builder, index, kc_snapshot_hash_name(builder->head->seed, words), offset);
}

static enum kc_status enter_id(
    struct builder *builder, enum kc_snapshot_index index, uint32_t id, uint64_t offset)
{
    return enter(builder, index, kc_snapshot_hash_id(builder->head->seed, id), offset);
}

/* Appends one of a record's strings; where it begins. */
static uint16_t put_string(char strings[], size_t *length, const char *text)
{
    const size_t at = *length;
    const size_t size = strlen(text) + 1;
    memcpy(strings + at, text, size);
    *length += size;
    return (uint16_t)at;
}

/* A user's record; its gids stand behind all records, so that users follow one another. */
static enum kc_status add_user(struct builder *builder, uint32_t number)
{
    const struct arena_user *user = &builder->content->users[number];
    const uint64_t at = builder->at;
    char strings[KC_SNAPSHOT_STRINGS_MAX];
    size_t length = 0;
    if (user_strings(user) > sizeof strings || user->gid_count > KC_SNAPSHOT_GROUPS_MAX ||
        strlen(user->name) > KC_NAME_MAX ||
        place_of(at + sizeof(struct kc_record_user)) > KC_MEMBER_PLACE_MAX)
        return KC_TOO_LARGE;
    if (user->name[0] == '\0')
        return KC_MALFORMED;
    struct kc_record_user record = {
        .kind = KC_RECORD_USER,
        .uid = user->uid,
        .gid = user->gid,
        .fresh = user->fresh,
        .group_count = (uint16_t)user->gid_count,
        .groups = list_place_of(builder->lists),
    };
    put_string(strings, &length, user->name);
    record.name_size = (uint8_t)length;
    put_string(strings, &length, "x");
    record.gecos = put_string(strings, &length, user->gecos);
    record.home = put_string(strings, &length, user->home);
    record.shell = put_string(strings, &length, user->shell);
    record.strings_size = (uint16_t)length;
    append(builder, &record, sizeof record);
    append(builder, strings, length);
    if (user->gid_count > 0)
        memcpy(builder->bytes + builder->lists, user->gids, user->gid_count * sizeof(uint32_t));
    builder->lists += list_size(user->gid_count);
    builder->members[number] =
        kc_member_make(place_of(at + sizeof record), record.name_size - (size_t)1);
    const enum kc_status status = enter_name(builder, KC_INDEX_USER_NAME, user->name, at);
    return status == KC_OK ? enter_id(builder, KC_INDEX_UID, user->uid, at) : status;
}

static enum kc_status add_group(struct builder *builder, uint32_t number)
{
    const struct arena_group *group = &builder->content->groups[number];
    const uint64_t at = builder->at;
    char strings[KC_NAME_MAX + 1 + sizeof "x"];
    size_t length = 0;
    uint64_t names = 0;
    uint32_t *members = (uint32_t *)(void *)(builder->bytes + builder->lists);
    if (strlen(group->name) > KC_NAME_MAX || group->member_count > KC_SNAPSHOT_MEMBERS_MAX)
        return KC_TOO_LARGE;
    for (uint32_t i = 0; i < group->member_count; i++) {
        if (group->members[i] >= builder->content->user_count)
            return KC_MALFORMED;
        members[i] = builder->members[group->members[i]];
        names += kc_member_length(members[i]) + 1;
    }
    struct kc_record_group record = {
        .kind = KC_RECORD_GROUP,
        .gid = group->gid,
        .fresh = group->fresh,
        .members = list_place_of(builder->lists),
        .member_count = group->member_count,
        .member_size = (uint32_t)names,
    };
    builder->lists += list_size(group->member_count);
    put_string(strings, &length, group->name);
    record.name_size = (uint8_t)length;
    put_string(strings, &length, "x");
    record.strings_size = (uint16_t)length;
    append(builder, &record, sizeof record);
    append(builder, strings, length);
    const enum kc_status status = enter_name(builder, KC_INDEX_GROUP_NAME, group->name, at);
    return status == KC_OK ? enter_id(builder, KC_INDEX_GID, group->gid, at) : status;
}

/* A name of the host's own, with a head of the size that records of its index have. */
static enum kc_status add_local(
    struct builder *builder, enum kc_snapshot_index index, const char *name)
{
    const uint64_t at = builder->at;
    const size_t size = strlen(name) + 1;
    if (size < 2 || size > KC_NAME_MAX + 1)
        return KC_OK; /* longer than any name that is looked up */
    if (index == KC_INDEX_USER_NAME) {
        const struct kc_record_user record = {.kind = KC_RECORD_LOCAL, .name_size = (uint8_t)size};
        append(builder, &record, sizeof record);
    } else {
        const struct kc_record_group record = {.kind = KC_RECORD_LOCAL, .name_size = (uint8_t)size};
        append(builder, &record, sizeof record);
    }
    append(builder, name, size);
    return enter_name(builder, index, name, at);
}

/* Whether the content is in the order that walks and searches for the next one rely on. */
static bool is_ordered(const struct arena_content *content)
{
    for (uint32_t i = 1; i < content->user_count; i++)
        if (strcmp(content->users[i - 1].name, content->users[i].name) >= 0)
            return false;
    for (uint32_t i = 1; i < content->group_count; i++)
        if (strcmp(content->groups[i - 1].name, content->groups[i].name) >= 0)
            return false;
    return true;
}

static void begin(struct builder *builder, const struct plan *plan)
{
    uint64_t at = sizeof(struct kc_arena_head);
    memset(builder->bytes, 0, plan->size);
    for (size_t i = 0; i < KC_INDEX_COUNT; i++) {
        builder->head->index[i] =
            (struct kc_snapshot_slots){place_of(at), (uint32_t)plan->slots[i]};
        at += plan->slots[i] * sizeof(uint64_t);
    }
    builder->at = plan->records;
    builder->lists = plan->lists;
}

static enum kc_status add_all(struct builder *builder)
{
    const struct arena_content *content = builder->content;
    enum kc_status status = KC_OK;
    builder->head->users.begin = place_of(builder->at);
    for (uint32_t i = 0; i < content->user_count && status == KC_OK; i++)
        status = add_user(builder, i);
    builder->head->users.end = place_of(builder->at);
    builder->head->groups.begin = place_of(builder->at);
    for (uint32_t i = 0; i < content->group_count && status == KC_OK; i++)
        status = add_group(builder, i);
    builder->head->groups.end = place_of(builder->at);
    for (uint32_t i = 0; i < content->local_user_count && status == KC_OK; i++)
        status = add_local(builder, KC_INDEX_USER_NAME, content->local_users[i]);
    for (uint32_t i = 0; i < content->local_group_count && status == KC_OK; i++)
        status = add_local(builder, KC_INDEX_GROUP_NAME, content->local_groups[i]);
    return status;
}

/* Of all words behind the head. The seed of this sum is no secret: it finds damage, not malice. */
static uint64_t checksum(const unsigned char *bytes, uint64_t used)
{
    uint64_t sum = used;
    uint64_t word;
    for (uint64_t at = sizeof(struct kc_arena_head); at + sizeof word <= used; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        sum = kc_snapshot_fold(sum ^ word, 0x9e3779b97f4a7c15ull) + 1;
    }
    return sum;
}

enum kc_status arena_build(const struct arena_content *content, void *bytes, uint64_t capacity)
{
    const struct plan plan = make_plan(content);
    KC_AUTO_FREE uint32_t *members = calloc((size_t)content->user_count + 1, sizeof *members);
    struct builder builder = {
        .content = content,
        .bytes = bytes,
        .head = bytes,
        .members = members,
    };
    enum kc_status status = KC_BUSY;
    if (!members)
        return KC_NO_MEMORY;
    if (plan.size > capacity || plan.size / KC_SNAPSHOT_ITEM > UINT32_MAX)
        return KC_TOO_LARGE;
    if (!is_ordered(content))
        return KC_MALFORMED;
    for (unsigned i = 0; i < SEEDS && status == KC_BUSY; i++) {
        begin(&builder, &plan);
        if (getrandom(builder.head->seed, sizeof builder.head->seed, 0) !=
            (ssize_t)sizeof builder.head->seed)
            return KC_SYSTEM;
        status = add_all(&builder);
    }
    if (status != KC_OK)
        return status;
    builder.head->used = plan.size;
    builder.head->checksum = checksum(bytes, plan.size);
    return KC_OK;
}

bool arena_is_sound(const void *bytes, uint64_t capacity)
{
    struct kc_arena_head head;
    if (capacity < sizeof head)
        return false;
    memcpy(&head, bytes, sizeof head);
    return head.used >= sizeof head && head.used <= capacity && head.used % KC_SNAPSHOT_UNIT == 0 &&
           head.checksum == checksum(bytes, head.used);
}
