/*
 * Users in the Admin REST API: searches, one user, groups, the state of its lock.
 * Used by admin alone.
 * Never tells more of a user than the caller's roles permit.
 */
#include "realm/admin_users.h"

#include "common/cleanup.h"
#include "realm/people.h"
#include "realm/represent.h"
#include "realm/text.h"
#include "realm/users.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { USERS_IN_A_LIST = 100 };

/* What a search asks for; a text that is NULL asks for nothing. */
struct search {
    const char *username, *email, *first_name, *last_name, *enabled;
    bool exact, part; /* part: exact= is said, and is not true */
    bool any;         /* asked for nothing: all but service accounts are meant */
    struct realm_admin_wish *wishes;
    size_t wish_count;
};

/* Who may list nobody is told that nobody is there; this is why a self-test is worth it. */
static bool may_query(struct realm_admin_call *call)
{
    if (!call->query_users)
        realm_admin_forbid(call);
    return call->query_users;
}

static void read_search(const struct realm_admin_call *call, struct search *ret_search)
{
    const struct realm_form *query = &call->request->query;
    *ret_search = (struct search){
        .username = realm_form_value(query, "username"),
        .email = realm_form_value(query, "email"),
        .first_name = realm_form_value(query, "firstName"),
        .last_name = realm_form_value(query, "lastName"),
        .enabled = realm_form_value(query, "enabled"),
        .exact = realm_admin_flag(call, "exact", false),
    };
    bool like_26 = call->realm->like != REALM_LIKE_24;
    ret_search->part = like_26 && !realm_admin_flag(call, "exact", true);
    ret_search->wishes =
        realm_admin_wishes(realm_form_value(query, "q"), like_26, &ret_search->wish_count);
    ret_search->any = ret_search->username == NULL && ret_search->email == NULL &&
                      ret_search->first_name == NULL && ret_search->last_name == NULL &&
                      ret_search->enabled == NULL && ret_search->wish_count == 0;
    if (like_26 && ret_search->username != NULL && *ret_search->username == '\0')
        ret_search->username = NULL;
}

static bool text_fits(const char *value, const char *wanted, bool exact)
{
    if (wanted == NULL)
        return true;
    if (value == NULL)
        return false;
    if (!exact)
        return realm_admin_contains(value, wanted, false);
    char *lower KC_AUTO_FREE = realm_text_lower(wanted);
    return strcmp(value, lower) == 0;
}

static bool user_fits(const struct search *search, const struct realm_user *user)
{
    if (search->any)
        return user->service_client == NULL;
    if (!text_fits(user->name, search->username, search->exact) ||
        !text_fits(user->email, search->email, search->exact) ||
        !text_fits(user->first_name, search->first_name, search->exact) ||
        !text_fits(user->last_name, search->last_name, search->exact))
        return false;
    if (search->enabled != NULL && (strcasecmp(search->enabled, "true") == 0) != user->enabled)
        return false;
    if (search->wish_count == 0)
        return true;
    struct json_object *attributes REALM_AUTO_JSON = realm_user_attributes(user);
    return realm_admin_granted(attributes, search->wishes, search->wish_count, search->part);
}

/* The users of one name at once, and all others by looking at each. */
static size_t find(const struct realm *realm, const struct search *search, size_t first, size_t max,
    struct realm_user **ret_users)
{
    size_t to = realm->user_count, seen = 0, count = 0;
    struct realm_user *one = NULL;
    if (search->exact && search->username != NULL) {
        char *lower KC_AUTO_FREE = realm_text_lower(search->username);
        one = realm_index_find(&realm->user_names, lower);
        to = one != NULL ? 1 : 0;
    }
    for (size_t i = 0; i < to && count < max; i++) {
        struct realm_user *user = one ? one : realm->users[i];
        if (!user_fits(search, user))
            continue;
        if (seen++ >= first)
            ret_users[count++] = user;
    }
    return count;
}

/* search=id:A B C; 24 takes one id alone. */
static size_t find_ids(const struct realm *realm, const char *ids, struct realm_user **ret_users)
{
    size_t count = 0;
    for (ids += strspn(ids, " "); *ids != '\0'; ids += strspn(ids, " ")) {
        size_t length = realm->like == REALM_LIKE_24 ? strlen(ids) : strcspn(ids, " ");
        char *id KC_AUTO_FREE = realm_text_format("%.*s", (int)length, ids);
        struct realm_user *user = realm_user_by_uuid(realm, id);
        if (user != NULL && count < realm->user_count)
            ret_users[count++] = user;
        ids += length;
    }
    return count;
}

