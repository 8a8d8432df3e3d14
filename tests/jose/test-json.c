/*
 * The strict JSON reader: JSONTestSuite, the limits, and what nobody may use.
 * Run by make check.
 * Lesson 14: json-c alone takes 15 of the suite's 188 invalid files in strict mode.
 */
#include "jose/json.h"
#include "jose/limits.h"
#include "tests/jose/forge.h"
#include "tests/vectors.h"

#include <dirent.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static enum kc_status parse(const char *text, struct json_object **ret)
{
    return jose_json_parse(text, strlen(text), &jose_json_token_limits, ret);
}

/* Only the status; the value is given back. */
static enum kc_status reads(const char *text)
{
    struct json_object *value = NULL;
    enum kc_status status = parse(text, &value);
    json_object_put(value);
    return status;
}

static struct json_object *read_object(const char *text)
{
    struct json_object *object = NULL;
    assert_int_equal(
        jose_json_parse_object(text, strlen(text), &jose_json_token_limits, &object), KC_OK);
    return object;
}

/* --- JSONTestSuite ------------------------------------------------------------------------ */

struct tally {
    unsigned valid, invalid, either;
};

static void run_file(const char *folder, const char *name, struct tally *tally)
{
    char *path = forge_text("%s/%s", folder, name);
    size_t length = 0;
    char *text = vectors_read(path, &length);
    assert_non_null(text);
    struct json_object *value = NULL;
    /* A copy of exact size: a sanitizer sees a read of the NUL behind it. */
    char *exact = malloc(length ? length : 1);
    memcpy(exact, text, length);
    enum kc_status status = jose_json_parse(exact, length, &jose_json_answer_limits, &value);
    if (name[0] == 'y' && status != KC_OK)
        fail_msg("%s: %s", name, kc_status_word(status));
    if (name[0] == 'n' && status == KC_OK)
        fail_msg("%s: taken", name);
    tally->valid += name[0] == 'y';
    tally->invalid += name[0] == 'n';
    tally->either += name[0] == 'i';
    json_object_put(value);
    free(exact);
    free(text);
    free(path);
}

static void test_lesson_14_json_test_suite(void **state)
{
    (void)state;
    char *folder = vectors_path("jsontestsuite");
    struct tally tally = {0, 0, 0};
    DIR *files = opendir(folder);
    assert_non_null(files);
    for (struct dirent *file; (file = readdir(files));)
        if (file->d_name[1] == '_')
            run_file(folder, file->d_name, &tally);
    closedir(files);
    free(folder);
    assert_int_equal(tally.valid, 95);
    assert_int_equal(tally.invalid, 188);
    assert_int_equal(tally.either, 35);
}

/* --- text ---------------------------------------------------------------------------------- */

