/*
 * Names, the host's own accounts, and the host's bounds (lessons 2, 6, 10).
 */
#include "common/account.h"
#include "common/bounds.h"
#include "common/name.h"
#include "tests/common/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static bool user(const char *name)
{
    return kc_name_valid_user(name, strlen(name));
}

static void test_lesson_11_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "_", "ada", "_apt", "jo.doe", "a-b", "a_b", "a1",
        "service-account", "service-accoun", "abcdefghijklmnopqrstuvwxyz012345"};
    static const char *const wrong[] = {"", "Ada", "aDa", "1a", ".a", "-a", "a.", "a b", "a:b",
        "a\n", "a/b", "a@b", "a$", "j\xc3\xbcrgen", "service-account-x", "service-account-",
        "abcdefghijklmnopqrstuvwxyz0123456", "a\x7f", "@a", "a,b", "+a"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(user(good[i]));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(user(wrong[i]));
    assert_false(kc_name_valid_user("a\0b", 3));
    assert_true(kc_name_valid_group("service-account-x", 17));
}

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
                             "toor:x:0:0::/root:/bin/sh\n"
                             "daemon:x:1:1::/:/usr/sbin/nologin\n"
                             "ada:x:1000:1000:Ada,,,:/home/ada:/bin/bash\n"
                             "bob:x:1001:100::/home/bob:/bin/bash\n"
                             "eve:x:1002:1002::/home/eve:/bin/bash\n"
                             "adam:x:1003:50:x:/:/bin/sh\n"
                             "nobody:x:65534:65534::/:/bin/sh\n"
                             "limit:x:65535:100::/:/bin/sh\n"
                             "minus:x:4294967295:100::/:/bin/sh\n"
                             "low:x:999:100::/:/bin/sh\n"
                             "broken:x:1004\n"
                             "text:x:abc:100::/:/bin/sh\n"
                             "huge:x:4294968296:100::/:/bin/sh\n"
                             "many:x:1005:100::/:/bin/sh:more\n"
                             "Upper:x:1006:100::/:/bin/sh\n"
                             "ada:x:0:0::/:/bin/sh\n"
                             "last:x:1007:100::/:/bin/sh";

static const char group[] = "root:x:0:\n"
                            "users:x:100:eve\n"
                            "staff:x:50:ada,bobby,ad\n"
                            "empty:x:60:\n"
                            "staff:x:51:bob\n"
                            "broken\n"
                            "lastone:x:70:last";

static enum kc_status find(const char *name, struct kc_account *ret)
{
    return kc_account_parse(passwd, sizeof passwd - 1, name, ret);
}

static bool in(const char *name, const char *who, gid_t gid)
{
    return kc_account_parse_group(group, sizeof group - 1, name, who, gid);
}