void realm_admin_users(struct realm_admin_call *call)
{
    struct realm *realm = call->realm;
    const char *text = realm_form_value(&call->request->query, "search");
    size_t first = 0, max = 0, count = 0;
    struct search search;
    if (!may_query(call) || !realm_admin_page(call, USERS_IN_A_LIST, &first, &max))
        return;
    read_search(call, &search);
    search.any = search.any && realm_form_value(&call->request->query, "exact") == NULL;
    struct realm_user **found KC_AUTO_FREE = realm_text_room(realm->user_count, sizeof(*found));
    if (text != NULL && strncmp(text, "id:", 3) == 0)
        count = find_ids(realm, text + 3, found);
    else
        count = find(realm, &search, first, max, found);
    bool full = !realm_admin_flag(call, "briefRepresentation", false);
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; call->view_users && i < count; i++)
        json_object_array_add(list,
            realm_represent_user(realm, found[i], full, REALM_ACCESS_LIST, call->manage_users));
    realm_admin_free_wishes(search.wishes, search.wish_count);
    realm_admin_answer(call, list);
}

void realm_admin_users_count(struct realm_admin_call *call)
{
    struct realm *realm = call->realm;
    struct search search;
    if (!may_query(call))
        return;
    read_search(call, &search);
    struct realm_user **found KC_AUTO_FREE = realm_text_room(realm->user_count, sizeof(*found));
    size_t count = find(realm, &search, 0, SIZE_MAX, found);
    if (!call->view_users && realm->like == REALM_LIKE_24)
        count = 0; /* 26 tells the number of those whom it does not show */
    realm_admin_free_wishes(search.wishes, search.wish_count);
    realm_admin_answer(call, json_object_new_int64((int64_t)count));
}

void realm_admin_profile(struct realm_admin_call *call)
{
    if (!call->query_users)
        realm_admin_forbid(call);
    else if (call->realm->profile == NULL)
        realm_answer_fault(call->realm, call->answer, 404, "HTTP 404 Not Found");
    else
        realm_admin_answer(call, json_object_get(call->realm->profile));
    call->answer->cache = NULL;
}

struct realm_user *realm_admin_user_of(struct realm_admin_call *call)
{
    struct realm_user *user = realm_user_by_uuid(call->realm, call->words[1]);
    if (user == NULL && call->query_users)
        realm_answer_fault(call->realm, call->answer, 404, "User not found");
    else if (user == NULL)
        realm_admin_forbid(call);
    return user;
}

static struct realm_user *seen_user(struct realm_admin_call *call)
{
    struct realm_user *user = realm_admin_user_of(call);
    if (user == NULL || call->view_users)
        return user;
    realm_admin_forbid(call);
    return NULL;
}

void realm_admin_user(struct realm_admin_call *call)
{
    const struct realm_user *user = seen_user(call);
    if (user != NULL)
        realm_admin_answer(call,
            realm_represent_user(call->realm, user, true, REALM_ACCESS_ONE, call->manage_users));
}

void realm_admin_user_groups(struct realm_admin_call *call)
{
    const struct realm_user *user = seen_user(call);
    const char *search = realm_form_value(&call->request->query, "search");
    const struct realm_group_look look = {
        .full = !realm_admin_flag(call, "briefRepresentation", true)};
    size_t first = 0, max = 0, seen = 0;
    if (user == NULL || !realm_admin_page(call, SIZE_MAX, &first, &max))
        return;
    struct realm_group **groups KC_AUTO_FREE =
        realm_text_room(user->group_count, sizeof(struct realm_group *));
    for (size_t i = 0; i < user->group_count; i++)
        groups[i] = user->groups[i];
    qsort(groups, user->group_count, sizeof(struct realm_group *), realm_people_by_name);
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < user->group_count && realm_json_length(list) < max; i++)
        if (search == NULL || realm_admin_contains(groups[i]->name, search, true))
            if (seen++ >= first)
                json_object_array_add(list, realm_represent_group(groups[i], &look));
    realm_admin_answer(call, list);
}

/* Somebody who is not there was never locked. */
void realm_admin_lock_state(struct realm_admin_call *call)
{
    const struct realm *realm = call->realm;
    const struct realm_user *user = realm_user_by_uuid(realm, call->words[3]);
    if (!call->view_users) {
        realm_admin_forbid(call);
        return;
    }
    bool failed = user != NULL && user->failures > 0;
    bool locked = user != NULL && realm_user_locked(realm, user);
    struct json_object *document = json_object_new_object();
    realm_json_put_number(
        document, "failedLoginNotBefore", locked ? user->locked_until_ms / 1000 : 0);
    realm_json_put_number(document, "numFailures", failed ? user->failures : 0);
    realm_json_put_number(document, "numTemporaryLockouts", locked ? 1 : 0);
    realm_json_put_flag(document, "disabled", locked);
    if (realm->like != REALM_LIKE_24)
        realm_json_put_number(document, "numSecondaryAuthFailures", 0);
    realm_json_put_text(document, "lastIPFailure", failed ? call->request->address : "n/a");
    realm_json_put_number(document, "lastFailure", failed ? user->last_failure_ms : 0);
    realm_admin_answer(call, document);
}
