/*
 * kclogin.conf and the files beside it: owners, modes, links, contents (lesson 20).
 */
#include "tests/daemon/config_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void test_the_file_itself(void **state)
{
    const struct folder *folder = *state;
    struct config *config = NULL;
    struct kc_conf_error error;
    uid_t me = geteuid();
    const char *path = folder_text(folder, "kclogin.conf", PUBLIC);
    struct config_source source = {.path = path, .owner = me + 1, .self = me};
    assert_int_equal(config_load(&source, &config, &error), KC_CONFIG_UNTRUSTED);
    source.owner = me;
    assert_int_equal(chmod(path, 0664), 0);
    assert_int_equal(config_load(&source, &config, &error), KC_CONFIG_UNTRUSTED);
    assert_string_equal(error.text, "can be written by others (mode 0664)");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(config_load(&source, &config, &error), KC_CONFIG_INVALID);
    assert_string_equal(error.text, "there is no such file");
    assert_null(config);
}

#define BASIC REALM "client_secret_file = "

static void expect_secret(const struct folder *folder, const char *bytes, size_t length,
    const char *secret, const char *expected)
{
    char text[1024] = "", error[KC_CONF_ERROR_MAX];
    struct config *config = NULL;
    folder_write(folder, "secret", 0400, bytes, length);
    bed_paths(folder, BASIC "@secret\n", text, sizeof text);
    enum kc_status status = bed_load(folder, text, NULL, &config, error);
    if (secret) {
        assert_int_equal(status, KC_OK);
        assert_int_equal(config->realm.client.secret.length, strlen(secret));
        assert_string_equal(kc_secret_text(&config->realm.client.secret), secret);
    } else {
        assert_int_equal(status, KC_CONFIG_INVALID);
        assert_non_null(strstr(error, expected));
        assert_non_null(strstr(error, ":4: realm.client_secret_file: "));
        assert_null(strstr(error, "hunter2"));
    }
    config_unref(config);
    assert_int_equal(unlink(folder_path(folder, "secret")), 0);
}

static void test_secret_contents(void **state)
{
    static char large[4097];
    memset(large, 'x', sizeof large);
    expect_secret(*state, "s3cret", 6, "s3cret", NULL);
    expect_secret(*state, "s3cret\n", 7, "s3cret", NULL);
    expect_secret(*state, " a%&+:\xc3\xa4 \n", 10, " a%&+:\xc3\xa4 ", NULL);
    expect_secret(*state, "", 0, NULL, "the file is empty");
    expect_secret(*state, "\n", 1, NULL, "the file is empty");
    expect_secret(*state, "hunter2\n\n", 9, NULL,
        "the file holds a control character; a secret is one line of text");
    expect_secret(*state, "hunter2\r\n", 9, NULL,
        "the file holds a control character; a secret is one line of text");
    expect_secret(*state, "hunter2\0x", 9, NULL,
        "the file holds a control character; a secret is one line of text");
    expect_secret(*state, large, sizeof large, NULL, "the file has more than 4096 bytes");
}

/* A secret is the daemon's own; nobody else's, the configuration's owner's neither. */
static void expect_owner(const struct folder *folder, const char *text)
{
    char conf[FOLDER_PATH_MAX * 2], expected[256];
    struct config *config = NULL;
    struct kc_conf_error wrong;
    uid_t me = geteuid();
    folder_text(folder, "secret", "s3cret");
    snprintf(conf, sizeof conf, "%s", folder_text(folder, "kclogin.conf", text));
    struct config_source source = {.path = conf, .owner = me, .self = 4242};
    assert_int_equal(config_load(&source, &config, &wrong), KC_CONFIG_UNTRUSTED);
    snprintf(expected, sizeof expected,
        "the file belongs to uid %u; it must belong to the daemon's, 4242, or be handed over as a "
        "systemd credential",
        me);
    assert_string_equal(wrong.text, expected);
    assert_int_equal(wrong.line, 4);
    if (me == 0) {
        assert_int_equal(chown(folder_path(folder, "secret"), 4242, 4242), 0);
        assert_int_equal(config_load(&source, &config, &wrong), KC_OK);
        config_unref(config);
        config = NULL;
        assert_int_equal(chown(folder_path(folder, "secret"), 4243, 4242), 0);
        assert_int_equal(config_load(&source, &config, &wrong), KC_CONFIG_UNTRUSTED);
        assert_string_equal(
            wrong.text, "the file belongs to uid 4243; it must belong to the daemon's, 4242");
    }
    assert_null(config);
}

