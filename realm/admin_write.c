/*
 * Changes by the Admin REST API: a user or a group replaced as a whole.
 * Used by admin alone.
 * Never takes what Keycloak's user profile would not, nor from somebody without manage-users.
 */
#include "realm/admin_write.h"

#include "realm/admin_groups.h"
#include "realm/admin_users.h"
#include "realm/people.h"
#include "realm/represent.h"
#include "realm/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The body as an object; NULL, and the answer, where it is none. */
static struct json_object *body_of(struct realm_admin_call *call)
{
    const char *body = call->request->body;
    struct json_object *object = body != NULL ? json_tokener_parse(body) : NULL;
    if (json_object_is_type(object, json_type_object))
        return object;
    json_object_put(object);
    realm_answer_error(call->answer, 400, "unknown_error",
        call->realm->like == REALM_LIKE_24
            ? "For more on this error consult the server log at the debug level."
            : "Cannot parse the JSON");
    return NULL;
}

static struct json_object *attribute_of(const struct realm *realm, const char *name)
{
    struct json_object *list = realm_json_member(realm->profile, "attributes");
    for (size_t i = 0; i < realm_json_length(list); i++)
        if (realm_text_same(
                realm_json_text(json_object_array_get_idx(list, i), "name", NULL), name))
            return json_object_array_get_idx(list, i);
    return NULL;
}

static bool permits(struct json_object *attribute, const char *what)
{
    struct json_object *permissions = realm_json_member(attribute, "permissions");
    struct json_object *list = realm_json_member(permissions, what);
    for (size_t i = 0; i < realm_json_length(list); i++)
        if (realm_text_same(json_object_get_string(json_object_array_get_idx(list, i)), "admin"))
            return true;
    return permissions == NULL;
}

/* 24 lets an administrator add what ADMIN_VIEW says is for looking at alone. */
static bool takes_unmanaged(const struct realm *realm)
{
    const char *policy = realm_json_text(realm->profile, "unmanagedAttributePolicy", "");
    return realm_text_same(policy, "ENABLED") || realm_text_same(policy, "ADMIN_EDIT") ||
           (realm->like == REALM_LIKE_24 && realm_text_same(policy, "ADMIN_VIEW"));
}

static void refuse(struct realm_admin_call *call, const char *field, const char *message,
    struct json_object *limits)
{
    struct json_object *document = json_object_new_object();
    struct json_object *params = json_object_new_array();
    json_object_array_add(params, json_object_new_string(field));
    if (limits != NULL) {
        json_object_array_add(params, json_object_new_int64(realm_json_number(limits, "min", 0)));
        json_object_array_add(params, json_object_new_int64(realm_json_number(limits, "max", 0)));
    }
    realm_json_put_text(document, "field", field);
    realm_json_put_text(document, "errorMessage", message);
    json_object_object_add(document, "params", params);
    realm_answer_json(call->answer, document, NULL);
    call->answer->status = 400;
}

/* A number of the profile, which writes it as a number or as a text. */
static int64_t limit(struct json_object *limits, const char *name, int64_t otherwise)
{
    struct json_object *value = realm_json_member(limits, name);
    return value != NULL ? json_object_get_int64(value) : otherwise;
}

/* Of all the profile's validations the one for numbers alone is known here. */
static bool is_valid(struct realm_admin_call *call, const char *name,
    struct json_object *attribute, struct json_object *values)
{
    struct json_object *limits =
        realm_json_member(realm_json_member(attribute, "validations"), "integer");
    for (size_t i = 0; limits != NULL && i < realm_json_length(values); i++) {
        const char *text = json_object_get_string(json_object_array_get_idx(values, i));
        char *end = NULL;
        errno = 0;
        const long long number = text != NULL ? strtoll(text, &end, 10) : 0;
        if (end == NULL || *end != '\0' || end == text || errno != 0) {
            refuse(call, name, "error-invalid-number", NULL);
            return false;
        }
        if (number < limit(limits, "min", INT64_MIN) || number > limit(limits, "max", INT64_MAX)) {
            struct json_object *numbers REALM_AUTO_JSON = json_object_new_object();
            realm_json_put_number(numbers, "min", limit(limits, "min", 0));
            realm_json_put_number(numbers, "max", limit(limits, "max", 0));
            refuse(call, name, "error-number-out-of-range", numbers);
            return false;
        }
    }
    return true;
}

/* What an administrator sees goes, unless it stands in `wanted`; what is hidden stays. */
static struct json_object *hidden(
    const struct realm *realm, const struct realm_user *user, struct json_object *before)
{
    struct json_object *shown REALM_AUTO_JSON =
        realm_represent_user(realm, user, true, REALM_ACCESS_ONE, true);
    struct json_object *seen = realm_json_member(shown, "attributes");
    struct json_object *after = json_object_new_object();
    if (json_object_is_type(before, json_type_object)) {
        json_object_object_foreach(before, name, values)
        {
            if (realm_json_member(seen, name) == NULL)
                json_object_object_add(after, name, json_object_get(values));
        }
    }
    return after;
}

/* The attributes after the change; NULL, and the answer, where the profile forbids it. */
static struct json_object *attributes_after(
    struct realm_admin_call *call, const struct realm_user *user, struct json_object *wanted)
{
    struct realm *realm = call->realm;
    struct json_object *before REALM_AUTO_JSON = realm_user_attributes(user);
    struct json_object *after = hidden(realm, user, before);
    json_object_object_foreach(wanted, name, values)
    {
        struct json_object *attribute = attribute_of(realm, name);
        struct json_object *old = realm_json_member(before, name);
        const bool same = json_object_equal(old, values);
        bool good = same || attribute == NULL || is_valid(call, name, attribute, values);
        if (good && !same && attribute != NULL && !permits(attribute, "edit")) {
            refuse(call, name, "error-user-attribute-read-only", NULL);
            good = false;
        }
        if (!good) {
            json_object_put(after);
            return NULL;
        }
        if (realm_json_length(values) > 0 && (same || attribute != NULL || takes_unmanaged(realm)))
            json_object_object_add(after, name, json_object_get(values));
    }
    return after;
}

static void done(struct realm_admin_call *call)
{
    call->answer->status = 204;
    call->realm->people_changed = true;
}

/* The body of a change that the caller may make; NULL, and the answer: there is none. */
static struct json_object *change_of(struct realm_admin_call *call)
{
    if (call->manage_users)
        return body_of(call);
    realm_admin_forbid(call);
    return NULL;
}

void realm_admin_put_user(struct realm_admin_call *call)
{
    struct realm_user *user = realm_admin_user_of(call);
    struct json_object *body REALM_AUTO_JSON = user != NULL ? change_of(call) : NULL;
    if (body == NULL)
        return;
    struct json_object *wanted = realm_json_member(body, "attributes");
    struct json_object *none REALM_AUTO_JSON = json_object_new_object();
    struct json_object *after = attributes_after(
        call, user, json_object_is_type(wanted, json_type_object) ? wanted : none);
    if (after == NULL)
        return;
    realm_user_set_attributes(user, after);
    user->enabled = realm_json_flag(body, "enabled", user->enabled);
    done(call);
}

void realm_admin_put_group(struct realm_admin_call *call)
{
    struct realm_group *group = realm_admin_group_of(call);
    struct json_object *body REALM_AUTO_JSON = group != NULL ? change_of(call) : NULL;
    if (body == NULL)
        return;
    struct json_object *wanted = realm_json_member(body, "attributes");
    if (json_object_is_type(wanted, json_type_object)) {
        json_object_put(group->written);
        group->written = json_object_get(wanted);
    }
    done(call);
}
