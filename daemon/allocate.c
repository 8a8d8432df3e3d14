/*
 * Uids of this host's own for users who have none in the realm (allocate = host).
 * A part of the directory: whoever reads users of the realm reads them through this.
 * Must never give a number before the disk has it, nor one that was ever anybody else's.
 */
#include "daemon/allocate.h"

#include "daemon/directory_internal.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

/* Numbers on their way to the disk. */
struct numbers {
    struct directory *directory;
    struct allocate_request *request; /* who waits; NULL: nobody any more */
    struct state_row rows[STATE_ROWS_MAX];
    size_t count;
    LIST_ENTRY(numbers) link;
};

struct allocate_request {
    struct directory *directory;
    struct admin_request *admin; /* NULL: answered */
    struct json_object *answer;  /* held while numbers are on their way */
    struct numbers *numbers;
    admin_done *done;
    void *userdata;
};

static bool is_on(const struct directory *directory)
{
    return directory->daemon->config->directory.allocate == CONFIG_ALLOCATE_HOST &&
           directory->daemon->state;
}

/* Not where some who have a number may be unknown. */
static bool may_give(const struct directory *directory)
{
    return is_on(directory) && directory->remember && !state_is_held(directory->daemon->state);
}

uint32_t allocate_find(const struct directory *directory, const char *id)
{
    if (!is_on(directory))
        return 0;
    const struct known_user *user = people_by_id(directory->people, id);
    return user ? user->uid : bindings_number_of(directory->bindings, STATE_UIDS, id);
}

/* The next number that nobody has or had, from the range's end downwards; 0: there is none. */
static uint32_t next_number(struct directory *directory)
{
    const struct kc_bounds *bounds = directory->daemon->bounds;
    uint32_t uid = directory->next_uid;
    if (uid == 0 || uid > bounds->ids.last)
        uid = bounds->ids.last;
    for (; uid >= bounds->ids.first && uid > 0; uid--)
        if (kc_bounds_id(bounds, uid) && !locals_have_uid(directory->locals, uid) &&
            !people_by_uid(directory->people, uid) &&
            !bindings_number(directory->bindings, STATE_UIDS, uid)) {
            directory->next_uid = uid - 1;
            return uid;
        }
    return 0;
}

/* Whether a user has no number, and nothing else is in the way of an entry. */
static bool wants_number(
    struct directory *directory, const struct json_object *user, struct person **ret_person)
{
    PERSON_AUTO struct person *person = NULL;
    struct passwd_entry entry;
    bool group;
    if (person_read(user, &directory->daemon->config->directory, &person) != KC_OK || person->uid ||
        allocate_find(directory, person->id) != 0 ||
        directory_make_entry(directory, person, directory->daemon->bounds->ids.last, &entry) !=
            KC_OK)
        return false;
    const char *owner = owner_of_name(directory, entry.name, &group);
    if (owner && (group || strcmp(owner, person->id) != 0))
        return false;
    *ret_person = KC_TAKE(person);
    return true;
}

static void numbers_free(struct numbers *numbers)
{
    for (size_t i = 0; i < numbers->count; i++)
        state_row_free(&numbers->rows[i]);
    free(numbers);
}

static uint32_t number_among(const struct numbers *numbers, const char *id)
{
    for (size_t i = 0; i < numbers->count; i++)
        if (strcmp(numbers->rows[i].id, id) == 0)
            return numbers->rows[i].number;
    return 0;
}

/* Somebody may be in two answers at once: the number is the same, and written twice. */
static uint32_t number_under_way(const struct numbers *numbers, const char *id)
{
    const struct numbers *other;
    uint32_t number = number_among(numbers, id);
    LIST_FOREACH(other, &numbers->directory->numbers, link)
    {
        if (number == 0)
            number = number_among(other, id);
    }
    return number;
}