static void test_lesson_20_secret_files(void **state)
{
    const struct folder *folder = *state;
    char text[1024] = "", expected[256];
    static const mode_t modes[] = {0640, 0604, 0660, 0602, 0610, 0601, 0444};
    bed_paths(folder, BASIC "@secret\n", text, sizeof text);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        folder_write(folder, "secret", modes[i], "s3cret", 6);
        snprintf(expected, sizeof expected,
            "4: realm.client_secret_file: the file has mode %04o; nobody but its owner may have "
            "access (chmod 0400)",
            modes[i]);
        bed_expect_error(folder, text, NULL, KC_CONFIG_UNTRUSTED, expected);
        unlink(folder_path(folder, "secret"));
    }
    char target[FOLDER_PATH_MAX * 2];
    snprintf(target, sizeof target, "%s", folder_text(folder, "target", "s3cret"));
    assert_int_equal(symlink(target, folder_path(folder, "secret")), 0);
    bed_expect_error(folder, text, NULL, KC_CONFIG_UNTRUSTED,
        "4: realm.client_secret_file: the file is a symbolic link");
    unlink(folder_path(folder, "secret"));
    assert_int_equal(mkdir(folder_path(folder, "secret"), 0700), 0);
    bed_expect_error(folder, text, NULL, KC_CONFIG_UNTRUSTED,
        "4: realm.client_secret_file: the file is not a regular file");
    rmdir(folder_path(folder, "secret"));
    expect_owner(folder, text);
}

/* A credential's name: only in its folder; its group may read, as an access list shows it. */
static void test_credentials(void **state)
{
    const struct folder *folder = *state;
    char error[KC_CONF_ERROR_MAX];
    struct config *config = NULL;
    folder_write(folder, "kc-secret", 0440, "s3cret\n", 7);
    assert_int_equal(bed_load(folder, BASIC "kc-secret\n", folder->path, &config, error), KC_OK);
    assert_string_equal(kc_secret_text(&config->realm.client.secret), "s3cret");
    config_unref(config);
    config = NULL;
    folder_write(folder, "kc-secret", 0444, "s3cret\n", 7);
    bed_expect_error(folder, BASIC "kc-secret\n", folder->path, KC_CONFIG_UNTRUSTED,
        "4: realm.client_secret_file: the file has mode 0444; nobody but its owner may have "
        "access (chmod 0400)");
    bed_expect_error(folder, BASIC "absent\n", folder->path, KC_CONFIG_INVALID,
        "4: realm.client_secret_file: the file cannot be opened: No such file or directory");
    bed_expect_error(folder, BASIC "x\n", "/absent", KC_CONFIG_INVALID,
        "4: realm.client_secret_file: the file cannot be opened: No such file or directory");
}

/* kclogind -t on a file with a credential: all else is checked, and nothing of systemd's needed. */
static void test_check_only(void **state)
{
    const struct folder *folder = *state;
    struct kc_conf_error error;
    struct config *config = NULL;
    char path[FOLDER_PATH_MAX * 2];
    snprintf(path, sizeof path, "%s", folder_text(folder, "kclogin.conf", BASIC "kc-secret\n"));
    struct config_source source = {.path = path, .owner = geteuid(), .self = geteuid()};
    assert_int_equal(config_load(&source, &config, &error), KC_CONFIG_INVALID);
    source.check_only = true;
    assert_int_equal(config_load(&source, &config, &error), KC_OK);
    assert_int_equal(config->realm.client.secret.length, 0);
    config_unref(config);
    config = NULL;
    folder_text(folder, "kclogin.conf", BASIC "/absent/secret\n");
    assert_int_equal(config_load(&source, &config, &error), KC_CONFIG_INVALID);
    assert_null(config);
}

static void test_keys(void **state)
{
    const struct folder *folder = *state;
    char text[1024] = "", mtls[1024] = "";
    bed_write_secrets(folder);
    bed_paths(folder, REALM "client_auth = key-jwt\nclient_key_file = @key\n", text, sizeof text);
    CONFIG_AUTO struct config *config = bed_load_good(folder, text);
    assert_string_equal(kc_secret_text(&config->realm.client.key), "-----BEGIN PRIVATE KEY-----\n");
    folder_text(folder, "key", "no key\n");
    bed_expect_error(
        folder, text, NULL, KC_CONFIG_INVALID, "5: realm.client_key_file: the file holds no PEM");
    folder_text(folder, "key", "-----BEGIN PRIVATE KEY-----\n");
    bed_paths(folder,
        REALM "client_auth = mtls\nclient_key_file = @key\nclient_certificate_file = @cert\n", mtls,
        sizeof mtls);
    folder_write(folder, "cert", 0666, "c", 1);
    bed_expect_error(folder, mtls, NULL, KC_CONFIG_UNTRUSTED,
        "6: realm.client_certificate_file: the file can be written by others (mode 0666)");
    bed_expect_error(folder, PUBLIC "ca_file = /dev\n", NULL, KC_CONFIG_UNTRUSTED,
        "5: realm.ca_file: the file is not a regular file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_the_file_itself),
        IN_FOLDER(test_secret_contents),
        IN_FOLDER(test_lesson_20_secret_files),
        IN_FOLDER(test_credentials),
        IN_FOLDER(test_check_only),
        IN_FOLDER(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
