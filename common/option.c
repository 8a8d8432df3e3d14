/*
 * Typed options: tables, keys and lines.
 * Used for host.conf, for kclogin.conf and for module arguments.
 * Must never leave a field without its default. How a value is read stands in option_value.c.
 */
#include "common/option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kc_status kc_options_init(const struct kc_option_table *table, void *base)
{
    struct kc_conf_error ignored;
    for (size_t i = 0; i < table->count; i++) {
        const struct kc_option *option = &table->options[i];
        if (!option->fallback)
            continue;
        enum kc_status status =
            kc_option_set(option, base, option->name, option->fallback, &ignored);
        if (status != KC_OK)
            return status;
    }
    return KC_OK;
}

static void free_list(struct kc_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct kc_list){NULL, 0};
}

static void free_map(struct kc_map *map)
{
    for (size_t i = 0; i < map->count; i++) {
        free(map->items[i].key);
        free(map->items[i].value);
    }
    free(map->items);
    *map = (struct kc_map){NULL, 0};
}

void kc_options_free(const struct kc_option_table *table, void *base)
{
    for (size_t i = 0; i < table->count; i++) {
        void *field = (char *)base + table->options[i].offset;
        switch (table->options[i].type) {
        case KC_OPTION_STRING:
        case KC_OPTION_PATH:
            free(*(char **)field);
            *(char **)field = NULL;
            break;
        case KC_OPTION_WORDS:
        case KC_OPTION_LINES:
            free_list(field);
            break;
        case KC_OPTION_MAP:
            free_map(field);
            break;
        case KC_OPTION_BOOL:
        case KC_OPTION_NUMBER:
        case KC_OPTION_SECONDS:
        case KC_OPTION_STALE:
        case KC_OPTION_ENUM:
        case KC_OPTION_IDS:
            break;
        }
    }
}

size_t kc_option_find(const struct kc_option_table *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct kc_option *option = &table->options[i];
        size_t length = strlen(option->name);
        if (option->type != KC_OPTION_MAP
                ? strcmp(option->name, key) == 0
                : strncmp(option->name, key, length) == 0 && key[length] == '.' && key[length + 1])
            return i;
    }
    return table->count;
}

bool kc_option_repeats(const struct kc_option *option)
{
    return option->type == KC_OPTION_WORDS || option->type == KC_OPTION_LINES ||
           option->type == KC_OPTION_MAP;
}

enum kc_status kc_option_take(const struct kc_option_table *table, void *base, unsigned *lines,
    const struct kc_conf_item *item, struct kc_conf_error *ret_error)
{
    size_t at = kc_option_find(table, item->key);
    if (at == table->count)
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "no such key here");
    const struct kc_option *option = &table->options[at];
    if (lines[at] && !kc_option_repeats(option))
        return kc_conf_fail(
            ret_error, KC_CONFIG_INVALID, "stands twice, first in line %u", lines[at]);
    /* What the file lists takes the place of a list's default. */
    if (!lines[at] && kc_option_repeats(option))
        kc_options_free(&(struct kc_option_table){option, 1}, base);
    lines[at] = item->line;
    return kc_option_set(option, base, item->key, item->value, ret_error);
}

bool kc_list_has(const struct kc_list *list, const char *item)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], item) == 0)
            return true;
    return false;
}
