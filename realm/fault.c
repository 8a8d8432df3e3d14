/*
 * Faults: what goes wrong on purpose, with which requests, how many times.
 * Set by control, taken by server, obeyed by server (answers) and claims (tokens).
 * Without one the realm behaves.
 */
#include "realm/fault.h"

#include "realm/realm.h"
#include "realm/text.h"

#include <stdlib.h>
#include <string.h>

enum { FAULT_LIMIT = 256 };

struct realm_faults {
    struct realm_faults *next;
    struct json_object *document;
    enum realm_fault_kind kind;
    int64_t count; /* requests left; below 0: all */
};

static const char *const names[] = {
#define REALM_FAULT_NAME(name, kind) name,
    REALM_FAULT_LIST(REALM_FAULT_NAME)
#undef REALM_FAULT_NAME
};

enum kc_status realm_fault_add(struct realm *realm, struct json_object *document)
{
    const char *name = realm_json_text(document, "fault", NULL);
    size_t kind = 0, count = sizeof(names) / sizeof(*names);
    while (kind < count && !realm_text_same(names[kind], name))
        kind++;
    if (kind == count)
        return KC_MALFORMED;
    size_t faults = 0;
    for (struct realm_faults *fault = realm->faults; fault != NULL; fault = fault->next)
        faults++;
    if (faults == FAULT_LIMIT)
        return KC_TOO_LARGE;
    struct realm_faults *fault = realm_text_room(1, sizeof(*fault));
    fault->kind = (enum realm_fault_kind)kind;
    fault->count = realm_json_number(document, "count", 1);
    fault->document = json_object_get(document);
    struct realm_faults **end = &realm->faults;
    while (*end != NULL)
        end = &(*end)->next;
    *end = fault;
    return KC_OK;
}

/* "admin" is every endpoint of the Admin API. */
static bool matches(const char *match, const char *endpoint)
{
    return realm_text_same(match, "any") || realm_text_same(match, endpoint) ||
           (realm_text_same(match, "admin") && strncmp(endpoint, "admin-", 6) == 0);
}

static bool meant(const struct realm_faults *fault, const char *endpoint, const char *user)
{
    const char *match = realm_json_text(fault->document, "match", "any");
    const char *only = realm_json_text(fault->document, "user", NULL);
    return fault->count != 0 && matches(match, endpoint) &&
           (only == NULL || realm_text_same(only, user));
}

struct realm_fault realm_fault_take(struct realm *realm, const char *endpoint, const char *user)
{
    for (struct realm_faults *fault = realm->faults; fault != NULL; fault = fault->next) {
        if (!meant(fault, endpoint, user))
            continue;
        if (fault->count > 0)
            fault->count--;
        return (struct realm_fault){
            .kind = fault->kind,
            .process = realm_json_flag(fault->document, "process", false),
            .delay_ms = realm_json_number(fault->document, "delay", 0),
            .status = (unsigned)realm_json_number(fault->document, "status", 500),
            .size = realm_json_number(fault->document, "size", 2 << 20),
            .document = json_object_get(fault->document),
        };
    }
    return (struct realm_fault){.kind = REALM_FAULT_NONE};
}

void realm_fault_release(struct realm_fault *fault)
{
    json_object_put(fault->document);
    *fault = (struct realm_fault){.kind = REALM_FAULT_NONE};
}

void realm_fault_set(const struct realm_fault *fault, const char *name, struct json_object *object)
{
    struct json_object *changes = realm_json_member(fault->document, name);
    if (!json_object_is_type(changes, json_type_object))
        return;
    json_object_object_foreach(changes, member, value)
    {
        if (value == NULL)
            json_object_object_del(object, member);
        else
            json_object_object_add(object, member, json_object_get(value));
    }
}

void realm_fault_clear(struct realm *realm)
{
    while (realm->faults != NULL) {
        struct realm_faults *fault = realm->faults;
        realm->faults = fault->next;
        json_object_put(fault->document);
        free(fault);
    }
}