static void test_strings(void **state)
{
    (void)state;
    struct json_object *object = read_object(
        "{\"plain\":\"ada\",\"escapes\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac"
        "\\ud83d\\ude00\",\"raw\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\",\"\":\"\"}");
    const char *text;
    size_t length;
    assert_int_equal(jose_json_string(object, "plain", 3, &text, &length), KC_OK);
    assert_string_equal(text, "ada");
    assert_int_equal(length, 3);
    assert_int_equal(jose_json_string(object, "plain", 2, &text, &length), KC_TOO_LARGE);
    assert_int_equal(jose_json_string(object, "escapes", 99, &text, NULL), KC_OK);
    assert_string_equal(text, "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_int_equal(jose_json_string(object, "raw", 99, &text, NULL), KC_OK);
    assert_string_equal(text, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_int_equal(jose_json_string(object, "", 99, &text, &length), KC_OK);
    assert_int_equal(length, 0);
    assert_int_equal(jose_json_string(object, "absent", 99, &text, NULL), KC_NOT_FOUND);
    json_object_put(object);
}

static void test_strings_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
        "\"\\ud800x\"", "\"\\ud800\\\"", "\"\\udc00\\ud800\"", "{\"\\ud800\":1}",
        "\"\xed\xa0\x80\"", "\"\xc0\x80\"", "\"\xe0\x80\x80\"", "\"\xf0\x80\x80\x80\"",
        "\"\xf4\x90\x80\x80\"", "\"\xf5\x80\x80\x80\"", "\"\x80\"", "\"\xc3\"", "\"\xe2\x82\"",
        "\"\xf0\x9f\x98\"", "\"\xe2\x28\xa1\"", "\"\xf0\x9f\x28\x80\"", "\"\xff\"", "\"a\nb\"",
        "\"a\tb\"", "\"\x1f\"", "\"\\x41\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u\"", "\"\\", "\"",
        "\"abc", "'a'", "\"\\U0041\"", "\xef\xbb\xbf{}", "\"\\ud83d\\ude0\"", "\"\\ud83d\\u\"",
        "\"\\ud83d\\n\""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (reads(wrong[i]) != KC_MALFORMED)
            fail_msg("row %zu: %s", i, wrong[i]);
    assert_int_equal(reads("\"\x7f\""), KC_OK);
    assert_int_equal(reads("\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\""), KC_OK);
}

static void test_lesson_14_embedded_nul(void **state)
{
    (void)state;
    struct json_object *value = NULL, *member;
    const char *text;
    assert_int_equal(jose_json_parse("\"a\0b\"", 5, &jose_json_token_limits, &value), KC_MALFORMED);
    assert_int_equal(jose_json_parse("{}\0", 3, &jose_json_token_limits, &value), KC_MALFORMED);
    struct json_object *object = read_object("{\"user\":\"ada\\u0000x\",\"azp\\u0000\":\"c\","
                                             "\"groups\":[\"/a\\u0000b\",\"/c\"]}");
    /* A string with a NUL is no string to anybody, through json-c alone neither. */
    assert_int_equal(jose_json_string(object, "user", 99, &text, NULL), KC_MALFORMED);
    assert_int_equal(jose_json_member(object, "user", &member), KC_MALFORMED);
    assert_true(json_object_object_get_ex(object, "user", &member));
    assert_false(json_object_is_type(member, json_type_string));
    /* A name is not cut short. */
    assert_int_equal(jose_json_string(object, "azp", 99, &text, NULL), KC_NOT_FOUND);
    assert_int_equal(json_object_object_length(object), 2);
    assert_int_equal(jose_json_array(object, "groups", &value), KC_OK);
    assert_int_equal(
        jose_json_text(json_object_array_get_idx(value, 0), 99, &text, NULL), KC_MALFORMED);
    assert_int_equal(jose_json_text(json_object_array_get_idx(value, 1), 99, &text, NULL), KC_OK);
    assert_string_equal(text, "/c");
    assert_int_equal(
        jose_json_text(json_object_array_get_idx(value, 1), 1, &text, NULL), KC_TOO_LARGE);
    assert_int_equal(jose_json_text(NULL, 99, &text, NULL), KC_MALFORMED);
    json_object_put(object);
}

static void test_text_with_nul_of_our_own(void **state)
{
    (void)state;
    const char *text;
    struct json_object *value = json_object_new_string_len("a\0b", 3);
    assert_int_equal(jose_json_text(value, 99, &text, NULL), KC_MALFORMED);
    json_object_put(value);
}

static void test_lesson_14_duplicate_members(void **state)
{
    (void)state;
    struct json_object *member;
    const char *text;
    int64_t number;
    bool flag;
    struct json_object *object = read_object("{\"sub\":\"a\",\"x\":1,\"sub\":\"a\",\"s\\u0075b\":2,"
                                             "\"exp\":9,\"exp\":1,\"l\":[],\"l\":[],"
                                             "\"o\":{\"r\":1,\"r\":1},\"n\":null,\"n\":null}");
    assert_int_equal(jose_json_string(object, "sub", 9, &text, NULL), KC_TOKEN_DUPLICATE_MEMBER);
    assert_int_equal(jose_json_int64(object, "exp", &number), KC_TOKEN_DUPLICATE_MEMBER);
    assert_int_equal(jose_json_time(object, "exp", &number), KC_TOKEN_DUPLICATE_MEMBER);
    assert_int_equal(jose_json_bool(object, "exp", &flag), KC_TOKEN_DUPLICATE_MEMBER);
    assert_int_equal(jose_json_array(object, "l", &member), KC_TOKEN_DUPLICATE_MEMBER);
    assert_int_equal(jose_json_member(object, "n", &member), KC_TOKEN_DUPLICATE_MEMBER);
    assert_int_equal(jose_json_int64(object, "x", &number), KC_OK);
    /* Through json-c alone neither the first nor the last value is there. */
    assert_true(json_object_object_get_ex(object, "sub", &member));
    assert_true(json_object_is_type(member, json_type_object));
    assert_int_equal(jose_json_object(object, "o", &member), KC_OK);
    assert_int_equal(jose_json_int64(member, "r", &number), KC_TOKEN_DUPLICATE_MEMBER);
    json_object_put(object);
}

/* --- numbers ------------------------------------------------------------------------------- */

static enum kc_status whole(const char *spelled, int64_t *ret)
{
    char *text = forge_text("{\"n\":%s}", spelled);
    struct json_object *object = NULL;
    enum kc_status status =
        jose_json_parse_object(text, strlen(text), &jose_json_token_limits, &object);
    if (status == KC_OK)
        status = jose_json_int64(object, "n", ret);
    json_object_put(object);
    free(text);
    return status;
}

static enum kc_status seconds(const char *spelled, int64_t *ret)
{
    char *text = forge_text("{\"n\":%s}", spelled);
    struct json_object *object = read_object(text);
    enum kc_status status = jose_json_time(object, "n", ret);
    json_object_put(object);
    free(text);
    return status;
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *spelled;
        int64_t value;
    } rows[] = {{"0", 0}, {"-0", 0}, {"7", 7}, {"-7", -7}, {"1700000000", 1700000000},
        {"9007199254740992", INT64_C(9007199254740992)},
        {"-9007199254740992", INT64_C(-9007199254740992)}, {"1e3", 1000}, {"1E+3", 1000},
        {"5.0", 5}, {"0.5e1", 5}, {"-0.0", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t value = 77;
        assert_int_equal(whole(rows[i].spelled, &value), KC_OK);
        assert_int_equal(value, rows[i].value);
    }
}

static void test_lesson_14_numbers_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"9007199254740993", "-9007199254740993",
        "9223372036854775807", "-9223372036854775808", "9223372036854775808",
        "-9223372036854775809", "99999999999999999999999", "1e400", "-1e400", "1e300", "0.5",
        "\"123\"", "\"\"", "true", "null", "[1]", "{}", "01", "+1", ".5", "1.", "1e", "1e+", "-",
        "0x10", "NaN", "Infinity", "-Infinity", "1_000", "--1", "1 2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t value = 77;
        if (whole(wrong[i], &value) != KC_MALFORMED || value != 77)
            fail_msg("taken: %s", wrong[i]);
    }
}