static void add_number(struct numbers *numbers, const struct json_object *user)
{
    PERSON_AUTO struct person *person = NULL;
    if (numbers->count >= STATE_ROWS_MAX || !wants_number(numbers->directory, user, &person))
        return;
    const uint32_t begun = number_under_way(numbers, person->id);
    const struct state_row row = {.table = STATE_UIDS,
        .number = begun ? begun : next_number(numbers->directory),
        .id = person->id,
        .allocated = true};
    if (row.number != 0 && state_row_copy(&row, &numbers->rows[numbers->count]) == KC_OK)
        numbers->count++;
}

/* Those that the users of an answer want; NULL: none. */
static struct numbers *choose(struct directory *directory, const struct json_object *answer)
{
    struct numbers *numbers = calloc(1, sizeof *numbers);
    if (!numbers)
        return NULL;
    numbers->directory = directory;
    if (json_object_is_type(answer, json_type_object))
        add_number(numbers, answer);
    if (json_object_is_type(answer, json_type_array))
        for (size_t i = 0; i < json_object_array_length(answer); i++)
            add_number(numbers, json_object_array_get_idx(answer, i));
    if (numbers->count > 0)
        return numbers;
    numbers_free(numbers);
    return NULL;
}

static void request_free(struct allocate_request *request)
{
    json_object_put(request->answer);
    free(request);
}

static void on_written(void *userdata, enum kc_status status)
{
    struct numbers *numbers = userdata;
    struct allocate_request *request = numbers->request;
    LIST_REMOVE(numbers, link);
    for (size_t i = 0; i < numbers->count && status == KC_OK; i++)
        status = bindings_put(numbers->directory->bindings, &numbers->rows[i], true);
    numbers_free(numbers);
    if (!request)
        return;
    struct allocate_request last = *request;
    free(request);
    last.done(last.userdata, KC_OK, "", last.answer);
    json_object_put(last.answer);
}

/* Writes what the answer's users want; false: nothing is on its way. */
static bool begin_writing(struct allocate_request *request, const struct json_object *answer)
{
    struct directory *directory = request->directory;
    struct numbers *numbers = may_give(directory) ? choose(directory, answer) : NULL;
    if (!numbers)
        return false;
    if (state_write(directory->daemon->state, numbers->rows, numbers->count, on_written, numbers) !=
        KC_OK) {
        numbers_free(numbers);
        return false;
    }
    numbers->request = request;
    request->numbers = numbers;
    request->answer = json_object_get((struct json_object *)(uintptr_t)answer);
    LIST_INSERT_HEAD(&directory->numbers, numbers, link);
    return true;
}

static void on_answer(
    void *userdata, enum kc_status status, const char *detail, const struct json_object *answer)
{
    struct allocate_request *request = userdata;
    request->admin = NULL;
    if (status == KC_OK && begin_writing(request, answer))
        return;
    const struct allocate_request last = *request;
    request_free(request);
    last.done(last.userdata, status, detail, answer);
}

enum kc_status allocate_get(struct directory *directory, const char *path, uint64_t deadline_us,
    admin_done *done, void *userdata, struct allocate_request **ret_request)
{
    struct allocate_request *request = calloc(1, sizeof *request);
    if (!request)
        return KC_NO_MEMORY;
    request->directory = directory;
    request->done = done;
    request->userdata = userdata;
    const enum kc_status status =
        admin_get(directory->admin, path, deadline_us, on_answer, request, &request->admin);
    if (status == KC_OK)
        *ret_request = request;
    else
        free(request);
    return status;
}

void allocate_cancel(struct allocate_request *request)
{
    if (request->admin)
        admin_cancel(request->admin);
    if (request->numbers)
        request->numbers->request = NULL;
    request_free(request);
}

void allocate_free(struct directory *directory)
{
    struct numbers *numbers;
    while ((numbers = LIST_FIRST(&directory->numbers))) {
        LIST_REMOVE(numbers, link);
        numbers_free(numbers);
    }
}
