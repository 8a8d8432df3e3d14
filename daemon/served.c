/*
 * Which groups of the realm are Linux groups, and under which names ([groups]).
 * Used by sweep.c and the directory. Pure.
 * Must never let two paths meet in one name.
 */
#include "daemon/served.h"

#include "common/name.h"
#include "daemon/config.h"

#include <string.h>

bool served_is_children(const char *served)
{
    const size_t length = strlen(served);
    return length >= 2 && strcmp(served + length - 2, "/*") == 0;
}

static bool is_served(const struct config_groups *groups, const char *path)
{
    for (size_t i = 0; i < groups->serve.count; i++) {
        const char *item = groups->serve.items[i];
        const size_t parent = strlen(item) - 1; /* with the slash, for an item with a star */
        if (served_is_children(item)
                ? strncmp(path, item, parent) == 0 && path[parent] && !strchr(path + parent, '/')
                : strcmp(path, item) == 0)
            return true;
    }
    return false;
}

/* A part of a path: [a-z_][a-z0-9_-]*, so that a dot in a name parts what slashes part in a path.
 */
static bool is_part(const char *part, size_t length)
{
    return length > 0 && kc_name_valid_group(part, length) && !memchr(part, '.', length);
}

static enum kc_status join(const char *path, char ret_name[KC_LOOKUP_NAME_MAX])
{
    size_t length = 0;
    while (*path == '/') {
        const size_t size = strcspn(++path, "/");
        if (!is_part(path, size) || length + size + 1 >= KC_LOOKUP_NAME_MAX)
            return KC_ENTRY_NAME_TAKEN;
        if (length > 0)
            ret_name[length++] = '.';
        memcpy(ret_name + length, path, size);
        length += size;
        path += size;
    }
    ret_name[length] = '\0';
    return *path || length == 0 ? KC_ENTRY_NAME_TAKEN : KC_OK;
}

enum kc_status served_name(
    const struct config_groups *groups, const char *path, char ret_name[KC_LOOKUP_NAME_MAX])
{
    for (size_t i = 0; i < groups->names.count; i++)
        if (strcmp(groups->names.items[i].value, path) == 0 &&
            strlen(groups->names.items[i].key) < KC_LOOKUP_NAME_MAX) {
            memcpy(ret_name, groups->names.items[i].key, strlen(groups->names.items[i].key) + 1);
            return KC_OK;
        }
    if (!is_served(groups, path))
        return KC_NOT_FOUND;
    const enum kc_status status = join(path, ret_name);
    for (size_t i = 0; i < groups->names.count && status == KC_OK; i++)
        if (strcmp(groups->names.items[i].key, ret_name) == 0)
            return KC_ENTRY_NAME_TAKEN;
    return status;
}