static void test_times(void **state)
{
    (void)state;
    int64_t value = 77;
    assert_int_equal(seconds("1700000000.9", &value), KC_OK);
    assert_int_equal(value, 1700000000);
    assert_int_equal(seconds("0", &value), KC_OK);
    assert_int_equal(seconds("-1", &value), KC_MALFORMED);
    assert_int_equal(seconds("1e300", &value), KC_MALFORMED);
    assert_int_equal(seconds("\"1700000000\"", &value), KC_MALFORMED);
    assert_int_equal(seconds("9223372036854775807", &value), KC_MALFORMED);
}

static void test_numbers_in_any_locale(void **state)
{
    (void)state;
    int64_t value = 0;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8"))
        skip(); /* this host has no locale with a decimal comma */
    assert_int_equal(seconds("12.75", &value), KC_OK);
    assert_int_equal(value, 12);
    assert_int_equal(whole("12.75", &value), KC_MALFORMED);
    setlocale(LC_NUMERIC, "C");
}

static void test_number_length(void **state)
{
    (void)state;
    char digits[JOSE_JSON_NUMBER + 2];
    memset(digits, '0', sizeof digits);
    memcpy(digits, "0.", 2);
    digits[JOSE_JSON_NUMBER] = 0;
    assert_int_equal(reads(digits), KC_OK);
    digits[JOSE_JSON_NUMBER] = '0';
    digits[JOSE_JSON_NUMBER + 1] = 0;
    assert_int_equal(reads(digits), KC_TOO_LARGE);
}

/* --- other types --------------------------------------------------------------------------- */

