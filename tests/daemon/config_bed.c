/*
 * A kclogin.conf in a test's folder.
 * Used by the tests of the configuration and of the access rules.
 * Must never take a load that failed for a good one.
 */
#include "tests/daemon/config_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum kc_status bed_load(const struct folder *folder, const char *text, const char *credentials,
    struct config **ret_config, char *ret_error)
{
    struct kc_conf_error error = {0};
    char path[FOLDER_PATH_MAX * 2];
    snprintf(path, sizeof path, "%s", folder_text(folder, "kclogin.conf", text));
    const struct config_source source = {
        .path = path, .owner = geteuid(), .self = geteuid(), .credentials = credentials};
    enum kc_status status = config_load(&source, ret_config, &error);
    kc_conf_error_text(&error, ret_error, KC_CONF_ERROR_MAX);
    return status;
}

struct config *bed_load_good(const struct folder *folder, const char *text)
{
    char error[KC_CONF_ERROR_MAX];
    struct config *config = NULL;
    enum kc_status status = bed_load(folder, text, NULL, &config, error);
    if (status != KC_OK)
        fail_msg("%s", error);
    return config;
}

void bed_expect_error(const struct folder *folder, const char *text, const char *credentials,
    enum kc_status status, const char *expected)
{
    char error[KC_CONF_ERROR_MAX], whole[KC_CONF_ERROR_MAX];
    struct config *config = NULL;
    enum kc_status got = bed_load(folder, text, credentials, &config, error);
    snprintf(whole, sizeof whole, "%s:%s", folder_path(folder, "kclogin.conf"), expected);
    assert_string_equal(error, whole);
    assert_int_equal(got, status);
    assert_null(config);
}

void bed_paths(const struct folder *folder, const char *text, char *ret, size_t size)
{
    size_t used = strlen(ret);
    for (; *text && used + 1 < size; text++) {
        if (*text == '@')
            used += (size_t)snprintf(ret + used, size - used, "%s/", folder->path);
        else
            ret[used++] = *text;
        ret[used] = 0;
    }
}

void bed_write_secrets(const struct folder *folder)
{
    folder_text(folder, "secret", "s3cret\n");
    folder_text(folder, "key", "-----BEGIN PRIVATE KEY-----\n");
    folder_write(folder, "cert", 0644, "c", 1);
}
