/*
 * Pages of secrets that are kept: nothing of a secret stays in them (lesson 23), they come back,
 * and there is an end to how many are kept.
 */
#include "common/secret.h"
#include "daemon/secret_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define KEPT_MAX (256u * 1024u)

static int open_pool(void **state)
{
    (void)state;
    secret_pool_open();
    return 0;
}

static int close_pool(void **state)
{
    (void)state;
    secret_pool_close();
    assert_int_equal(secret_pool_kept(), 0);
    return 0;
}

/* Whether the pages that the next secret of this size gets are the ones at `bytes`, and zero. */
static void comes_back_clean(const uint8_t *bytes, size_t capacity)
{
    KC_AUTO_SECRET struct kc_secret next = KC_SECRET_INIT;
    assert_int_equal(kc_secret_reserve(&next, capacity), KC_OK);
    assert_ptr_equal(next.bytes, bytes);
    for (size_t i = 0; i <= next.capacity; i++)
        assert_int_equal(next.bytes[i], 0);
}

static void test_lesson_23_comes_back_clean(void **state)
{
    (void)state;
    for (size_t capacity = 4095; capacity < 65536; capacity = capacity * 2 + 1) {
        struct kc_secret secret = KC_SECRET_INIT;
        assert_int_equal(kc_secret_reserve(&secret, capacity), KC_OK);
        const uint8_t *bytes = secret.bytes;
        /* more was written than it says: a writer that failed half-way */
        memset(secret.bytes, 'S', capacity);
        secret.length = 7;
        kc_secret_wipe(&secret);
        assert_int_equal(secret_pool_kept(), capacity + 1);
        comes_back_clean(bytes, capacity);
        secret_pool_close();
        secret_pool_open();
    }
}

static void test_lesson_23_growth_leaves_nothing(void **state)
{
    (void)state;
    KC_AUTO_SECRET struct kc_secret secret = KC_SECRET_INIT;
    assert_int_equal(kc_secret_set(&secret, "hunter2", 7), KC_OK);
    const uint8_t *small = secret.bytes;
    assert_int_equal(kc_secret_reserve(&secret, 5000), KC_OK);
    assert_string_equal(kc_secret_text(&secret), "hunter2");
    comes_back_clean(small, 10);
}

static void test_an_end_to_what_is_kept(void **state)
{
    (void)state;
    struct kc_secret secrets[80] = {KC_SECRET_INIT};
    for (size_t i = 0; i < 80; i++)
        assert_int_equal(kc_secret_set(&secrets[i], "x", 1), KC_OK);
    for (size_t i = 0; i < 80; i++)
        kc_secret_wipe(&secrets[i]);
    assert_int_equal(secret_pool_kept(), KEPT_MAX);
}

static void test_large_ones_are_not_kept(void **state)
{
    (void)state;
    struct kc_secret secret = KC_SECRET_INIT;
    assert_int_equal(kc_secret_reserve(&secret, 65536), KC_OK);
    kc_secret_wipe(&secret);
    assert_int_equal(secret_pool_kept(), 0);
}

static void test_none_before_it_is_opened(void **state)
{
    (void)state;
    struct kc_secret secret = KC_SECRET_INIT;
    secret_pool_close();
    assert_int_equal(kc_secret_set(&secret, "x", 1), KC_OK);
    kc_secret_wipe(&secret);
    assert_int_equal(secret_pool_kept(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lesson_23_comes_back_clean, open_pool, close_pool),
        cmocka_unit_test_setup_teardown(test_lesson_23_growth_leaves_nothing, open_pool, close_pool),
        cmocka_unit_test_setup_teardown(test_an_end_to_what_is_kept, open_pool, close_pool),
        cmocka_unit_test_setup_teardown(test_large_ones_are_not_kept, open_pool, close_pool),
        cmocka_unit_test_setup_teardown(test_none_before_it_is_opened, open_pool, close_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
