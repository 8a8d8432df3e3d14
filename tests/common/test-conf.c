/*
 * The configuration files' format, and which files are trusted.
 * Each mistake is asserted with its whole text and its line.
 */
#include "common/conf.h"
#include "tests/common/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* What a file said, one item a line. */
struct said {
    char text[4096];
    const char *refused; /* the key to refuse */
};

static enum kc_status note(
    void *userdata, const struct kc_conf_item *item, struct kc_conf_error *ret_error)
{
    struct said *said = userdata;
    size_t used = strlen(said->text);
    if (said->refused && item->key && strcmp(said->refused, item->key) == 0)
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "refused");
    snprintf(said->text + used, sizeof said->text - used, "%u [%s|%s] %s=%s\n", item->line,
        item->section, item->name ? item->name : "", item->key ? item->key : "",
        item->value ? item->value : "");
    return KC_OK;
}

static void expect_items(const char *bytes, const char *items)
{
    struct said said = {.text = ""};
    struct kc_conf_error error = {0};
    enum kc_status status = kc_conf_parse(bytes, strlen(bytes), note, &said, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, KC_OK);
    assert_string_equal(said.text, items);
}

static void expect_error_bytes(const char *bytes, size_t length, const char *expected)
{
    struct said said = {.refused = "refused"};
    struct kc_conf_error error = {0};
    char text[KC_CONF_ERROR_MAX];
    kc_conf_error_file(&error, "f.conf");
    assert_int_equal(kc_conf_parse(bytes, length, note, &said, &error), KC_CONFIG_INVALID);
    kc_conf_error_text(&error, text, sizeof text);
    assert_string_equal(text, expected);
}

static void expect_error(const char *bytes, const char *expected)
{
    expect_error_bytes(bytes, strlen(bytes), expected);
}

static void test_items(void **state)
{
    (void)state;
    expect_items("", "");
    expect_items("\n\n  \n\t\n", "");
    expect_items("# a = b\n  # [c]\na = b", "3 [|] a=b\n");
    expect_items("[a]\nb=c\n", "1 [a|] =\n2 [a|] b=c\n");
    expect_items("[ access \t sshd ]\n\tallow\t=  role:a b  \n",
        "1 [access|sshd] =\n2 [access|sshd] allow=role:a b\n");
    expect_items("[a]\n[b c]\n[d]\n", "1 [a|] =\n2 [b|c] =\n3 [d|] =\n");
    expect_items("a = b = c\n", "1 [|] a=b = c\n");
    expect_items("a = b # no comment\n", "1 [|] a=b # no comment\n");
    expect_items("name.x-y_z = \"/a\"\n", "1 [|] name.x-y_z=\"/a\"\n");
    expect_items("a = \xc3\xa4\n", "1 [|] a=\xc3\xa4\n");
}

static void test_mistakes(void **state)
{
    (void)state;
    expect_error("a\n", "f.conf:1: neither a [section], nor key = value, nor a # comment");
    expect_error(
        "\n\n; a = b", "f.conf:3: a key has 1 to 64 characters, of letters, digits and _.-");
    expect_error("= b\n", "f.conf:1: a key has 1 to 64 characters, of letters, digits and _.-");
    expect_error("a b = c\n", "f.conf:1: a key has 1 to 64 characters, of letters, digits and _.-");
    expect_error(
        "[r]\na =\n", "f.conf:2: r.a: has no value; leave the line out to have the default");
    expect_error(
        "[r]\na = \t\n", "f.conf:2: r.a: has no value; leave the line out to have the default");
    expect_error("[r\n", "f.conf:1: a section ends with ] and nothing follows it");
    expect_error("[r] # x\n", "f.conf:1: a section ends with ] and nothing follows it");
    expect_error("[]\n", "f.conf:1: a section's name has 1 to 96 characters");
    expect_error("[", "f.conf:1: a section ends with ] and nothing follows it");
    expect_error(
        "[a b c]\n", "f.conf:1: a section is [word] or [word NAME], of letters, digits and _.-");
    expect_error(
        "[a/b]\n", "f.conf:1: a section is [word] or [word NAME], of letters, digits and _.-");
    expect_error(
        "[a [b]\n", "f.conf:1: a section is [word] or [word NAME], of letters, digits and _.-");
    expect_error("a = b\r\n",
        "f.conf:1: control character 0x0d at column 6; lines end with a newline alone");
    expect_error("a = \033[2J\n", "f.conf:1: control character 0x1b at column 5");
    expect_error("a = b\x7f\n", "f.conf:1: control character 0x7f at column 6");
    expect_error_bytes("ok = 1\na = b\0c\n", 15, "f.conf:2: control character 0x00 at column 6");
    expect_error("[x]\nrefused = 1\n", "f.conf:2: x.refused: refused");
    expect_error("[x y]\nrefused = 1\n", "f.conf:2: x y.refused: refused");
    expect_error("refused = 1\n", "f.conf:1: refused: refused");
}

/* A mistake's text never has the value in it: it may be a password on the wrong line. */
static void test_no_value_in_an_error(void **state)
{
    (void)state;
    static const char *const files[] = {"hunter2\n", "[hunter2\n", "hunter2 = \n",
        "a hunter2 = 1\n", "[x] hunter2\n", "[x]\nrefused = hunter2\n", "a = hunter2\033\n"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct said said = {.refused = "refused"};
        struct kc_conf_error error = {0};
        assert_int_equal(
            kc_conf_parse(files[i], strlen(files[i]), note, &said, &error), KC_CONFIG_INVALID);
        assert_null(strstr(error.text, "hunter2"));
    }
}

