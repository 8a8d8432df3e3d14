/*
 * Queries of the Admin REST API: pages, flags, and what is searched for.
 * Used by the files of the API's resources.
 * Never takes a number for what it is not: Keycloak has no such resource then.
 */
#include "realm/admin.h"

#include "common/cleanup.h"
#include "realm/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A Java Integer; 26 takes an empty one for none. */
static bool read_number(
    const struct realm_admin_call *call, const char *name, int64_t otherwise, int64_t *ret_number)
{
    const char *text = realm_form_value(&call->request->query, name);
    if (text == NULL || (*text == '\0' && call->realm->like != REALM_LIKE_24)) {
        *ret_number = otherwise;
        return true;
    }
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < INT32_MIN || number > INT32_MAX)
        return false;
    *ret_number = number;
    return true;
}

bool realm_admin_page(
    struct realm_admin_call *call, size_t otherwise, size_t *ret_first, size_t *ret_max)
{
    int64_t first = 0, max = 0;
    if (!read_number(call, "first", 0, &first) ||
        !read_number(call, "max", otherwise == SIZE_MAX ? -1 : (int64_t)otherwise, &max)) {
        realm_answer_fault(call->realm, call->answer, 404, "HTTP 404 Not Found");
        return false;
    }
    *ret_first = first < 0 ? 0 : (size_t)first;
    *ret_max = max < 0 ? SIZE_MAX : (size_t)max;
    return true;
}

bool realm_admin_flag(const struct realm_admin_call *call, const char *name, bool otherwise)
{
    const char *text = realm_form_value(&call->request->query, name);
    return text == NULL ? otherwise : strcasecmp(text, "true") == 0;
}

/* A word up to a blank or one of `ends`, or between quotation marks. */
static char *read_word(const char **at, const char *ends)
{
    bool quoted = **at == '"' && strchr(*at + 1, '"') != NULL;
    const char *begin = quoted ? *at + 1 : *at;
    size_t length = strcspn(begin, quoted ? "\"" : ends);
    *at = begin + length + quoted;
    return realm_text_format("%.*s", (int)length, begin);
}

/* The last one of a name counts. */
static void add_wish(struct realm_admin_wish **wishes, size_t *count, char *name, char *value)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*wishes)[i].name, name) == 0) {
            free((*wishes)[i].value);
            free(name);
            (*wishes)[i].value = value;
            return;
        }
    *wishes = realm_text_grow(*wishes, *count + 1, sizeof(**wishes));
    (*wishes)[(*count)++] = (struct realm_admin_wish){name, value};
}

struct realm_admin_wish *realm_admin_wishes(const char *q, bool empty_too, size_t *ret_count)
{
    struct realm_admin_wish *wishes = NULL;
    size_t count = 0;
    while (q != NULL && *q != '\0') {
        q += strspn(q, " ");
        char *name KC_AUTO_FREE = read_word(&q, " :");
        if (*q != ':') {
            q += strcspn(q, " ");
            continue;
        }
        q++;
        char *value KC_AUTO_FREE = read_word(&q, " ");
        if (empty_too || (*name != '\0' && *value != '\0'))
            add_wish(&wishes, &count, KC_TAKE(name), KC_TAKE(value));
    }
    *ret_count = count;
    return wishes;
}

void realm_admin_free_wishes(struct realm_admin_wish *wishes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(wishes[i].name);
        free(wishes[i].value);
    }
    free(wishes);
}

static bool has_value(struct json_object *values, const char *wanted, bool anywhere)
{
    for (size_t i = 0; i < realm_json_length(values); i++) {
        const char *value = json_object_get_string(json_object_array_get_idx(values, i));
        if (value == NULL)
            continue;
        if (anywhere ? realm_admin_contains(value, wanted, true) : strcasecmp(value, wanted) == 0)
            return true;
    }
    return false;
}

bool realm_admin_granted(struct json_object *attributes, const struct realm_admin_wish *wishes,
    size_t count, bool anywhere)
{
    for (size_t i = 0; i < count; i++)
        if (!has_value(realm_json_member(attributes, wishes[i].name), wishes[i].value, anywhere))
            return false;
    return true;
}

/* The pattern stands anywhere in the text; % is any run of bytes in it, _ any one. */
static bool like(const char *text, const char *pattern)
{
    const char *retry_text = text, *retry_pattern = pattern;
    while (*pattern != '\0') {
        if (*pattern == '%') {
            retry_pattern = ++pattern;
            retry_text = text;
        } else if (*text != '\0' && (*pattern == '_' || *pattern == *text)) {
            pattern++;
            text++;
        } else if (*retry_text != '\0') {
            text = ++retry_text;
            pattern = retry_pattern;
        } else {
            return false;
        }
    }
    return true;
}

bool realm_admin_contains(const char *name, const char *text, bool plain)
{
    char *lower KC_AUTO_FREE = realm_text_lower(name);
    char *wanted KC_AUTO_FREE = realm_text_lower(text);
    return plain ? strstr(lower, wanted) != NULL : like(lower, wanted);
}
