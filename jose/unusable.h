/*
 * The value that stands in a tree for one that nobody may use, and why nobody may.
 * Used by the reader, which puts it there, and by the functions that read members.
 * To whoever reads the tree without them it is an empty object, and so of the wrong type.
 */
#ifndef JOSE_UNUSABLE_H
#define JOSE_UNUSABLE_H

#include "common/status.h"

#include <json-c/json_object.h>

/* A new value for that reason; NULL: no memory. */
struct json_object *jose_unusable_new(enum kc_status why);

/* KC_OK for every other value, NULL (JSON's null) included. */
enum kc_status jose_unusable_why(struct json_object *value);

#endif
