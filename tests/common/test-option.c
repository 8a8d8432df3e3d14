/*
 * Typed options: each type's values, its refusals, its way back to text.
 */
#include "common/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct all {
    bool flag;
    uint32_t number, seconds, stale;
    unsigned word;
    char *string, *path;
    struct kc_ids ids;
    struct kc_list words, lines;
    struct kc_map map;
};

static const char *no_bad(const char *value)
{
    return strstr(value, "bad") ? "must not be bad" : NULL;
}

static const char *const spellings[] = {"one", "two", "three", NULL};

#define AT(field) offsetof(struct all, field)
static const struct kc_option rows[] = {
    {.name = "flag", .type = KC_OPTION_BOOL, .offset = AT(flag), .fallback = "no"},
    {.name = "number",
        .type = KC_OPTION_NUMBER,
        .offset = AT(number),
        .fallback = "5",
        .min = 1,
        .max = 10},
    {.name = "seconds",
        .type = KC_OPTION_SECONDS,
        .offset = AT(seconds),
        .fallback = "15m",
        .min = 1,
        .max = 86400},
    {.name = "stale",
        .type = KC_OPTION_STALE,
        .offset = AT(stale),
        .fallback = "deny",
        .min = 60,
        .max = 7200},
    {.name = "word",
        .type = KC_OPTION_ENUM,
        .offset = AT(word),
        .fallback = "two",
        .words = spellings},
    {.name = "string",
        .type = KC_OPTION_STRING,
        .offset = AT(string),
        .min = 2,
        .max = 5,
        .check = no_bad},
    {.name = "path", .type = KC_OPTION_PATH, .offset = AT(path), .fallback = "/a"},
    {.name = "ids", .type = KC_OPTION_IDS, .offset = AT(ids), .fallback = "1-2"},
    {.name = "words",
        .type = KC_OPTION_WORDS,
        .offset = AT(words),
        .fallback = "x y",
        .check = no_bad},
    {.name = "lines", .type = KC_OPTION_LINES, .offset = AT(lines), .check = no_bad},
    {.name = "map", .type = KC_OPTION_MAP, .offset = AT(map), .check = no_bad},
};
#define ROWS (sizeof rows / sizeof *rows)
static const struct kc_option_table table = {rows, ROWS};

struct bed {
    struct all all;
    unsigned lines[ROWS];
    unsigned line;
    struct kc_conf_error error;
};

static void begin(struct bed *bed)
{
    memset(bed, 0, sizeof *bed);
    assert_int_equal(kc_options_init(&table, &bed->all), KC_OK);
}

static void end(struct bed *bed)
{
    kc_options_free(&table, &bed->all);
    static const struct all nothing;
    assert_ptr_equal(bed->all.string, nothing.string);
    assert_ptr_equal(bed->all.words.items, nothing.words.items);
}

static enum kc_status put(struct bed *bed, const char *key, const char *value)
{
    const struct kc_conf_item item = {++bed->line, "s", NULL, key, value};
    bed->error.text[0] = 0;
    return kc_option_take(&table, &bed->all, bed->lines, &item, &bed->error);
}

static void expect(struct bed *bed, const char *key, size_t index, const char *value)
{
    char text[256] = "";
    const struct kc_option *option = &rows[kc_option_find(&table, key)];
    assert_int_equal(
        kc_option_value(option, &bed->all, index, text, sizeof text), value ? true : false);
    if (value)
        assert_string_equal(text, value);
}

/* Puts a good value and reads it back. */
static void good(const char *key, const char *value, const char *back)
{
    struct bed bed;
    begin(&bed);
    enum kc_status status = put(&bed, key, value);
    assert_string_equal(bed.error.text, "");
    assert_int_equal(status, KC_OK);
    expect(&bed, key, 0, back);
    end(&bed);
}

