/*
 * The limits before the realm is asked (lessons 28 and 43): who is one source, what counts, what
 * is forgiven, and that nobody's failures keep somebody else out.
 */
#include "daemon/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct limits_setting few = {
    .source_failures = 1, .target_failures = 2, .window_ms = 900000};

static int set_up(void **state)
{
    struct limits *limits = NULL;
    assert_int_equal(limits_new(&limits), KC_OK);
    *state = limits;
    return 0;
}

static int tear_down(void **state)
{
    limits_free(*state);
    return 0;
}

static enum kc_status check(struct limits *limits, const char *rhost, const char *user, uint64_t now)
{
    struct limits_source source = limits_source(0, rhost);
    return limits_check(limits, &few, &source, user, now);
}

static void wrong(struct limits *limits, const char *rhost, const char *user, uint64_t now)
{
    struct limits_source source = limits_source(0, rhost);
    limits_failed(limits, &few, &source, user, now);
}

static void succeed(struct limits *limits, const char *rhost, const char *user, uint64_t now)
{
    struct limits_source source = limits_source(0, rhost);
    limits_succeeded(limits, &source, user, now);
}

static bool same(struct limits_source a, struct limits_source b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

static void test_what_is_one_source(void **state)
{
    (void)state;
    assert_true(same(limits_source(1000, "192.0.2.1"), limits_source(1000, "192.0.2.2")));
    assert_false(same(limits_source(1000, ""), limits_source(1001, "")));
    assert_false(same(limits_source(0, "192.0.2.1"), limits_source(0, "192.0.2.2")));
    assert_true(same(limits_source(0, "2001:db8:1:2::1"), limits_source(0, "2001:db8:1:2:ffff::")));
    assert_false(same(limits_source(0, "2001:db8:1:2::1"), limits_source(0, "2001:db8:1:3::1")));
    assert_true(same(limits_source(0, "::ffff:192.0.2.1"), limits_source(0, "192.0.2.1")));
    assert_false(same(limits_source(0, "a.example"), limits_source(0, "b.example")));
    assert_false(same(limits_source(0, ""), limits_source(0, "a.example")));
}

static void test_a_source_is_stopped_and_another_is_not(void **state)
{
    struct limits *limits = *state;
    assert_int_equal(check(limits, "192.0.2.1", "ada", 1000), KC_OK);
    wrong(limits, "192.0.2.1", "ada", 1000);
    assert_int_equal(check(limits, "192.0.2.1", "ada", 1001), KC_LIMITED);
    assert_int_equal(check(limits, "192.0.2.1", "bob", 1001), KC_OK);
    assert_int_equal(check(limits, "192.0.2.2", "ada", 1001), KC_OK);
}

static void test_a_window_ends(void **state)
{
    struct limits *limits = *state;
    wrong(limits, "192.0.2.1", "ada", 1000);
    assert_int_equal(check(limits, "192.0.2.1", "ada", 900999), KC_LIMITED);
    assert_int_equal(check(limits, "192.0.2.1", "ada", 901000), KC_OK);
    wrong(limits, "192.0.2.1", "ada", 901000);
    assert_int_equal(check(limits, "192.0.2.1", "ada", 901001), KC_LIMITED);
}

static void test_a_target_is_kept_below_the_realm_s_lock(void **state)
{
    struct limits *limits = *state;
    wrong(limits, "192.0.2.1", "ada", 1000);
    wrong(limits, "192.0.2.2", "ada", 1000);
    assert_int_equal(check(limits, "192.0.2.3", "ada", 1001), KC_LIMITED);
    assert_int_equal(check(limits, "192.0.2.3", "bob", 1001), KC_OK);
}

static void test_lesson_43_others_cannot_keep_ada_out(void **state)
{
    struct limits *limits = *state;
    succeed(limits, "198.51.100.7", "ada", 500);
    wrong(limits, "192.0.2.1", "ada", 1000);
    wrong(limits, "192.0.2.2", "ada", 1000);
    assert_int_equal(check(limits, "192.0.2.3", "ada", 1001), KC_LIMITED);
    assert_int_equal(check(limits, "198.51.100.7", "ada", 1001), KC_OK);
    /* but her own failures from there count */
    wrong(limits, "198.51.100.7", "ada", 1002);
    assert_int_equal(check(limits, "198.51.100.7", "ada", 1003), KC_LIMITED);
}

static void test_a_success_forgives(void **state)
{
    struct limits *limits = *state;
    wrong(limits, "192.0.2.1", "ada", 1000);
    wrong(limits, "192.0.2.2", "ada", 1000);
    succeed(limits, "192.0.2.1", "ada", 1500);
    assert_int_equal(check(limits, "192.0.2.1", "ada", 1501), KC_OK);
    assert_int_equal(check(limits, "192.0.2.3", "ada", 1501), KC_OK);
    assert_int_equal(check(limits, "192.0.2.2", "ada", 1501), KC_LIMITED);
}

static void test_names_are_compared_whole(void **state)
{
    struct limits *limits = *state;
    wrong(limits, "192.0.2.1", "ada", 1000);
    assert_int_equal(check(limits, "192.0.2.1", "ad", 1001), KC_OK);
    assert_int_equal(check(limits, "192.0.2.1", "adam", 1001), KC_OK);
}

static void test_no_limit_where_none_is_set(void **state)
{
    struct limits *limits = *state;
    const struct limits_setting none = {.window_ms = 900000};
    struct limits_source source = limits_source(0, "192.0.2.1");
    for (int i = 0; i < 100; i++) {
        assert_int_equal(limits_check(limits, &none, &source, "ada", 1000), KC_OK);
        limits_failed(limits, &none, &source, "ada", 1000);
    }
}

static void test_a_flood_of_sources_forgets_no_success(void **state)
{
    struct limits *limits = *state;
    char rhost[64];
    succeed(limits, "198.51.100.7", "ada", 1);
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(rhost, sizeof rhost, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        wrong(limits, rhost, "ada", 1000 + i);
    }
    assert_int_equal(check(limits, "198.51.100.7", "ada", 101000), KC_OK);
    assert_int_equal(check(limits, "10.9.9.9", "ada", 101000), KC_LIMITED);
}

int main(void)
{
#define ON_LIMITS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_one_source),
        ON_LIMITS(test_a_source_is_stopped_and_another_is_not),
        ON_LIMITS(test_a_window_ends),
        ON_LIMITS(test_a_target_is_kept_below_the_realm_s_lock),
        ON_LIMITS(test_lesson_43_others_cannot_keep_ada_out),
        ON_LIMITS(test_a_success_forgives),
        ON_LIMITS(test_names_are_compared_whole),
        ON_LIMITS(test_no_limit_where_none_is_set),
        ON_LIMITS(test_a_flood_of_sources_forgets_no_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
