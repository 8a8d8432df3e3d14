/*
 * The secret type: what it holds is gone when it is gone (lesson 23). munmap is wrapped, so that
 * each page is looked at in its last moment.
 */
#include "common/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

static unsigned unmapped, dirty;

int __real_munmap(void *pages, size_t size);
int __wrap_munmap(void *pages, size_t size);

int __wrap_munmap(void *pages, size_t size)
{
    unmapped++;
    for (size_t i = 0; i < size; i++)
        dirty += ((const uint8_t *)pages)[i] != 0;
    return __real_munmap(pages, size);
}

static int count_from_zero(void **state)
{
    (void)state;
    unmapped = dirty = 0;
    return 0;
}

static void test_lesson_23_wiped(void **state)
{
    (void)state;
    struct kc_secret secret = KC_SECRET_INIT;
    assert_string_equal(kc_secret_text(&secret), "");
    assert_int_equal(kc_secret_set(&secret, "hunter2", 7), KC_OK);
    assert_string_equal(kc_secret_text(&secret), "hunter2");
    kc_secret_wipe(&secret);
    assert_int_equal(unmapped, 1);
    assert_int_equal(dirty, 0);
    assert_null(secret.bytes);
    kc_secret_wipe(&secret);
    assert_int_equal(unmapped, 1);
}

static void test_lesson_23_growth_leaves_nothing(void **state)
{
    (void)state;
    KC_AUTO_SECRET struct kc_secret secret = KC_SECRET_INIT;
    for (int i = 0; i < 30000; i++)
        assert_int_equal(kc_secret_append(&secret, "x", 1), KC_OK);
    assert_int_equal(secret.length, 30000);
    assert_true(unmapped >= 2);
    assert_int_equal(dirty, 0);
    for (size_t i = 0; i < secret.length; i++)
        assert_int_equal(secret.bytes[i], 'x');
    assert_int_equal(secret.bytes[secret.length], 0);
}

static void test_lesson_23_replaced(void **state)
{
    (void)state;
    KC_AUTO_SECRET struct kc_secret secret = KC_SECRET_INIT;
    assert_int_equal(kc_secret_set(&secret, "first\0value", 11), KC_OK);
    assert_int_equal(kc_secret_set(&secret, "2nd", 3), KC_OK);
    assert_int_equal(unmapped, 1);
    assert_int_equal(dirty, 0);
    assert_int_equal(secret.length, 3);
    assert_string_equal(kc_secret_text(&secret), "2nd");
    struct kc_secret taken = kc_secret_take(&secret);
    assert_null(secret.bytes);
    assert_string_equal(kc_secret_text(&taken), "2nd");
    kc_secret_wipe(&taken);
    assert_int_equal(dirty, 0);
}

static void test_whole_comparison(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        size_t a_length, b_length;
        bool equal;
    } rows[] = {{"abc", "abc", 3, 3, true}, {"abc", "abd", 3, 3, false},
        {"abc", "abcd", 3, 4, false}, {"a\0b", "a\0c", 3, 3, false}, {"", "", 0, 0, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        KC_AUTO_SECRET struct kc_secret a = KC_SECRET_INIT;
        KC_AUTO_SECRET struct kc_secret b = KC_SECRET_INIT;
        assert_int_equal(kc_secret_set(&a, rows[i].a, rows[i].a_length), KC_OK);
        assert_int_equal(kc_secret_set(&b, rows[i].b, rows[i].b_length), KC_OK);
        assert_int_equal(kc_secret_equal(&a, &b), rows[i].equal);
    }
}

static void test_random(void **state)
{
    (void)state;
    KC_AUTO_SECRET struct kc_secret a = KC_SECRET_INIT;
    KC_AUTO_SECRET struct kc_secret b = KC_SECRET_INIT;
    assert_int_equal(kc_secret_random(&a, 32), KC_OK);
    assert_int_equal(kc_secret_random(&b, 32), KC_OK);
    assert_int_equal(a.length, 32);
    assert_false(kc_secret_equal(&a, &b));
}

static void test_absurd_sizes(void **state)
{
    (void)state;
    KC_AUTO_SECRET struct kc_secret secret = KC_SECRET_INIT;
    assert_int_equal(kc_secret_set(&secret, "kept", 4), KC_OK);
    assert_int_equal(kc_secret_reserve(&secret, SIZE_MAX), KC_NO_MEMORY);
    assert_int_equal(kc_secret_append(&secret, "x", SIZE_MAX), KC_NO_MEMORY);
    assert_string_equal(kc_secret_text(&secret), "kept");
}

/* In /proc/self/smaps: dd keeps the page out of a core dump, wf out of a child. */
static bool has_flag(const void *page, const char *flag)
{
    char line[512], wanted[32];
    bool here = false, found = false;
    snprintf(wanted, sizeof wanted, "%lx-", (unsigned long)page);
    FILE *file = fopen("/proc/self/smaps", "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        if (strchr("0123456789abcdef", line[0]) && strchr(line, '-'))
            here = strncmp(line, wanted, strlen(wanted)) == 0;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, flag) != NULL;
    }
    if (file)
        fclose(file);
    return found;
}

static void test_not_in_a_core_nor_in_a_child(void **state)
{
    (void)state;
    KC_AUTO_SECRET struct kc_secret secret = KC_SECRET_INIT;
    int status = 0;
    assert_int_equal(kc_secret_set(&secret, "hunter2", 7), KC_OK);
    assert_true(has_flag(secret.bytes, " dd"));
    assert_true(has_flag(secret.bytes, " wf"));
    pid_t child = fork();
    if (child == 0)
        _exit(secret.bytes[0] == 0 ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_string_equal(kc_secret_text(&secret), "hunter2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_lesson_23_wiped, count_from_zero),
        cmocka_unit_test_setup(test_lesson_23_growth_leaves_nothing, count_from_zero),
        cmocka_unit_test_setup(test_lesson_23_replaced, count_from_zero),
        cmocka_unit_test(test_whole_comparison),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_absurd_sizes),
        cmocka_unit_test(test_not_in_a_core_nor_in_a_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