static void test_limits(void **state)
{
    (void)state;
    char file[2 * KC_CONF_LINE_MAX];
    memset(file, 'x', sizeof file);
    memcpy(file, "a = ", 4);
    struct said said = {.text = ""};
    struct kc_conf_error error = {0};
    assert_int_equal(kc_conf_parse(file, KC_CONF_LINE_MAX, note, &said, &error), KC_OK);
    expect_error_bytes(file, KC_CONF_LINE_MAX + 1, "f.conf:1: a line has at most 1024 bytes");
    memset(file, ' ', sizeof file);
    expect_error_bytes(file, KC_CONF_LINE_MAX + 1, "f.conf:1: a line has at most 1024 bytes");
    memset(file, 'k', sizeof file);
    memcpy(file + KC_CONF_KEY_MAX, "=1", 2);
    said.text[0] = 0;
    assert_int_equal(kc_conf_parse(file, KC_CONF_KEY_MAX + 2, note, &said, &error), KC_OK);
    file[KC_CONF_KEY_MAX] = 'k';
    memcpy(file + KC_CONF_KEY_MAX + 1, "=1", 2);
    expect_error_bytes(file, KC_CONF_KEY_MAX + 3,
        "f.conf:1: a key has 1 to 64 characters, of letters, digits and _.-");
    memset(file, 's', sizeof file);
    file[0] = '[';
    file[KC_CONF_SECTION_MAX + 1] = ']';
    assert_int_equal(kc_conf_parse(file, KC_CONF_SECTION_MAX + 2, note, &said, &error), KC_OK);
    file[KC_CONF_SECTION_MAX + 1] = 's';
    file[KC_CONF_SECTION_MAX + 2] = ']';
    expect_error_bytes(
        file, KC_CONF_SECTION_MAX + 3, "f.conf:1: a section's name has 1 to 96 characters");
}

static void expect_read(
    const char *path, uid_t owner, size_t max, enum kc_status expected, const char *text)
{
    struct kc_conf_error error;
    char *bytes = NULL;
    size_t length = 0;
    assert_int_equal(kc_conf_read(path, owner, max, &bytes, &length, &error), expected);
    assert_string_equal(error.text, text);
    assert_string_equal(error.file, path);
    assert_null(bytes);
}

static void test_trust(void **state)
{
    const struct folder *folder = *state;
    uid_t me = geteuid();
    char link[FOLDER_PATH_MAX * 2], text[128];
    struct kc_conf_error error;
    char *bytes = NULL;
    size_t length = 0;
    const char *path = folder_text(folder, "f", "a = b\n");
    assert_int_equal(kc_conf_read(path, me, 6, &bytes, &length, &error), KC_OK);
    assert_int_equal(length, 6);
    assert_string_equal(bytes, "a = b\n");
    free(bytes);
    expect_read(path, me, 5, KC_CONFIG_INVALID, "has more than 5 bytes");
    snprintf(text, sizeof text, "belongs to uid %u, it must be %u's", me, me + 1);
    expect_read(path, me + 1, 6, KC_CONFIG_UNTRUSTED, text);
    chmod(path, 0644);
    assert_int_equal(kc_conf_read(path, me, 6, &bytes, &length, &error), KC_OK);
    free(bytes);
    chmod(path, 0620);
    expect_read(path, me, 6, KC_CONFIG_UNTRUSTED, "can be written by others (mode 0620)");
    chmod(path, 0602);
    expect_read(path, me, 6, KC_CONFIG_UNTRUSTED, "can be written by others (mode 0602)");
    chmod(path, 0600);
    snprintf(link, sizeof link, "%s/link", folder->path);
    assert_int_equal(symlink(path, link), 0);
    expect_read(link, me, 6, KC_CONFIG_UNTRUSTED, "is a symbolic link");
    expect_read(folder->path, me, 6, KC_CONFIG_UNTRUSTED, "is not a regular file");
    expect_read(folder_path(folder, "absent"), me, 6, KC_NOT_FOUND, "there is no such file");
    assert_int_equal(mkfifo(folder_path(folder, "fifo"), 0600), 0);
    expect_read(folder_path(folder, "fifo"), me, 6, KC_CONFIG_UNTRUSTED, "is not a regular file");
    expect_read("/dev/null", 0, 6, KC_CONFIG_UNTRUSTED, "is not a regular file");
}

static void test_error_text(void **state)
{
    (void)state;
    struct kc_conf_error error = {.file = "f", .line = 3, .key = "k", .text = "t"};
    char text[KC_CONF_ERROR_MAX], small[8];
    kc_conf_error_text(&error, text, sizeof text);
    assert_string_equal(text, "f:3: k: t");
    error = (struct kc_conf_error){.text = "t", .file = "f", .section = "s", .key = "k"};
    kc_conf_error_text(&error, text, sizeof text);
    assert_string_equal(text, "f: s.k: t");
    kc_conf_error_text(&error, small, sizeof small);
    assert_string_equal(small, "f: s.k:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_no_value_in_an_error),
        cmocka_unit_test(test_limits),
        cmocka_unit_test_setup_teardown(test_trust, folder_make, folder_remove),
        cmocka_unit_test(test_error_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
