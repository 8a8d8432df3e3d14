/*
 * Tests of who counts as one among the callers, and of their questions.
 */
#include "daemon/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define RANGE "ids = 1900000000-1999999999\n"

static struct kc_bounds *bounds;
static struct shares shares;

static int begin(void **state)
{
    (void)state;
    struct kc_conf_error error;
    shares = (struct shares){.count = 0};
    return kc_bounds_parse(RANGE, sizeof RANGE - 1, &bounds, &error) == KC_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    kc_bounds_free(bounds);
    return 0;
}

static void test_realm_users_count_each_for_themselves(void **state)
{
    (void)state;
    assert_int_not_equal(share_of(bounds, 1900010001), share_of(bounds, 1900010002));
    assert_int_not_equal(share_of(bounds, 1000), share_of(bounds, 1256));
    assert_int_not_equal(share_of(bounds, 998), share_of(bounds, 1000000));
    /* subordinate uids: one person's */
    assert_int_equal(share_of(bounds, 0x10000), share_of(bounds, 0x1ffff));
    assert_int_not_equal(share_of(bounds, 0x1ffff), share_of(bounds, 0x20000));
    /* the range ends within a block: who is outside of it is no realm user */
    assert_int_equal(share_of(bounds, 2000000000), share_of(bounds, 2000000001));
    assert_int_not_equal(share_of(bounds, 1999999999), share_of(bounds, 2000000000));
}

static void test_nobody_spends_what_is_anothers(void **state)
{
    (void)state;
    for (uint32_t uid = 0; uid < SHARES - 1; uid++)
        share_questions(&shares, uid == 998 ? 65535 : uid, 1)->left = 0;
    assert_int_equal(share_questions(&shares, 998, 1)->left, SHARE_QUESTIONS);
    share_questions(&shares, 998, 1)->left--;
    assert_int_equal(share_questions(&shares, 998, 1)->left, SHARE_QUESTIONS - 1);
    assert_int_equal(share_questions(&shares, 997, SHARE_US)->left, 0);
    assert_int_equal(share_questions(&shares, 997, SHARE_US + 1)->left, SHARE_QUESTIONS);
}

static void test_the_table_has_an_end(void **state)
{
    (void)state;
    for (uint64_t share = 0; share < 2ull * SHARES; share++)
        share_questions(&shares, share, 1);
    assert_int_equal(shares.count, SHARES);
    assert_ptr_equal(share_questions(&shares, SHARES, 1), &shares.others);
    assert_ptr_equal(share_questions(&shares, SHARES + 1, 1), &shares.others);
    assert_ptr_not_equal(share_questions(&shares, SHARES, SHARE_US + 1), &shares.others);
    assert_int_equal(shares.count, SHARES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_realm_users_count_each_for_themselves, begin, end),
        cmocka_unit_test_setup_teardown(test_nobody_spends_what_is_anothers, begin, end),
        cmocka_unit_test_setup_teardown(test_the_table_has_an_end, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
