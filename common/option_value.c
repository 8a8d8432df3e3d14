/*
 * Typed options: how each type's value is read and written.
 * Used by option.c and by whoever prints options.
 * Must never put a value into an error, nor change a field unless the whole value is good.
 */
#include "common/option.h"

#include "common/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 0x7fffffffu

enum kc_status kc_option_number(const char *text, size_t length, uint32_t *ret_number)
{
    uint64_t number = 0;
    if (length == 0 || length > 10 || (length > 1 && text[0] == '0'))
        return KC_CONFIG_INVALID;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return KC_CONFIG_INVALID;
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    if (number > UINT32_MAX)
        return KC_CONFIG_INVALID;
    *ret_number = (uint32_t)number;
    return KC_OK;
}

enum kc_status kc_option_seconds(const char *text, uint32_t *ret_seconds)
{
    size_t length = strlen(text);
    uint32_t number, unit;
    if (length < 2 || kc_option_number(text, length - 1, &number) != KC_OK)
        return KC_CONFIG_INVALID;
    switch (text[length - 1]) {
    case 's':
        unit = 1;
        break;
    case 'm':
        unit = 60;
        break;
    case 'h':
        unit = 3600;
        break;
    case 'd':
        unit = 86400;
        break;
    default:
        return KC_CONFIG_INVALID;
    }
    if (number > SECONDS_MAX / unit)
        return KC_CONFIG_INVALID;
    *ret_seconds = number * unit;
    return KC_OK;
}

/* The error of a value that its type does not take. */
static enum kc_status not_written_so(
    const struct kc_option *option, struct kc_conf_error *ret_error)
{
    char syntax[KC_CONF_TEXT_MAX];
    kc_option_syntax(option, syntax, sizeof syntax);
    return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "must be %s", syntax);
}

static const char *check_path(const char *path)
{
    if (path[0] != '/')
        return "must be a path that begins with /";
    for (const char *at = path; at; at = strchr(at + 1, '/'))
        if (strncmp(at, "/..", 3) == 0 && (at[3] == '/' || at[3] == 0))
            return "must be a path without ..";
    return NULL;
}

/* Checks `value` by its length, its type and the option's own check. */
static enum kc_status check_text(
    const struct kc_option *option, const char *value, struct kc_conf_error *ret_error)
{
    size_t length = strlen(value);
    if (option->max && (length < option->min || length > option->max))
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "must have %ju to %ju bytes",
            (uintmax_t)option->min, (uintmax_t)option->max);
    const char *wrong = option->type == KC_OPTION_PATH ? check_path(value) : NULL;
    if (!wrong && option->check)
        wrong = option->check(value);
    return wrong ? kc_conf_fail(ret_error, KC_CONFIG_INVALID, "%s", wrong) : KC_OK;
}

static enum kc_status set_string(const struct kc_option *option, char **field, const char *value,
    struct kc_conf_error *ret_error)
{
    enum kc_status status = check_text(option, value, ret_error);
    if (status != KC_OK)
        return status;
    char *copy = strdup(value);
    if (!copy)
        return kc_conf_fail(ret_error, KC_NO_MEMORY, "no memory");
    free(*field);
    *field = copy;
    return KC_OK;
}

static enum kc_status add_item(const struct kc_option *option, struct kc_list *list,
    const char *value, struct kc_conf_error *ret_error)
{
    enum kc_status status = check_text(option, value, ret_error);
    if (status != KC_OK)
        return status;
    if (list->count >= KC_OPTION_LIST_MAX)
        return kc_conf_fail(
            ret_error, KC_CONFIG_INVALID, "takes at most %u items", KC_OPTION_LIST_MAX);
    KC_AUTO_FREE char *copy = strdup(value);
    char **items = copy ? realloc(list->items, (list->count + 2) * sizeof *items) : NULL;
    if (!items)
        return kc_conf_fail(ret_error, KC_NO_MEMORY, "no memory");
    list->items = items;
    list->items[list->count++] = KC_TAKE(copy);
    list->items[list->count] = NULL; /* the list has it; lint: -Wanalyzer-malloc-leak */
    return KC_OK;
}

static enum kc_status add_words(const struct kc_option *option, struct kc_list *list,
    const char *value, struct kc_conf_error *ret_error)
{
    KC_AUTO_FREE char *copy = strdup(value);
    if (!copy)
        return kc_conf_fail(ret_error, KC_NO_MEMORY, "no memory");
    for (char *word = copy; *word;) {
        size_t length = strcspn(word, " \t");
        char *next = word + length + strspn(word + length, " \t");
        word[length] = 0;
        enum kc_status status = length ? add_item(option, list, word, ret_error) : KC_OK;
        if (status != KC_OK)
            return status;
        word = next;
    }
    return KC_OK;
}

