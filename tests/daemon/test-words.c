/*
 * What the daemon writes and what it recognises: log values (lesson 45), sshd's dummy password
 * (lesson 28), the time of a refusal, the session file's format.
 */
#include "daemon/dummy.h"
#include "daemon/log.h"
#include "daemon/pacing.h"
#include "daemon/session_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool is_dummy(const char *text)
{
    return dummy_password((struct kc_view){(const uint8_t *)text, strlen(text)});
}

static void test_lesson_28_every_cut_of_the_dummy_is_known(void **state)
{
    (void)state;
    static const char junk[] = "\b\n\r\177INCORRECT";
    char typed[512];
    for (size_t length = 1; length < sizeof typed; length++) {
        for (size_t i = 0; i < length; i++)
            typed[i] = junk[i % (sizeof junk - 1)];
        typed[length] = 0;
        assert_true(is_dummy(typed));
        typed[length - 1] ^= 1;
        assert_false(is_dummy(typed));
    }
    assert_false(is_dummy(""));
    assert_false(is_dummy("INCORRECT"));
    assert_false(is_dummy("ada-pass"));
}

static void assert_logged(const char *value, const char *expected)
{
    char text[LOG_VALUE_SIZE];
    assert_string_equal(log_value(value, text), expected);
}

static void test_lesson_45_a_value_cannot_forge_a_field(void **state)
{
    (void)state;
    assert_logged("ada", "ada");
    assert_logged("192.0.2.7", "192.0.2.7");
    assert_logged("", "-");
    assert_logged("ada result=success", "\"ada result=success\"");
    assert_logged("a\"b\\c", "\"a\\x22b\\x5cc\"");
    assert_logged("a\nlogin user=root", "\"a\\x0alogin user=root\"");
    assert_logged("\033[2J", "\"\\x1b[2J\"");
    assert_logged("j\303\274rgen", "\"j\\xc3\\xbcrgen\"");
    char longest[LOG_VALUE_SIZE * 2], text[LOG_VALUE_SIZE];
    memset(longest, 1, sizeof longest);
    longest[sizeof longest - 1] = 0;
    assert_true(strlen(log_value(longest, text)) < LOG_VALUE_SIZE);
    memset(longest, 'a', sizeof longest - 1);
    assert_true(strlen(log_value(longest, text)) < LOG_VALUE_SIZE);
}

static void test_a_refusal_takes_a_time_that_the_realm_took(void **state)
{
    (void)state;
    struct pacing pacing = {.count = 0};
    for (int i = 0; i < 100; i++) {
        uint64_t ms = pacing_draw(&pacing);
        assert_in_range(ms, 50, 150);
    }
    pacing_note(&pacing, 1);
    assert_int_equal(pacing_draw(&pacing), PACING_MIN_MS);
    struct pacing slow = {.count = 0};
    pacing_note(&slow, 60000);
    assert_int_equal(pacing_draw(&slow), PACING_MAX_MS);
    struct pacing many = {.count = 0};
    for (unsigned i = 0; i < 100; i++)
        pacing_note(&many, 300 + i);
    for (int i = 0; i < 200; i++) {
        uint64_t ms = pacing_draw(&many);
        assert_in_range(ms, 368, 399);
    }
}

static void make_record(struct session_record *record)
{
    *record = (struct session_record){.uid = 1001,
        .user = "ada",
        .service = "sshd",
        .rhost = "192.0.2.7",
        .access = "night",
        .issuer = "https://sso.example/realms/x",
        .client_id = "linux-pam",
        .has_scope = true,
        .scope = "openid host.login",
        .made_ms = 12345,
        .expires = 1800000000,
        .pid = 77,
        .pid_started = 999,
        .boot_id = "01234567-89ab-cdef-0123-456789abcdef"};
    assert_int_equal(kc_secret_set(&record->access_token, "a.b.c", 5), KC_OK);
    assert_int_equal(kc_secret_set(&record->refresh_token, "r", 1), KC_OK);
}

static void test_a_session_file_comes_back_whole(void **state)
{
    (void)state;
    SESSION_AUTO_RECORD struct session_record record;
    SESSION_AUTO_RECORD struct session_record back = {0};
    KC_AUTO_SECRET struct kc_secret bytes = KC_SECRET_INIT;
    make_record(&record);
    assert_int_equal(session_record_encode(&record, &bytes), KC_OK);
    assert_int_equal(session_record_decode(bytes.bytes, bytes.length, &back), KC_OK);
    assert_string_equal(back.user, "ada");
    assert_string_equal(back.access, "night");
    assert_string_equal(back.issuer, "https://sso.example/realms/x");
    assert_string_equal(back.client_id, "linux-pam");
    assert_string_equal(back.scope, "openid host.login");
    assert_string_equal(back.boot_id, record.boot_id);
    assert_int_equal(back.expires, 1800000000);
    assert_int_equal(back.pid_started, 999);
    assert_string_equal(kc_secret_text(&back.access_token), "a.b.c");
    assert_string_equal(kc_secret_text(&back.refresh_token), "r");
}

static void test_a_session_file_cut_or_grown_anywhere_is_refused(void **state)
{
    (void)state;
    SESSION_AUTO_RECORD struct session_record record;
    struct session_record none = {0};
    KC_AUTO_SECRET struct kc_secret bytes = KC_SECRET_INIT;
    make_record(&record);
    assert_int_equal(session_record_encode(&record, &bytes), KC_OK);
    for (size_t length = 0; length < bytes.length; length++)
        assert_int_equal(session_record_decode(bytes.bytes, length, &none), KC_MALFORMED);
    assert_int_equal(kc_secret_append(&bytes, "x", 1), KC_OK);
    assert_int_equal(session_record_decode(bytes.bytes, bytes.length, &none), KC_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lesson_28_every_cut_of_the_dummy_is_known),
        cmocka_unit_test(test_lesson_45_a_value_cannot_forge_a_field),
        cmocka_unit_test(test_a_refusal_takes_a_time_that_the_realm_took),
        cmocka_unit_test(test_a_session_file_comes_back_whole),
        cmocka_unit_test(test_a_session_file_cut_or_grown_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
