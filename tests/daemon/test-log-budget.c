/*
 * Tests of the log's budget: a flood makes few lines, and nothing of it is forgotten.
 */
#include "daemon/clock.h"
#include "daemon/log_budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char said[4096];

static void report(bool privileged, const uint32_t *uid, uint64_t lines)
{
    size_t used = strlen(said);
    char name[12] = "others";
    if (uid)
        snprintf(name, sizeof name, "%u", *uid);
    snprintf(said + used, sizeof said - used, "%s %s %llu;", privileged ? "priv" : "public", name,
        (unsigned long long)lines);
}

static struct log_budget *begin(sd_event **ret_event)
{
    struct log_budget *budget = NULL;
    said[0] = 0;
    assert_true(sd_event_new(ret_event) >= 0);
    assert_int_equal(log_budget_new(*ret_event, report, &budget), KC_OK);
    return budget;
}

static void end(struct log_budget *budget, sd_event *event)
{
    log_budget_free(budget);
    sd_event_unref(event);
}

static unsigned written(struct log_budget *budget, bool privileged, uint32_t uid, unsigned lines)
{
    unsigned count = 0;
    for (unsigned i = 0; i < lines; i++)
        count += log_budget_line(budget, privileged, uid);
    return count;
}

static void test_each_caller_has_its_own(void **state)
{
    (void)state;
    sd_event *event = NULL;
    struct log_budget *budget = begin(&event);
    assert_int_equal(written(budget, false, 1000, 100000), LOG_BUDGET_LINES);
    assert_int_equal(written(budget, false, 1001, LOG_BUDGET_LINES), LOG_BUDGET_LINES);
    assert_int_equal(written(budget, true, 1000, 3), 3);
    assert_int_equal(written(budget, false, 0, 3), 3);
    end(budget, event);
    assert_string_equal(said, "public 1000 99990;");
}

static void test_many_callers_share_a_place(void **state)
{
    (void)state;
    sd_event *event = NULL;
    struct log_budget *budget = begin(&event);
    unsigned all = 0;
    for (uint32_t uid = 100000; uid < 200000; uid++)
        all += written(budget, false, uid, 2);
    assert_int_equal(all, 2 * LOG_BUDGET_CALLERS + LOG_BUDGET_LINES);
    end(budget, event);
    assert_string_equal(said, "public others 199862;");
}

/* The loop's clock is turned on by the test: a minute is over at once. */
static void test_a_minute_later_it_is_told_and_begins_anew(void **state)
{
    (void)state;
    sd_event *event = NULL;
    struct log_budget *budget = begin(&event);
    assert_int_equal(written(budget, false, 1000, 12), LOG_BUDGET_LINES);
    log_budget_pass(budget, clock_us() + (LOG_BUDGET_SECONDS - 1) * CLOCK_SECOND_US);
    assert_string_equal(said, "");
    log_budget_pass(budget, clock_us() + LOG_BUDGET_SECONDS * CLOCK_SECOND_US);
    assert_string_equal(said, "public 1000 2;");
    assert_int_equal(written(budget, false, 1000, 12), LOG_BUDGET_LINES);
    end(budget, event);
    assert_string_equal(said, "public 1000 2;public 1000 2;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_caller_has_its_own),
        cmocka_unit_test(test_many_callers_share_a_place),
        cmocka_unit_test(test_a_minute_later_it_is_told_and_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
