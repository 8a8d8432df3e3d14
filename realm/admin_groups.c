/*
 * Groups in the Admin REST API: searches, one group by id or path, children, members.
 * Used by admin alone.
 * Never tells more than the caller's roles permit.
 */
#include "realm/admin_groups.h"

#include "common/cleanup.h"
#include "realm/people.h"
#include "realm/represent.h"
#include "realm/roles.h"
#include "realm/text.h"

#include <stdlib.h>
#include <string.h>

enum { CHILDREN_IN_A_LIST = 10, MEMBERS_IN_A_LIST = 100 };

struct search {
    const char *name; /* NULL: any */
    bool exact, everywhere;
    struct realm_admin_wish *wishes;
    size_t wish_count;
};

/* Which groups are meant: those of a name, of attributes, or, asked for nothing, the top. */
static void read_search(const struct realm_admin_call *call, struct search *ret_search)
{
    const char *name = realm_form_value(&call->request->query, "search");
    const char *q = realm_form_value(&call->request->query, "q");
    bool like_26 = call->realm->like != REALM_LIKE_24;
    *ret_search = (struct search){.exact = realm_admin_flag(call, "exact", false)};
    if (like_26 && name != NULL && *name == '\0')
        name = NULL;
    if (like_26 && q != NULL && *q == '\0')
        q = NULL;
    ret_search->everywhere = name != NULL || q != NULL;
    ret_search->name = q == NULL ? name : NULL;
    ret_search->wishes = realm_admin_wishes(q, like_26, &ret_search->wish_count);
}

static bool group_fits(
    const struct realm *realm, const struct search *search, const struct realm_group *group)
{
    if (!search->everywhere)
        return group->parent == NULL;
    if (search->name != NULL && search->exact)
        return strcmp(group->name, search->name) == 0;
    if (search->name != NULL)
        return realm_admin_contains(group->name, search->name, realm->like != REALM_LIKE_24);
    return realm_admin_granted(realm_group_attributes(group), search->wishes, search->wish_count, false);
}

static struct realm_group_look look_of(const struct realm_admin_call *call, bool brief)
{
    return (struct realm_group_look){
        .full = !realm_admin_flag(call, "briefRepresentation", brief),
        .count =
            call->realm->like == REALM_LIKE_24 || realm_admin_flag(call, "subGroupsCount", true),
        .access = true,
        .manage = call->manage_users,
    };
}

/* The group under its parents up to the top, which other groups found may share. */
static struct json_object *hang(struct json_object *list, struct json_object *made,
    const struct realm_group *group, const struct realm_group_look *look)
{
    struct json_object *document = realm_json_member(made, group->uuid);
    if (document != NULL)
        return document;
    struct json_object *siblings = list;
    if (group->parent != NULL)
        siblings = realm_json_member(hang(list, made, group->parent, look), "subGroups");
    document = realm_represent_group(group, look);
    json_object_array_add(siblings, document);
    json_object_object_add(made, group->uuid, json_object_get(document));
    return document;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(realm_json_text(*(struct json_object *const *)a, "name", ""),
        realm_json_text(*(struct json_object *const *)b, "name", ""));
}

void realm_admin_groups(struct realm_admin_call *call)
{
    const struct realm *realm = call->realm;
    size_t first = 0, max = 0, seen = 0;
    struct search search;
    if (!call->query_groups) {
        realm_admin_forbid(call);
        return;
    }
    if (!realm_admin_page(call, SIZE_MAX, &first, &max))
        return;
    read_search(call, &search);
    const struct realm_group_look look = look_of(call, true);
    bool tree = realm_admin_flag(call, "populateHierarchy", true);
    struct json_object *list = json_object_new_array();
    struct json_object *made REALM_AUTO_JSON = json_object_new_object();
    for (size_t i = 0; call->view_users && i < realm->group_count; i++) {
        if (!group_fits(realm, &search, realm->groups[i]) || seen++ < first || seen - first > max)
            continue;
        if (tree)
            hang(list, made, realm->groups[i], &look);
        else
            json_object_array_add(list, realm_represent_group(realm->groups[i], &look));
    }
    if (tree)
        json_object_array_sort(list, by_name);
    realm_admin_free_wishes(search.wishes, search.wish_count);
    realm_admin_answer(call, list);
}

struct realm_group *realm_admin_group_of(struct realm_admin_call *call)
{
    struct realm_group *group = realm_index_find(&call->realm->group_ids, call->words[1]);
    if (group == NULL)
        realm_answer_fault(call->realm, call->answer, 404, "Could not find group by id");
    return group;
}

/* One that is not there is found out before anybody's right to look. */
static const struct realm_group *seen_group(struct realm_admin_call *call)
{
    const struct realm_group *group = realm_admin_group_of(call);
    if (group == NULL || call->view_users)
        return group;
    realm_admin_forbid(call);
    return NULL;
}

void realm_admin_group(struct realm_admin_call *call)
{
    const struct realm_group *group = seen_group(call);
    const struct realm_group_look look = {true, true, true, call->manage_users};
    if (group != NULL)
        realm_admin_answer(call, realm_represent_group(group, &look));
}

void realm_admin_group_by_path(struct realm_admin_call *call)
{
    const struct realm_group_look look = {
        .full = true, .count = call->realm->like != REALM_LIKE_24};
    size_t length = strlen(call->rest);
    if (length > 0 && call->rest[length - 1] == '/')
        call->rest[length - 1] = '\0';
    const struct realm_group *group = realm_group_find(call->realm, call->rest);
    if (group == NULL)
        realm_answer_fault(call->realm, call->answer, 404, "Group path does not exist");
    else if (!call->view_users)
        realm_admin_forbid(call);
    else
        realm_admin_answer(call, realm_represent_group(group, &look));
}

void realm_admin_children(struct realm_admin_call *call)
{
    const struct realm_group *group = seen_group(call);
    const char *search = call->realm->like != REALM_LIKE_24
                             ? realm_form_value(&call->request->query, "search")
                             : NULL;
    bool exact = realm_admin_flag(call, "exact", false);
    size_t first = 0, max = 0, seen = 0;
    if (group == NULL || !realm_admin_page(call, CHILDREN_IN_A_LIST, &first, &max))
        return;
    const struct realm_group_look look = look_of(call, false);
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < group->child_count && realm_json_length(list) < max; i++) {
        const struct realm_group *child = group->children[i];
        bool fits = search == NULL || (exact ? strcmp(child->name, search) == 0
                                             : realm_admin_contains(child->name, search, true));
        if (fits && seen++ >= first)
            json_object_array_add(list, realm_represent_group(child, &look));
    }
    realm_admin_answer(call, list);
}

void realm_admin_members(struct realm_admin_call *call)
{
    const struct realm_group *group = seen_group(call);
    bool full = !realm_admin_flag(call, "briefRepresentation", false);
    size_t first = 0, max = 0;
    if (group == NULL || !realm_admin_page(call, MEMBERS_IN_A_LIST, &first, &max))
        return;
    struct json_object *list = json_object_new_array();
    for (size_t i = first; i < group->member_count && i - first < max; i++)
        json_object_array_add(list,
            realm_represent_user(call->realm, group->members[i], full, REALM_ACCESS_NONE, false));
    realm_admin_answer(call, list);
}
