/*
 * Typed options: values and their syntax as text.
 * Used by the errors of option_value.c, by kclogind -t and by the check of the man page.
 * Must never print anything but what a configuration file says openly.
 */
#include "common/option.h"

#include <stdio.h>
#include <string.h>

/* `20s` for 20, `7d` for 604800: the largest unit that divides it. */
static void format_seconds(uint64_t seconds, char *text, size_t size)
{
    static const struct {
        uint32_t unit;
        char letter;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    size_t i = 0;
    while (i < 3 && (seconds == 0 || seconds % units[i].unit))
        i++;
    snprintf(text, size, "%ju%c", (uintmax_t)seconds / units[i].unit, units[i].letter);
}

static void words_syntax(const struct kc_option *option, char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; option->words[i] && used < size; i++) {
        const char *between = i == 0 ? "" : option->words[i + 1] ? ", " : " or ";
        used += (size_t)snprintf(text + used, size - used, "%s%s", between, option->words[i]);
    }
}

void kc_option_syntax(const struct kc_option *option, char *ret_text, size_t size)
{
    static const char *const plain[] = {
        [KC_OPTION_BOOL] = "yes or no",
        [KC_OPTION_NUMBER] = "a number from 0 to 4294967295",
        [KC_OPTION_SECONDS] = "a duration such as 20s, 5m, 4h or 7d",
        [KC_OPTION_STALE] = "deny or stale:DURATION",
        [KC_OPTION_STRING] = "a text",
        [KC_OPTION_PATH] = "an absolute path",
        [KC_OPTION_IDS] = "FIRST-LAST",
        [KC_OPTION_WORDS] = "words, parted by blanks",
        [KC_OPTION_LINES] = "one item a line",
        [KC_OPTION_MAP] = "a text",
    };
    char low[32], high[32];
    format_seconds(option->min, low, sizeof low);
    format_seconds(option->max, high, sizeof high);
    if (option->syntax)
        snprintf(ret_text, size, "%s", option->syntax);
    else if (option->type == KC_OPTION_ENUM)
        words_syntax(option, ret_text, size);
    else if (option->type == KC_OPTION_NUMBER && option->max)
        snprintf(ret_text, size, "a number from %ju to %ju", (uintmax_t)option->min,
            (uintmax_t)option->max);
    else if (option->type == KC_OPTION_SECONDS && option->max)
        snprintf(ret_text, size, "a duration from %s to %s", low, high);
    else if (option->type == KC_OPTION_STALE && option->max)
        snprintf(ret_text, size, "deny or stale:DURATION, %s to %s", low, high);
    else
        snprintf(ret_text, size, "%s", plain[option->type]);
}

static bool string_value(const char *value, char *text, size_t size)
{
    if (value)
        snprintf(text, size, "%s", value);
    return value != NULL;
}

static bool list_value(const struct kc_list *list, size_t index, char *text, size_t size)
{
    return index < list->count && string_value(list->items[index], text, size);
}

static bool map_value(const struct kc_map *map, size_t index, char *text, size_t size)
{
    if (index < map->count)
        snprintf(text, size, "%s = %s", map->items[index].key, map->items[index].value);
    return index < map->count;
}

static void seconds_value(const struct kc_option *option, uint32_t seconds, char *text, size_t size)
{
    char duration[32];
    format_seconds(seconds, duration, sizeof duration);
    bool stale = option->type == KC_OPTION_STALE;
    snprintf(text, size, "%s%s", stale && seconds ? "stale:" : "",
        stale && !seconds ? "deny" : duration);
}

bool kc_option_value(
    const struct kc_option *option, const void *base, size_t index, char *ret_text, size_t size)
{
    const void *field = (const char *)base + option->offset;
    switch (option->type) {
    case KC_OPTION_WORDS:
    case KC_OPTION_LINES:
        return list_value(field, index, ret_text, size);
    case KC_OPTION_MAP:
        return map_value(field, index, ret_text, size);
    default:
        if (index > 0)
            return false;
    }
    switch (option->type) {
    case KC_OPTION_BOOL:
        return string_value(*(const bool *)field ? "yes" : "no", ret_text, size);
    case KC_OPTION_ENUM:
        return string_value(option->words[*(const unsigned *)field], ret_text, size);
    case KC_OPTION_NUMBER:
        snprintf(ret_text, size, "%u", *(const uint32_t *)field);
        return true;
    case KC_OPTION_IDS:
        snprintf(ret_text, size, "%u-%u", ((const struct kc_ids *)field)->first,
            ((const struct kc_ids *)field)->last);
        return true;
    case KC_OPTION_SECONDS:
    case KC_OPTION_STALE:
        seconds_value(option, *(const uint32_t *)field, ret_text, size);
        return true;
    default:
        return string_value(*(char *const *)field, ret_text, size);
    }
}
