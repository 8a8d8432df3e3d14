/*
 * The value that stands for one that nobody may use: an empty object that wears a mark.
 * Used by json.c and member.c.
 * Must never be mistaken for what it replaces, nor for an object that came from outside.
 */
#include "jose/unusable.h"

#include <stddef.h>

static const enum kc_status marks[] = {KC_TOKEN_DUPLICATE_MEMBER, KC_MALFORMED};

#define MARKS (sizeof marks / sizeof *marks)

struct json_object *jose_unusable_new(enum kc_status why)
{
    struct json_object *value = json_object_new_object();
    if (!value)
        return NULL;
    size_t i = why == marks[0] ? 0 : 1;
    json_object_set_userdata(value, (void *)(uintptr_t)&marks[i], NULL);
    return value;
}

enum kc_status jose_unusable_why(struct json_object *value)
{
    if (!json_object_is_type(value, json_type_object))
        return KC_OK;
    const void *mark = json_object_get_userdata(value);
    for (size_t i = 0; i < MARKS; i++)
        if (mark == &marks[i])
            return marks[i];
    return KC_OK;
}