/* Puts a bad value; the field keeps its default. */
static void bad(const char *key, const char *value, const char *text)
{
    struct bed bed;
    char before[256] = "-", after[256] = "-";
    begin(&bed);
    size_t at = kc_option_find(&table, key);
    if (at < ROWS && !kc_option_repeats(&rows[at]))
        kc_option_value(&rows[at], &bed.all, 0, before, sizeof before);
    assert_int_equal(put(&bed, key, value), KC_CONFIG_INVALID);
    assert_string_equal(bed.error.text, text);
    if (at < ROWS && !kc_option_repeats(&rows[at]))
        kc_option_value(&rows[at], &bed.all, 0, after, sizeof after);
    assert_string_equal(before, after);
    end(&bed);
}

static void test_defaults(void **state)
{
    (void)state;
    struct bed bed;
    begin(&bed);
    assert_false(bed.all.flag);
    assert_int_equal(bed.all.number, 5);
    assert_int_equal(bed.all.seconds, 900);
    assert_int_equal(bed.all.stale, 0);
    assert_int_equal(bed.all.word, 1);
    assert_null(bed.all.string);
    assert_string_equal(bed.all.path, "/a");
    assert_int_equal(bed.all.ids.first, 1);
    assert_int_equal(bed.all.ids.last, 2);
    assert_int_equal(bed.all.words.count, 2);
    assert_null(bed.all.words.items[2]);
    expect(&bed, "string", 0, NULL);
    expect(&bed, "lines", 0, NULL);
    end(&bed);
}

static void test_words(void **state)
{
    (void)state;
    good("flag", "yes", "yes");
    good("flag", "no", "no");
    bad("flag", "true", "must be yes or no");
    bad("flag", "Yes", "must be yes or no");
    good("word", "three", "three");
    bad("word", "four", "must be one, two or three");
    bad("word", "tw", "must be one, two or three");
}

static void test_numbers(void **state)
{
    (void)state;
    static const char *const not_numbers[] = {
        "0", "11", "-1", "+1", "1.5", "01", "0x5", "5 ", "4294967297", "99999999999", "five"};
    good("number", "1", "1");
    good("number", "10", "10");
    for (size_t i = 0; i < sizeof not_numbers / sizeof *not_numbers; i++)
        bad("number", not_numbers[i], "must be a number from 1 to 10");
    uint32_t number = 7;
    assert_int_equal(kc_option_number("4294967295", 10, &number), KC_OK);
    assert_int_equal(number, UINT32_MAX);
    assert_int_equal(kc_option_number("4294967296", 10, &number), KC_CONFIG_INVALID);
    assert_int_equal(kc_option_number("", 0, &number), KC_CONFIG_INVALID);
    assert_int_equal(kc_option_number("0", 1, &number), KC_OK);
    assert_int_equal(number, 0);
}

static void test_durations(void **state)
{
    (void)state;
    good("seconds", "20s", "20s");
    good("seconds", "120s", "2m");
    good("seconds", "5m", "5m");
    good("seconds", "4h", "4h");
    good("seconds", "24h", "1d");
    bad("seconds", "0s", "must be a duration from 1s to 1d");
    bad("seconds", "2d", "must be a duration from 1s to 1d");
    bad("seconds", "20", "must be a duration from 1s to 1d");
    bad("seconds", "s", "must be a duration from 1s to 1d");
    bad("seconds", "20 s", "must be a duration from 1s to 1d");
    bad("seconds", "20S", "must be a duration from 1s to 1d");
    bad("seconds", "1h30m", "must be a duration from 1s to 1d");
    bad("seconds", "99999999d", "must be a duration from 1s to 1d");
    good("stale", "deny", "deny");
    good("stale", "stale:1m", "stale:1m");
    bad("stale", "stale:59s", "must be deny or stale:DURATION, 1m to 2h");
    bad("stale", "stale", "must be deny or stale:DURATION, 1m to 2h");
    bad("stale", "1m", "must be deny or stale:DURATION, 1m to 2h");
}

