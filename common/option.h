/*
 * Typed options: one table a surface is the source for reading, defaults, checks and documents.
 * Used for host.conf, for kclogin.conf and for module arguments.
 * Must never put a value into an error, nor leave a field without its default.
 */
#ifndef KC_OPTION_H
#define KC_OPTION_H

#include "common/conf.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KC_OPTION_LIST_MAX 256u /* items of one list */

/* What a field of the struct behind a table holds. */
enum kc_option_type {
    KC_OPTION_BOOL,    /* bool: yes or no */
    KC_OPTION_NUMBER,  /* uint32_t */
    KC_OPTION_SECONDS, /* uint32_t: 20s, 5m, 4h, 7d */
    KC_OPTION_STALE,   /* uint32_t: `deny` is 0, `stale:4h` is its seconds */
    KC_OPTION_ENUM,    /* unsigned: index into words */
    KC_OPTION_STRING,  /* char *, NULL where there is no default */
    KC_OPTION_PATH,    /* char *: absolute, no component `..` */
    KC_OPTION_IDS,     /* struct kc_ids: first-last */
    KC_OPTION_WORDS,   /* struct kc_list: parted by blanks; a repeated key adds */
    KC_OPTION_LINES,   /* struct kc_list: the value is one item; a repeated key adds */
    KC_OPTION_MAP,     /* struct kc_map: `name.KEY = value`, each KEY once */
};

struct kc_ids {
    uint32_t first;
    uint32_t last; /* included */
};

struct kc_list {
    char **items; /* items[count] is NULL; NULL itself where count is 0 */
    size_t count;
};

struct kc_pair {
    char *key;
    char *value;
};

struct kc_map {
    struct kc_pair *items;
    size_t count;
};

/* Says what is wrong with one value (one item of a list), or NULL. */
typedef const char *kc_option_check(const char *value);

struct kc_option {
    const char *name; /* of a MAP: what stands before the dot */
    enum kc_option_type type;
    size_t offset;        /* of the field */
    const char *fallback; /* the default as it would be written; NULL: none */
    uint64_t min, max;    /* NUMBER, SECONDS, STALE: the range; texts: bytes. 0, 0: the type's */
    const char *const *words;   /* ENUM: the spellings, ended by NULL */
    kc_option_check *check;     /* texts, and each item of a list; NULL: none */
    kc_option_check *check_key; /* MAP: its KEY; NULL: none */
    const char *syntax;         /* how a value is written, for documents; NULL: the type's */
    const char *meaning;        /* one line */
    bool later;                 /* read and checked, and without effect in this version */
};

struct kc_option_table {
    const struct kc_option *options;
    size_t count;
};

/* Sets each field of `base` to its default. KC_NO_MEMORY; KC_CONFIG_INVALID for a bad table. */
enum kc_status kc_options_init(const struct kc_option_table *table, void *base);

/* Frees what the fields own; they may all be zero. */
void kc_options_free(const struct kc_option_table *table, void *base);

/* The index of `key` in the table (of a MAP also `name.KEY`), or table->count. */
size_t kc_option_find(const struct kc_option_table *table, const char *key);

/* Whether a repeated key adds to the option. */
bool kc_option_repeats(const struct kc_option *option);

/*
 * Reads `value` into the option's field. `key` is as it was written (a MAP takes its KEY from
 * it). KC_CONFIG_INVALID with ret_error->text, KC_NO_MEMORY.
 */
enum kc_status kc_option_set(const struct kc_option *option, void *base, const char *key,
    const char *value, struct kc_conf_error *ret_error);

/*
 * Reads one item of a file: finds the key, refuses an unknown or repeated one, sets the field.
 * `lines` has table->count numbers, 0 at first: where each option was last set. KC_CONFIG_INVALID
 * with ret_error->text, KC_NO_MEMORY.
 */
enum kc_status kc_option_take(const struct kc_option_table *table, void *base, unsigned *lines,
    const struct kc_conf_item *item, struct kc_conf_error *ret_error);

/* How a value is written, e.g. `yes or no`. `size` bytes are filled at most. */
void kc_option_syntax(const struct kc_option *option, char *ret_text, size_t size);

/*
 * The field's value as it would be written; item `index` of a list or map. False: there is none
 * (not set, or past the last item).
 */
bool kc_option_value(
    const struct kc_option *option, const void *base, size_t index, char *ret_text, size_t size);

/* Reads a duration `20s`, `5m`, `4h`, `7d`; KC_CONFIG_INVALID for anything else, or over 2^31. */
enum kc_status kc_option_seconds(const char *text, uint32_t *ret_seconds);

/* Reads digits alone, 0 to 2^32-1, without a leading zero. KC_CONFIG_INVALID. */
enum kc_status kc_option_number(const char *text, size_t length, uint32_t *ret_number);

/* Whether a list has the item, compared whole. */
bool kc_list_has(const struct kc_list *list, const char *item);

#endif