static void test_accounts(void **state)
{
    (void)state;
    struct kc_account account = {.uid = 77};
    assert_int_equal(find("ada", &account), KC_OK);
    assert_true(account.sound);
    assert_int_equal(account.uid, 1000); /* the first line counts, as it does for glibc */
    assert_int_equal(account.gid, 1000);
    assert_int_equal(find("last", &account), KC_OK);
    assert_int_equal(account.uid, 1007);
    account.uid = 77;
    static const char *const absent[] = {"", "ad", "adaa", "Ada", "", "x", "ada:x", "ada\n", "roo"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        assert_int_equal(find(absent[i], &account), KC_NOT_FOUND);
    assert_int_equal(account.uid, 77);
    static const char *const unsound[] = {"broken", "text", "huge", "many"};
    for (size_t i = 0; i < sizeof unsound / sizeof *unsound; i++) {
        assert_int_equal(find(unsound[i], &account), KC_OK);
        assert_false(account.sound);
    }
}

static void test_groups(void **state)
{
    (void)state;
    assert_true(in("users", "eve", 1002));
    assert_true(in("users", "bob", 100)); /* by the primary gid */
    assert_false(in("users", "ada", 1000));
    assert_true(in("staff", "ada", 1000));
    assert_true(in("staff", "bob", 1001)); /* by its second line */
    assert_true(in("staff", "adam", 50));
    assert_false(in("staff", "a", 1));
    assert_false(in("staff", "bobb", 1));
    assert_false(in("empty", "", 1));
    assert_false(in("absent", "ada", 1000));
    assert_false(in("broken", "ada", 1000));
    assert_true(in("lastone", "last", 1));
    assert_false(in("lastone", "las", 1));
}

/* A name as long as the field's room, and one longer: what is cut never equals anything. */
static void test_long_fields(void **state)
{
    (void)state;
    char file[2 * KC_ACCOUNT_FIELD_MAX + 64], name[KC_ACCOUNT_FIELD_MAX + 2];
    struct kc_account account;
    for (size_t length = KC_ACCOUNT_FIELD_MAX - 1; length <= KC_ACCOUNT_FIELD_MAX + 1; length++) {
        memset(name, 'n', length);
        name[length] = 0;
        int size = snprintf(file, sizeof file, "%s:x:1000:1000::/:/bin/sh\n", name);
        enum kc_status expected = length <= KC_ACCOUNT_FIELD_MAX ? KC_OK : KC_NOT_FOUND;
        assert_int_equal(kc_account_parse(file, (size_t)size, name, &account), expected);
        name[length - 1] = 0;
        assert_int_equal(kc_account_parse(file, (size_t)size, name, &account), KC_NOT_FOUND);
    }
}

static void test_files(void **state)
{
    const struct folder *folder = *state;
    struct kc_account account;
    bool member = false;
    assert_int_equal(
        kc_account_find(folder_text(folder, "passwd", passwd), "bob", &account), KC_OK);
    assert_int_equal(account.uid, 1001);
    assert_int_equal(kc_account_find_uid(folder_path(folder, "passwd"), 1002, &account), KC_OK);
    assert_int_equal(account.gid, 1002);
    assert_int_equal(
        kc_account_find_uid(folder_path(folder, "passwd"), 1234, &account), KC_NOT_FOUND);
    assert_int_equal(kc_account_find(folder_path(folder, "absent"), "bob", &account), KC_SYSTEM);
    assert_int_equal(
        kc_account_in_group(folder_text(folder, "group", group), "users", "eve", 1, &member),
        KC_OK);
    assert_true(member);
    assert_int_equal(
        kc_account_in_group(folder_path(folder, "absent"), "users", "eve", 1, &member), KC_SYSTEM);
}

/* A group of 20,000 members, across many reads; the last one is found, and nobody else. */
static void test_large_group(void **state)
{
    const struct folder *folder = *state;
    FILE *file = fopen(folder_path(folder, "group"), "w");
    bool member = false;
    assert_non_null(file);
    fputs("big:x:5000:", file);
    for (unsigned i = 0; i < 20000; i++)
        fprintf(file, "user%u,", i);
    fputs("ada\n", file);
    assert_int_equal(fclose(file), 0);
    const char *path = folder_path(folder, "group");
    assert_int_equal(kc_account_in_group(path, "big", "ada", 1, &member), KC_OK);
    assert_true(member);
    assert_int_equal(kc_account_in_group(path, "big", "user19999", 1, &member), KC_OK);
    assert_true(member);
    assert_int_equal(kc_account_in_group(path, "big", "user20000", 1, &member), KC_OK);
    assert_false(member);
}

static void expect_kind(const struct folder *folder, const struct kc_bounds *bounds,
    const char *name, enum kc_account_kind kind, uid_t uid)
{
    enum kc_account_kind got = (enum kc_account_kind)99;
    uid_t got_uid = 0;
    char groups[FOLDER_PATH_MAX * 2];
    snprintf(groups, sizeof groups, "%s", folder_text(folder, "group", group));
    const char *path = folder_text(folder, "passwd", passwd);
    assert_int_equal(kc_bounds_account(bounds, path, groups, name, &got, &got_uid), KC_OK);
    assert_int_equal(got, kind);
    assert_int_equal(got_uid, uid);
}

static struct kc_bounds *parse(const char *text)
{
    struct kc_conf_error error = {0};
    struct kc_bounds *bounds = NULL;
    enum kc_status status = kc_bounds_parse(text, strlen(text), &bounds, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, KC_OK);
    return bounds;
}

static void test_lesson_6_whose_a_name_is(void **state)
{
    const struct folder *folder = *state;
    KC_AUTO_BOUNDS struct kc_bounds *none = parse("");
    expect_kind(folder, none, "root", KC_ACCOUNT_LOCAL, 0);
    expect_kind(folder, none, "ada", KC_ACCOUNT_LOCAL, 0);
    expect_kind(folder, none, "grace", KC_ACCOUNT_ABSENT, 0);
    expect_kind(folder, none, "Ada", KC_ACCOUNT_ABSENT, 0);
    KC_AUTO_BOUNDS struct kc_bounds *some =
        parse("local_accounts = ada @users\n"
              "local_accounts = toor daemon nobody limit minus\n"
              "local_accounts = low broken text huge many\n"
              "local_accounts = grace @absent @staff\n");
    expect_kind(folder, some, "ada", KC_ACCOUNT_LISTED, 1000);
    expect_kind(folder, some, "bob", KC_ACCOUNT_LISTED, 1001);
    expect_kind(folder, some, "eve", KC_ACCOUNT_LISTED, 1002);
    expect_kind(folder, some, "adam", KC_ACCOUNT_LISTED, 1003);
    expect_kind(folder, some, "last", KC_ACCOUNT_LISTED, 1007);
    expect_kind(folder, some, "grace", KC_ACCOUNT_ABSENT, 0);
    static const char *const never[] = {"root", "toor", "daemon", "nobody", "limit", "minus", "low",
        "broken", "text", "huge", "many", "Upper"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        expect_kind(folder, some, never[i], KC_ACCOUNT_LOCAL, 0);
}

/* Without its files the host's word is missing, and that is not the same as "absent". */
static void test_unreadable_files(void **state)
{
    const struct folder *folder = *state;
    KC_AUTO_BOUNDS struct kc_bounds *bounds = parse("local_accounts = @users");
    enum kc_account_kind kind = (enum kc_account_kind)99;
    char good[FOLDER_PATH_MAX * 2];
    snprintf(good, sizeof good, "%s", folder_text(folder, "passwd", passwd));
    const char *absent = folder_path(folder, "absent");
    assert_int_equal(kc_bounds_account(bounds, absent, good, "ada", &kind, NULL), KC_SYSTEM);
    assert_int_equal(kc_bounds_account(bounds, good, absent, "ada", &kind, NULL), KC_SYSTEM);
    assert_int_equal(kind, 99);
}

static void test_lesson_10_ids(void **state)
{
    (void)state;
    KC_AUTO_BOUNDS struct kc_bounds *usual = parse("");
    assert_int_equal(usual->ids.first, 1879048192u);
    assert_int_equal(usual->ids.last, 2147352575u);
    assert_false(usual->allow_overlap);
    assert_string_equal(usual->home_prefix, "/home");
    assert_int_equal(usual->local_accounts.count, 0);
    assert_false(kc_bounds_id(usual, 1879048191u));
    assert_true(kc_bounds_id(usual, 1879048192u));
    assert_true(kc_bounds_id(usual, 2147352575u));
    assert_false(kc_bounds_id(usual, 2147352576u));
    assert_false(kc_bounds_id(usual, 0));
    assert_false(kc_bounds_id(usual, UINT32_MAX));
    KC_AUTO_BOUNDS struct kc_bounds *wide = parse("ids = 1000-4294967294");
    assert_true(kc_bounds_id(wide, 65533));
    assert_false(kc_bounds_id(wide, 65534));
    assert_false(kc_bounds_id(wide, 65535));
    assert_true(kc_bounds_id(wide, 65536));
    assert_true(kc_bounds_id(wide, 4294967294u));
    assert_false(kc_bounds_id(wide, UINT32_MAX));
    assert_false(kc_bounds_id(wide, 0));
    struct kc_bounds empty = {.ids = {0, UINT32_MAX}};
    assert_false(kc_bounds_id(&empty, 0));
    assert_false(kc_bounds_id(&empty, UINT32_MAX));
}

static void test_every_option_flipped(void **state)
{
    (void)state;
    KC_AUTO_BOUNDS struct kc_bounds *bounds = parse("# all of them\n"
                                                    "ids = 5000-6000\n"
                                                    "allow_overlap = yes\n"
                                                    "home_prefix = /srv/home\n"
                                                    "local_accounts = ada @staff\n");
    assert_int_equal(bounds->ids.first, 5000);
    assert_int_equal(bounds->ids.last, 6000);
    assert_true(bounds->allow_overlap);
    assert_string_equal(bounds->home_prefix, "/srv/home");
    assert_int_equal(bounds->local_accounts.count, 2);
    assert_string_equal(bounds->local_accounts.items[1], "@staff");
    assert_int_equal(kc_bounds_options.count, 4);
}

static void test_mistakes(void **state)
{
    const struct folder *folder = *state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"\nids = 0-2000", "2: ids: must begin at 1000 or above: the ids below are the system's"},
        {"ids = 999-2000", "1: ids: must begin at 1000 or above: the ids below are the system's"},
        {"ids = 5000-4294967295", "1: ids: must end below 4294967295, which is no id"},
        {"ids = 6000-5000", "1: ids: the first id is above the last"},
        {"ids = 5000", "1: ids: must be FIRST-LAST"},
        {"ids = 1000-2000\nids = 3000-4000", "2: ids: stands twice, first in line 1"},
        {"allow_overlap = maybe", "1: allow_overlap: must be yes or no"},
        {"home_prefix = home", "1: home_prefix: must be a path that begins with /"},
        {"home_prefix = /home/../etc", "1: home_prefix: must be a path without .."},
        {"home_prefix = /", "1: home_prefix: must be a folder below /"},
        {"local_accounts = ada root",
            "1: local_accounts: root is never opened by a realm password"},
        {"local_accounts = @root", "1: local_accounts: root is never opened by a realm password"},
        {"local_accounts = ada, bob",
            "1: local_accounts: must be user names and @group names of [a-z_][a-z0-9_.-]{0,31}"},
        {"local_accounts = @",
            "1: local_accounts: must be user names and @group names of [a-z_][a-z0-9_.-]{0,31}"},
        {"local_accounts = service-account-x",
            "1: local_accounts: must be user names and @group names of [a-z_][a-z0-9_.-]{0,31}"},
        {"users = ada", "1: users: no such key here"},
        {"[host]", "1: host: this file has no sections"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kc_bounds *bounds = NULL;
        struct kc_conf_error error;
        char text[KC_CONF_ERROR_MAX], expected[KC_CONF_ERROR_MAX];
        const char *path = folder_text(folder, "host.conf", cases[i].text);
        snprintf(expected, sizeof expected, "%s:%s", path, cases[i].error);
        assert_int_equal(kc_bounds_load(path, geteuid(), &bounds, &error), KC_CONFIG_INVALID);
        kc_conf_error_text(&error, text, sizeof text);
        assert_string_equal(text, expected);
        assert_null(bounds);
    }
}

static void test_file(void **state)
{
    const struct folder *folder = *state;
    struct kc_bounds *bounds = NULL;
    struct kc_conf_error error;
    uid_t me = geteuid();
    assert_int_equal(kc_bounds_load(folder_path(folder, "absent"), me, &bounds, &error), KC_OK);
    assert_int_equal(bounds->ids.first, 1879048192u);
    kc_bounds_free(bounds);
    bounds = NULL;
    const char *path = folder_text(folder, "host.conf", "ids = 5000-6000\n");
    assert_int_equal(kc_bounds_load(path, me, &bounds, &error), KC_OK);
    assert_int_equal(bounds->ids.first, 5000);
    kc_bounds_free(bounds);
    bounds = NULL;
    assert_int_equal(kc_bounds_load(path, me + 1, &bounds, &error), KC_CONFIG_UNTRUSTED);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(kc_bounds_load(path, me, &bounds, &error), KC_CONFIG_UNTRUSTED);
    assert_int_equal(kc_bounds_load(folder->path, me, &bounds, &error), KC_CONFIG_UNTRUSTED);
    assert_null(bounds);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lesson_11_names),
        cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_long_fields),
        IN_FOLDER(test_files),
        IN_FOLDER(test_large_group),
        IN_FOLDER(test_lesson_6_whose_a_name_is),
        IN_FOLDER(test_unreadable_files),
        cmocka_unit_test(test_lesson_10_ids),
        cmocka_unit_test(test_every_option_flipped),
        IN_FOLDER(test_mistakes),
        IN_FOLDER(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
