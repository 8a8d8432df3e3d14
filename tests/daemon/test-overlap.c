/*
 * Ranges that the host gives ids away from, against the realm's (lesson 38).
 */
#include "daemon/overlap.h"
#include "tests/common/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void expect(const struct folder *folder, struct kc_ids ids, const char *text)
{
    char login_defs[FOLDER_PATH_MAX * 2], subuid[FOLDER_PATH_MAX * 2], subgid[FOLDER_PATH_MAX * 2];
    char got[KC_CONF_ERROR_MAX] = "", expected[KC_CONF_ERROR_MAX] = "";
    snprintf(login_defs, sizeof login_defs, "%s", folder_path(folder, "login.defs"));
    snprintf(subuid, sizeof subuid, "%s", folder_path(folder, "subuid"));
    snprintf(subgid, sizeof subgid, "%s", folder_path(folder, "subgid"));
    const struct overlap_paths paths = {login_defs, subuid, subgid};
    struct kc_bounds bounds = {.ids = ids};
    struct kc_conf_error error = {0};
    enum kc_status status = overlap_check(&bounds, &paths, &error);
    if (text)
        snprintf(expected, sizeof expected, "%s%s", *text == '/' ? folder->path : "", text);
    if (status != KC_OK)
        kc_conf_error_text(&error, got, sizeof got);
    assert_string_equal(got, expected);
    assert_int_equal(status, text ? KC_CONFIG_INVALID : KC_OK);
    bounds.allow_overlap = true;
    assert_int_equal(overlap_check(&bounds, &paths, &error), KC_OK);
}

static const struct kc_ids usual = {1879048192u, 2147352575u};
#define ADVICE "; see ids and allow_overlap in host.conf"

static void test_lesson_38_defaults(void **state)
{
    const struct folder *folder = *state;
    expect(folder, usual, NULL);
    expect(folder, (struct kc_ids){60001, 61183}, NULL);
    expect(folder, (struct kc_ids){65520, 99999}, NULL);
    expect(folder, (struct kc_ids){600100001, 700000000}, NULL);
    expect(folder, (struct kc_ids){60000, 61000},
        "/login.defs: UID_MIN to UID_MAX, 1000-60000, meet the realm's ids 60000-61000" ADVICE);
    expect(folder, (struct kc_ids){999, 999},
        "/login.defs: SYS_UID_MIN to SYS_UID_MAX, 101-999, meet the realm's ids 999-999" ADVICE);
    expect(folder, (struct kc_ids){600100000, 600100000},
        "/login.defs: SUB_UID_MIN to SUB_UID_MAX, 100000-600100000, meet the realm's ids "
        "600100000-600100000" ADVICE);
    expect(folder, (struct kc_ids){65519, 65530},
        "systemd's dynamic users, 61184-65519, meet the realm's ids 65519-65530" ADVICE);
}

static void test_login_defs(void **state)
{
    const struct folder *folder = *state;
    folder_text(folder, "login.defs",
        "# UID_MAX 5\n  UID_MIN\t\t 5000\nUID_MAX 0x1770 # six thousand\nGID_MIN 5000\n"
        "GID_MAX 6000\nGID_MAX 07000\nSUB_UID_MAX 200000\nSUB_GID_MAX 300000\n"
        "UID_MAXIMUM 9000\nUMASK 022");
    expect(folder, (struct kc_ids){6001, 60000}, NULL);
    expect(folder, (struct kc_ids){300001, 400000}, NULL);
    expect(folder, (struct kc_ids){6000, 60000},
        "/login.defs:3: UID_MIN to UID_MAX, 5000-6000, meet the realm's ids 6000-60000" ADVICE);
    expect(folder, (struct kc_ids){200001, 300000},
        "/login.defs:8: SUB_GID_MIN to SUB_GID_MAX, 100000-300000, meet the realm's ids "
        "200001-300000" ADVICE);
    folder_text(folder, "login.defs", "\nUID_MAX many\n");
    expect(folder, usual, "/login.defs:2: UID_MAX is not a number from 0 to 4294967295");
    folder_text(folder, "login.defs", "UID_MIN 4294967296\n");
    expect(folder, usual, "/login.defs:1: UID_MIN is not a number from 0 to 4294967295");
    folder_text(folder, "login.defs", "SUB_GID_MIN\n");
    expect(folder, usual, "/login.defs:1: SUB_GID_MIN is not a number from 0 to 4294967295");
    folder_text(folder, "login.defs", "UID_MIN -1\n");
    expect(folder, usual, "/login.defs:1: UID_MIN is not a number from 0 to 4294967295");
}

static void test_subordinate(void **state)
{
    const struct folder *folder = *state;
    folder_text(folder, "subuid", "ada:1000000000:65536\nbob:1500000000:65536\n");
    folder_text(folder, "subgid",
        "ada:1000000000:65536\nbob:1600000000:1\n\nbroken\n:\n::\n"
        "x:1700000000:0\nx:y:z\neve:4294967000:4294967295");
    expect(folder, usual, NULL);
    expect(folder, (struct kc_ids){1000065536, 1400000000}, NULL);
    expect(folder, (struct kc_ids){1000065535, 1400000000},
        "/subuid:1: subordinate ids, 1000000000-1000065535, meet the realm's ids "
        "1000065535-1400000000" ADVICE);
    expect(folder, (struct kc_ids){1400000000, 1500000000},
        "/subuid:2: subordinate ids, 1500000000-1500065535, meet the realm's ids "
        "1400000000-1500000000" ADVICE);
    expect(folder, (struct kc_ids){1600000000, 1600000000},
        "/subgid:2: subordinate ids, 1600000000-1600000000, meet the realm's ids "
        "1600000000-1600000000" ADVICE);
    expect(folder, (struct kc_ids){1600000001, 4294966999u}, NULL);
    expect(folder, (struct kc_ids){1600000001, 4294967000u},
        "/subgid:9: subordinate ids, 4294967000-4294967295, meet the realm's ids "
        "1600000001-4294967000" ADVICE);
}

static void test_unreadable(void **state)
{
    const struct folder *folder = *state;
    const struct overlap_paths paths = {"/dev/null", folder->path, "/dev/null"};
    const struct kc_bounds bounds = {.ids = usual};
    struct kc_conf_error error = {0};
    char text[KC_CONF_ERROR_MAX], expected[KC_CONF_ERROR_MAX];
    assert_int_equal(overlap_check(&bounds, &paths, &error), KC_SYSTEM);
    kc_conf_error_text(&error, text, sizeof text);
    snprintf(expected, sizeof expected, "%s: cannot be read: Is a directory", folder->path);
    assert_string_equal(text, expected);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_lesson_38_defaults),
        IN_FOLDER(test_login_defs),
        IN_FOLDER(test_subordinate),
        IN_FOLDER(test_unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
