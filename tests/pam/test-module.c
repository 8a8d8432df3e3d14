/*
 * Parts of the PAM module by themselves: the table of results, the options and their page, texts.
 */
#include "pam/converse.h"
#include "pam/options.h"
#include "pam/result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <security/pam_modules.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Lesson 24: success is for class OK; every number that is no class, or no question, is denied. */
static void test_lesson_24_success_is_for_ok(void **state)
{
    (void)state;
    for (unsigned question = 0; question < 300; question++)
        for (unsigned class = 0; class < 300; class ++) {
            int code = pk_result((enum pk_question)question, (enum kc_class) class);
            if (class != KC_CLASS_OK || question > PK_PASSWORD)
                assert_int_not_equal(code, PAM_SUCCESS);
            if (class > KC_CLASS_CONVERSATION || question > PK_PASSWORD)
                assert_int_equal(code, PAM_SYSTEM_ERR);
        }
}

/* Lesson 24: an authentication is left to other modules in three cases, and in no other. */
static void test_lesson_24_when_others_decide(void **state)
{
    (void)state;
    for (unsigned class = 0; class <= KC_CLASS_CONVERSATION; class ++) {
        int realm = pk_result(PK_AUTHENTICATE, (enum kc_class) class);
        int listed = pk_result(PK_AUTHENTICATE_LISTED, (enum kc_class) class);
        int account = pk_result(PK_ACCOUNT, (enum kc_class) class);
        assert_int_not_equal(realm, PAM_IGNORE);
        assert_int_equal(
            realm == PAM_USER_UNKNOWN, class == KC_CLASS_UNKNOWN || class == KC_CLASS_NOT_OURS);
        assert_int_equal(listed == PAM_IGNORE, class == KC_CLASS_UNREACHABLE);
        assert_int_not_equal(listed, PAM_USER_UNKNOWN);
        assert_int_equal(account == PAM_IGNORE, class == KC_CLASS_NOT_OURS);
    }
}

static void test_sessions_are_never_denied(void **state)
{
    (void)state;
    for (unsigned class = 0; class <= KC_CLASS_CONVERSATION; class ++) {
        int session = pk_result(PK_SESSION, (enum kc_class) class);
        int setcred = pk_result(PK_SETCRED, (enum kc_class) class);
        assert_true(session == PAM_SUCCESS || session == PAM_IGNORE);
        assert_true(setcred == PAM_SUCCESS || setcred == PAM_IGNORE);
    }
}

static enum kc_status read_line(const char *argument, struct pk_options *options)
{
    struct kc_conf_error error = {.file = ""};
    *options = PK_OPTIONS_INIT;
    return pk_options_read(1, &argument, options, &error);
}

/* Each option by itself changes its own field and no other. */
static void test_each_option(void **state)
{
    (void)state;
    struct pk_options options;
    assert_int_equal(read_line("access=sudo", &options), KC_OK);
    assert_string_equal(options.access, "sudo");
    assert_true(
        !options.no_token && !options.socket && !options.try_first_pass && !options.use_first_pass);
    pk_options_free(&options);
    assert_int_equal(read_line("no_token", &options), KC_OK);
    assert_true(options.no_token && !options.access && !options.socket && !options.try_first_pass &&
                !options.use_first_pass);
    assert_int_equal(read_line("socket=/run/x", &options), KC_OK);
    assert_string_equal(options.socket, "/run/x");
    pk_options_free(&options);
    assert_int_equal(read_line("try_first_pass", &options), KC_OK);
    assert_true(options.try_first_pass && !options.use_first_pass && !options.no_token);
    assert_int_equal(read_line("use_first_pass", &options), KC_OK);
    assert_true(options.use_first_pass && !options.try_first_pass && !options.no_token);
}