static void test_texts(void **state)
{
    (void)state;
    good("string", "ab", "ab");
    good("string", "a b c", "a b c");
    bad("string", "a", "must have 2 to 5 bytes");
    bad("string", "abcdef", "must have 2 to 5 bytes");
    bad("string", "bad", "must not be bad");
    good("path", "/", "/");
    good("path", "/a..b/..c", "/a..b/..c");
    bad("path", "a", "must be a path that begins with /");
    bad("path", "/..", "must be a path without ..");
    bad("path", "/a/../b", "must be a path without ..");
    bad("path", "/a/..", "must be a path without ..");
}

static void test_ids(void **state)
{
    (void)state;
    good("ids", "7-7", "7-7");
    good("ids", "1000-4294967295", "1000-4294967295");
    bad("ids", "7", "must be FIRST-LAST");
    bad("ids", "7-", "must be FIRST-LAST");
    bad("ids", "-7", "must be FIRST-LAST");
    bad("ids", "7 - 8", "must be FIRST-LAST");
    bad("ids", "7-8-9", "must be FIRST-LAST");
    bad("ids", "7-4294967296", "must be FIRST-LAST");
    bad("ids", "8-7", "the first id is above the last");
}

static void test_lists(void **state)
{
    (void)state;
    struct bed bed;
    begin(&bed);
    assert_int_equal(put(&bed, "words", "a  b\tc"), KC_OK);
    assert_int_equal(put(&bed, "words", "d"), KC_OK);
    assert_int_equal(bed.all.words.count, 4); /* the default is gone */
    expect(&bed, "words", 2, "c");
    expect(&bed, "words", 3, "d");
    expect(&bed, "words", 4, NULL);
    assert_true(kc_list_has(&bed.all.words, "b"));
    assert_false(kc_list_has(&bed.all.words, "b "));
    assert_int_equal(put(&bed, "lines", "a  b"), KC_OK);
    assert_int_equal(put(&bed, "lines", "c"), KC_OK);
    expect(&bed, "lines", 0, "a  b");
    expect(&bed, "lines", 1, "c");
    assert_int_equal(put(&bed, "map.x", "1"), KC_OK);
    assert_int_equal(put(&bed, "map.y.z", "2"), KC_OK);
    expect(&bed, "map.x", 0, "x = 1");
    expect(&bed, "map.x", 1, "y.z = 2");
    assert_int_equal(put(&bed, "map.x", "3"), KC_CONFIG_INVALID);
    assert_string_equal(bed.error.text, "stands twice");
    end(&bed);
    bad("words", "good bad", "must not be bad");
    bad("lines", "bad", "must not be bad");
    bad("map.a", "bad", "must not be bad");
    bad("map", "1", "no such key here");
    bad("map.", "1", "no such key here");
    bad("mapx", "1", "no such key here");
}

static void test_list_limit(void **state)
{
    (void)state;
    struct bed bed;
    begin(&bed);
    for (unsigned i = 0; i < KC_OPTION_LIST_MAX; i++)
        assert_int_equal(put(&bed, "lines", "x"), KC_OK);
    assert_int_equal(put(&bed, "lines", "x"), KC_CONFIG_INVALID);
    assert_string_equal(bed.error.text, "takes at most 256 items");
    assert_int_equal(bed.all.lines.count, KC_OPTION_LIST_MAX);
    end(&bed);
}

static void test_keys(void **state)
{
    (void)state;
    struct bed bed;
    bad("nothing", "1", "no such key here");
    bad("Flag", "yes", "no such key here");
    bad("flags", "yes", "no such key here");
    begin(&bed);
    assert_int_equal(put(&bed, "flag", "yes"), KC_OK);
    assert_int_equal(put(&bed, "number", "3"), KC_OK);
    assert_int_equal(put(&bed, "flag", "yes"), KC_CONFIG_INVALID);
    assert_string_equal(bed.error.text, "stands twice, first in line 1");
    end(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_list_limit),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