static enum kc_status add_pair(const struct kc_option *option, struct kc_map *map, const char *key,
    const char *value, struct kc_conf_error *ret_error)
{
    const char *name = key + strlen(option->name) + 1;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].key, name) == 0)
            return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "stands twice");
    if (map->count >= KC_OPTION_LIST_MAX)
        return kc_conf_fail(
            ret_error, KC_CONFIG_INVALID, "takes at most %u items", KC_OPTION_LIST_MAX);
    const char *wrong = option->check_key ? option->check_key(name) : NULL;
    if (wrong)
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "%s", wrong);
    enum kc_status status = check_text(option, value, ret_error);
    if (status != KC_OK)
        return status;
    KC_AUTO_FREE char *key_copy = strdup(name);
    KC_AUTO_FREE char *value_copy = strdup(value);
    /* the map takes what it has room for; lint: -Wanalyzer-malloc-leak */
    struct kc_pair *items =
        key_copy && value_copy ? realloc(map->items, (map->count + 1) * sizeof *items) : NULL;
    if (!items)
        return kc_conf_fail(ret_error, KC_NO_MEMORY, "no memory");
    /* the map has both now; lint: -Wanalyzer-malloc-leak */
    map->items = items;
    map->items[map->count++] = (struct kc_pair){KC_TAKE(key_copy), KC_TAKE(value_copy)};
    return KC_OK;
}

static enum kc_status set_ids(const struct kc_option *option, struct kc_ids *field,
    const char *value, struct kc_conf_error *ret_error)
{
    struct kc_ids ids;
    const char *dash = strchr(value, '-');
    if (!dash || kc_option_number(value, (size_t)(dash - value), &ids.first) != KC_OK ||
        kc_option_number(dash + 1, strlen(dash + 1), &ids.last) != KC_OK)
        return not_written_so(option, ret_error);
    if (ids.first > ids.last)
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "the first id is above the last");
    const char *wrong = option->check ? option->check(value) : NULL;
    if (wrong)
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "%s", wrong);
    *field = ids;
    return KC_OK;
}

/* Reads the types that are one uint32_t. */
static enum kc_status set_number(const struct kc_option *option, uint32_t *field, const char *value,
    struct kc_conf_error *ret_error)
{
    uint32_t number = 0;
    enum kc_status status;
    bool deny = option->type == KC_OPTION_STALE && strcmp(value, "deny") == 0;
    if (deny)
        status = KC_OK;
    else if (option->type == KC_OPTION_STALE)
        status = strncmp(value, "stale:", 6) == 0 ? kc_option_seconds(value + 6, &number)
                                                  : KC_CONFIG_INVALID;
    else if (option->type == KC_OPTION_SECONDS)
        status = kc_option_seconds(value, &number);
    else
        status = kc_option_number(value, strlen(value), &number);
    if (status == KC_OK && !deny && option->max && (number < option->min || number > option->max))
        status = KC_CONFIG_INVALID;
    if (status != KC_OK)
        return not_written_so(option, ret_error);
    *field = number;
    return KC_OK;
}

static enum kc_status set_word(
    const struct kc_option *option, void *field, const char *value, struct kc_conf_error *ret_error)
{
    if (option->type == KC_OPTION_BOOL) {
        bool yes = strcmp(value, "yes") == 0;
        if (!yes && strcmp(value, "no") != 0)
            return not_written_so(option, ret_error);
        *(bool *)field = yes;
        return KC_OK;
    }
    for (unsigned i = 0; option->words[i]; i++)
        if (strcmp(value, option->words[i]) == 0) {
            *(unsigned *)field = i;
            return KC_OK;
        }
    return not_written_so(option, ret_error);
}

enum kc_status kc_option_set(const struct kc_option *option, void *base, const char *key,
    const char *value, struct kc_conf_error *ret_error)
{
    void *field = (char *)base + option->offset;
    switch (option->type) {
    case KC_OPTION_BOOL:
    case KC_OPTION_ENUM:
        return set_word(option, field, value, ret_error);
    case KC_OPTION_NUMBER:
    case KC_OPTION_SECONDS:
    case KC_OPTION_STALE:
        return set_number(option, field, value, ret_error);
    case KC_OPTION_STRING:
    case KC_OPTION_PATH:
        return set_string(option, field, value, ret_error);
    case KC_OPTION_IDS:
        return set_ids(option, field, value, ret_error);
    case KC_OPTION_WORDS:
        return add_words(option, field, value, ret_error);
    case KC_OPTION_LINES:
        return add_item(option, field, value, ret_error);
    case KC_OPTION_MAP:
        return add_pair(option, field, key, value, ret_error);
    }
    return KC_CONFIG_INVALID;
}