static void test_wrong_options(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "=", "=x", "acces", "access", "access=", "access=a b",
        "access =x", "Access=x", "no_token=", "no_token=no", "socket=", "socket=x",
        "socket=/a/../b", "use_first_pass=yes", "debug", "accessx", "no_token "};
    struct pk_options options;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(read_line(wrong[i], &options), KC_CONFIG_INVALID);
        assert_null(options.access);
        assert_null(options.socket);
    }
}

static void test_table_is_sorted(void **state)
{
    (void)state;
    for (size_t i = 1; i < pk_option_table.count; i++)
        assert_true(
            strcmp(pk_option_table.options[i - 1].name, pk_option_table.options[i].name) < 0);
}

/* The page: each option with the table's own meaning, in the list and in the synopsis, no other. */
static void test_page(void **state)
{
    (void)state;
    char path[1024], line[512], wanted[128];
    size_t next = 0, in_synopsis = 0;
    bool options = false;
    const char *srcdir = getenv("srcdir");
    snprintf(path, sizeof path, "%s/man/pam_keycloak.8", srcdir ? srcdir : ".");
    FILE *page = fopen(path, "re");
    assert_non_null(page);
    while (fgets(line, sizeof line, page)) {
        const struct kc_option *option = &pk_option_table.options[next];
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, ".Sh ", 4) == 0)
            options = strcmp(line, ".Sh OPTIONS") == 0;
        in_synopsis += strncmp(line, ".Op Cm ", 7) == 0;
        if (!options || strncmp(line, ".It Cm ", 7) != 0)
            continue;
        assert_true(next < pk_option_table.count);
        snprintf(wanted, sizeof wanted, ".It Cm %s%s%s", option->name,
            option->syntax ? " Ns = Ns Ar " : "", option->syntax ? option->syntax : "");
        assert_string_equal(line, wanted);
        assert_non_null(fgets(line, sizeof line, page));
        line[strcspn(line, "\n")] = 0;
        assert_string_equal(line, option->meaning);
        next++;
    }
    fclose(page);
    assert_int_equal(next, pk_option_table.count);
    assert_int_equal(in_synopsis, pk_option_table.count);
}

/* Every byte, and every pair of bytes, that a text can hold: no control character comes out. */
static void test_lesson_45_clean_texts(void **state)
{
    (void)state;
    char clean[64];
    for (unsigned first = 1; first < 256; first++)
        for (unsigned second = 1; second < 256; second++) {
            const char text[] = {'a', (char)first, (char)second, 'z', 0};
            pk_clean_text(text, clean, sizeof clean);
            size_t length = strlen(clean);
            assert_true(length <= 4 && clean[0] == 'a' && clean[length - 1] == 'z');
            for (size_t i = 0; i < length; i++) {
                unsigned char c = (unsigned char)clean[i];
                assert_true(c >= 0x20 && c != 0x7f);
                assert_false(c == 0xc2 && (unsigned char)clean[i + 1] < 0xa0);
                if (c >= 0x80)
                    assert_true((c >= 0xc2 && c < 0xe0 && (clean[i + 1] & 0xc0) == 0x80) ||
                                (i > 0 && (c & 0xc0) == 0x80));
            }
        }
}

static void test_texts_that_do_not_fit(void **state)
{
    (void)state;
    char clean[6];
    pk_clean_text("abcdefgh", clean, sizeof clean);
    assert_string_equal(clean, "abcde");
    pk_clean_text("abcd\xc3\xbc", clean, sizeof clean); /* no half of a letter */
    assert_string_equal(clean, "abcd");
    pk_clean_text("\xf0\x9f", clean, sizeof clean); /* cut short by its own end */
    assert_string_equal(clean, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lesson_24_success_is_for_ok),
        cmocka_unit_test(test_lesson_24_when_others_decide),
        cmocka_unit_test(test_sessions_are_never_denied),
        cmocka_unit_test(test_each_option),
        cmocka_unit_test(test_wrong_options),
        cmocka_unit_test(test_table_is_sorted),
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_lesson_45_clean_texts),
        cmocka_unit_test(test_texts_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