static void test_types(void **state)
{
    (void)state;
    struct json_object *object = read_object(
        "{\"b\":true,\"f\":false,\"i\":1,\"s\":\"true\",\"a\":[1],\"o\":{\"x\":1},\"n\":null}");
    struct json_object *value = NULL;
    const char *text;
    bool flag = false;
    assert_int_equal(jose_json_bool(object, "b", &flag), KC_OK);
    assert_true(flag);
    assert_int_equal(jose_json_bool(object, "f", &flag), KC_OK);
    assert_false(flag);
    static const char *const not_bool[] = {"i", "s", "a", "o", "n"};
    for (size_t i = 0; i < sizeof not_bool / sizeof *not_bool; i++)
        assert_int_equal(jose_json_bool(object, not_bool[i], &flag), KC_MALFORMED);
    assert_int_equal(jose_json_array(object, "a", &value), KC_OK);
    assert_int_equal(jose_json_array(object, "o", &value), KC_MALFORMED);
    assert_int_equal(jose_json_object(object, "o", &value), KC_OK);
    assert_int_equal(jose_json_object(object, "a", &value), KC_MALFORMED);
    assert_int_equal(jose_json_object(object, "n", &value), KC_MALFORMED);
    assert_int_equal(jose_json_string(object, "n", 9, &text, NULL), KC_MALFORMED);
    assert_int_equal(jose_json_string(object, "i", 9, &text, NULL), KC_MALFORMED);
    assert_int_equal(jose_json_member(object, "n", &value), KC_OK);
    assert_null(value);
    assert_int_equal(jose_json_member(NULL, "n", &value), KC_MALFORMED);
    json_object_put(object);
    assert_int_equal(parse("null", &value), KC_OK);
    assert_null(value);
    assert_int_equal(
        jose_json_parse_object("[]", 2, &jose_json_token_limits, &value), KC_MALFORMED);
    assert_int_equal(
        jose_json_parse_object("null", 4, &jose_json_token_limits, &value), KC_MALFORMED);
}

/* --- limits -------------------------------------------------------------------------------- */

static void test_depth(void **state)
{
    (void)state;
    char text[2 * (JOSE_JSON_DEPTH + 1) + 1];
    for (size_t depth = JOSE_JSON_DEPTH; depth <= JOSE_JSON_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = 0;
        assert_int_equal(reads(text), depth > JOSE_JSON_DEPTH ? KC_TOO_LARGE : KC_OK);
    }
    /* Depth is how deep, not how many. */
    assert_int_equal(reads("[[],[],[[]],{},{},[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
                           "[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]"),
        KC_OK);
}

static void test_sizes(void **state)
{
    (void)state;
    struct json_object *value = NULL;
    const struct jose_json_limits small = {5, 2, 3};
    assert_int_equal(jose_json_parse("[1,2]", 5, &small, &value), KC_OK);
    json_object_put(value);
    value = NULL;
    assert_int_equal(jose_json_parse("[1,2] ", 6, &small, &value), KC_TOO_LARGE);
    const struct jose_json_limits few = {99, 2, 3};
    assert_int_equal(jose_json_parse("[1,2,3]", 7, &few, &value), KC_TOO_LARGE);
    const struct jose_json_limits deep = {99, JOSE_JSON_DEPTH + 1, 3};
    assert_int_equal(jose_json_parse("1", 1, &deep, &value), KC_TOO_LARGE);
    assert_int_equal(jose_json_parse("", 0, &few, &value), KC_MALFORMED);
    assert_null(value);
}

/* A megabyte of empty objects must not become hundreds. */
static void test_lesson_26_memory(void **state)
{
    (void)state;
    struct json_object *value = NULL;
    char *text = malloc(JOSE_ANSWER_BYTES);
    text[0] = '[';
    for (size_t i = 1; i + 3 <= JOSE_ANSWER_BYTES; i += 3)
        memcpy(text + i, "{},", 3);
    assert_int_equal(
        jose_json_parse(text, JOSE_ANSWER_BYTES, &jose_json_answer_limits, &value), KC_TOO_LARGE);
    free(text);
}

/* --- giving back --------------------------------------------------------------------------- */

static void test_wipe(void **state)
{
    (void)state;
    struct json_object *object =
        read_object("{\"access_token\":\"s3cret-s3cret-s3cret-s3cret-s3cret\",\"a\":[\"secret\"]}");
    const char *text;
    assert_int_equal(jose_json_string(object, "access_token", 99, &text, NULL), KC_OK);
    struct json_object *kept = json_object_get(json_object_object_get(object, "access_token"));
    jose_json_wipe(object);
    assert_int_equal(strlen(text), 0);
    json_object_put(kept);
    jose_json_wipe(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lesson_14_json_test_suite),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_strings_refused),
        cmocka_unit_test(test_lesson_14_embedded_nul),
        cmocka_unit_test(test_text_with_nul_of_our_own),
        cmocka_unit_test(test_lesson_14_duplicate_members),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_lesson_14_numbers_refused),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_numbers_in_any_locale),
        cmocka_unit_test(test_number_length),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_lesson_26_memory),
        cmocka_unit_test(test_wipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
