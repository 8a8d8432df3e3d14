/*
 * Groups in a set, and the host's own names: what is found, what is a double, what a file that
 * changes or cannot be read does (lessons 6 and 8).
 */
#include "common/account.h"
#include "daemon/groups.h"
#include "daemon/locals.h"
#include "tests/common/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include <cmocka.h>

static void test_found_by_name_gid_and_id(void **state)
{
    struct known_groups groups = {0};
    char name[16], id[16];
    (void)state;
    assert_null(group_by_name(&groups, "g1"));
    assert_null(group_by_gid(&groups, 1));
    assert_null(group_by_id(&groups, "i1"));
    assert_int_equal(groups_settle(&groups), KC_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        const uint32_t n = i * 7 % 1000;
        snprintf(name, sizeof name, "g%u", n);
        snprintf(id, sizeof id, "i%u", n);
        assert_int_equal(groups_add(&groups, name, id, 5000 + n, false), KC_OK);
    }
    assert_int_equal(groups_settle(&groups), KC_OK);
    for (uint32_t n = 0; n < 1000; n++) {
        snprintf(name, sizeof name, "g%u", n);
        snprintf(id, sizeof id, "i%u", n);
        const struct known_group *group = group_by_name(&groups, name);
        assert_non_null(group);
        assert_int_equal(group->gid, 5000 + n);
        assert_ptr_equal(group_by_gid(&groups, 5000 + n), group);
        assert_ptr_equal(group_by_id(&groups, id), group);
    }
    assert_null(group_by_name(&groups, "g"));
    assert_null(group_by_name(&groups, "a-name-that-is-longer-than-any-group-has-one"));
    assert_null(group_by_gid(&groups, 4999));
    assert_null(group_by_id(&groups, ""));
    groups_clear(&groups);
}

/* In whatever order a realm answers, one and the same of two wins, and the one in force first. */
static void test_doubles(void **state)
{
    static const struct {
        const char *name, *id;
        uint32_t gid;
        bool before;
    } all[] = {{"a", "3", 1, false}, {"a", "1", 2, false}, {"b", "4", 2, true},
        {"c", "5", 9, false}, {"c", "5", 9, false}, {"d", "6", 9, false}};
    const size_t count = sizeof all / sizeof *all;
    (void)state;
    for (size_t turn = 0; turn < count; turn++) {
        struct known_groups groups = {0};
        for (size_t i = 0; i < count; i++) {
            const size_t at = (i + turn) % count;
            assert_int_equal(
                groups_add(&groups, all[at].name, all[at].id, all[at].gid, all[at].before), KC_OK);
        }
        assert_int_equal(groups_settle(&groups), KC_OK);
        assert_int_equal(groups.count, 2);
        assert_string_equal(group_by_gid(&groups, 2)->id, "4");
        assert_string_equal(group_by_gid(&groups, 9)->name, "c");
        assert_null(group_by_id(&groups, "3"));
        assert_null(group_by_id(&groups, "1"));
        groups_clear(&groups);
    }
}

static void test_parents(void **state)
{
    struct known_groups groups = {0};
    struct known_group *found[GROUP_DEPTH_MAX];
    (void)state;
    assert_int_equal(groups_add(&groups, "top", "1", 1, false), KC_OK);
    assert_int_equal(groups_add(&groups, "leaf", "3", 3, false), KC_OK);
    assert_int_equal(groups_link(&groups, "2", "1", false), KC_OK);
    assert_int_equal(groups_link(&groups, "3", NULL, true), KC_OK);
    assert_int_equal(groups_link(&groups, "3", "2", false), KC_OK);
    assert_int_equal(groups_link(&groups, "8", "9", false), KC_OK); /* a realm gone mad */
    assert_int_equal(groups_link(&groups, "9", "8", false), KC_OK);
    assert_int_equal(groups_settle(&groups), KC_OK);
    assert_int_equal(groups.link_count, 4);
    assert_int_equal(groups_of_member(&groups, "3", found), 2);
    assert_string_equal(found[0]->name, "leaf");
    assert_string_equal(found[1]->name, "top");
    assert_int_equal(groups_of_member(&groups, "2", found), 1);
    assert_int_equal(groups_of_member(&groups, "8", found), 0);
    assert_int_equal(groups_of_member(&groups, "unknown", found), 0);
    groups_clear(&groups);
}

static bool is_odd(void *userdata, uint32_t uid)
{
    (void)userdata;
    return uid % 2;
}

static bool is_first(void *userdata, const struct known_group *group)
{
    return strcmp(group->name, userdata) == 0;
}

static void test_members(void **state)
{
    static const uint32_t uids[] = {5, 3, 4, 3, 5, 1, 2};
    struct known_groups groups = {0};
    char name[] = "a";
    (void)state;
    assert_int_equal(groups_add(&groups, "a", "1", 1, false), KC_OK);
    assert_int_equal(groups_add(&groups, "b", "2", 2, false), KC_OK);
    assert_int_equal(groups_settle(&groups), KC_OK);
    struct known_group *group = group_by_gid(&groups, 2);
    for (size_t i = 0; i < sizeof uids / sizeof *uids; i++)
        assert_int_equal(group_add_member(group, uids[i]), KC_OK);
    group_settle_members(group);
    assert_int_equal(group->member_count, 5);
    groups_drop_members(&groups, is_odd, NULL);
    assert_int_equal(group->member_count, 2);
    assert_int_equal(group->members[0], 2);
    assert_int_equal(group->members[1], 4);
    groups_drop(&groups, is_first, name);
    assert_int_equal(groups.count, 1);
    assert_null(group_by_name(&groups, "a"));
    assert_null(group_by_gid(&groups, 1));
    assert_int_equal(group_by_id(&groups, "2")->member_count, 2);
    name[0] = 'b';
    groups_drop(&groups, is_first, name);
    assert_null(group_by_id(&groups, "2"));
    groups_clear(&groups);
}

/* --- the host's own --- */

static enum kc_status tell(void *userdata, const char *name, bool numbered, uint32_t number)
{
    char *text = userdata;
    const size_t length = strlen(text);
    snprintf(text + length, 200 - length, "%s=", name ? name : "-");
    if (numbered)
        snprintf(text + strlen(text), 200 - strlen(text), "%u", number);
    snprintf(text + strlen(text), 200 - strlen(text), " ");
    return name && strcmp(name, "stop") == 0 ? KC_BUSY : KC_OK;
}

static void test_lines(void **state)
{
    static const char text[] =
        "a:x:1:2::/:\n\n:x:3\nb\nc:x:no\nd:x:4294967295:u,v\nstop:x:5\nlast:x:6";
    char told[200] = "";
    (void)state;
    assert_int_equal(kc_account_parse_lines(text, sizeof text - 1, tell, told), KC_BUSY);
    assert_string_equal(told, "a=1 -=3 b= c= d=4294967295 stop=5 ");
    *told = '\0';
    assert_int_equal(kc_account_parse_lines("x:x:7", 5, tell, told), KC_OK);
    assert_string_equal(told, "x=7 ");
}

static void count(void *userdata)
{
    ++*(unsigned *)userdata;
}

/* Lets the loop run until the table has changed that often, or for a second. */
static void await(sd_event *event, const unsigned *changes, unsigned wanted)
{
    for (int i = 0; i < 20 && *changes < wanted; i++)
        assert_true(sd_event_run(event, 100000) >= 0);
    assert_int_equal(*changes, wanted);
}

static void replace(const struct folder *folder, const char *name, const char *text)
{
    char path[FOLDER_PATH_MAX];
    snprintf(path, sizeof path, "%s", folder_path(folder, name));
    assert_int_equal(rename(folder_text(folder, "new", text), path), 0);
}

static void test_files_that_change(void **state)
{
    const struct folder *folder = *state;
    char passwd[FOLDER_PATH_MAX], group[FOLDER_PATH_MAX];
    struct locals *locals = NULL;
    sd_event *event = NULL;
    unsigned changes = 0;
    size_t users;
    snprintf(passwd, sizeof passwd, "%s",
        folder_text(folder, "passwd", "root:x:0:0::/:\nb:x:7:7::/:\nb:x:8:8::/:\n"));
    snprintf(group, sizeof group, "%s", folder_text(folder, "group", "wheel:x:10:root,b\n"));
    assert_true(sd_event_new(&event) >= 0);
    assert_int_equal(locals_new(event, passwd, group, count, &changes, &locals), KC_OK);
    assert_int_equal(changes, 0);
    assert_true(locals_have_name(locals, "root") && locals_have_name(locals, "wheel"));
    assert_true(locals_have_uid(locals, 8) && locals_have_gid(locals, 10));
    assert_false(locals_have_name(locals, "ada") || locals_have_uid(locals, 10) ||
                 locals_have_gid(locals, 0));
    assert_string_equal(locals_users(locals, &users)[0], "b");
    assert_int_equal(users, 2);
    /* by rename, as shadow-utils do */
    replace(folder, "passwd", "root:x:0:0::/:\nada:x:1000:1000::/:");
    await(event, &changes, 1);
    assert_true(locals_have_name(locals, "ada") && locals_have_uid(locals, 1000));
    assert_false(locals_have_uid(locals, 8));
    /* in place; another file of the folder says nothing */
    folder_text(folder, "shadow", "x");
    folder_text(folder, "group", "wheel:x:10:\nada:x:1000:\n");
    await(event, &changes, 2);
    assert_true(locals_have_gid(locals, 1000));
    /* a file that cannot be read: everything is the host's own, until it is back */
    assert_int_equal(unlink(group), 0);
    await(event, &changes, 3);
    assert_true(locals_have_name(locals, "anybody") && locals_have_uid(locals, 4242) &&
                locals_have_gid(locals, 4242));
    assert_true(sd_event_run(event, 1200000) >= 0); /* looks again, to no avail */
    assert_int_equal(changes, 3);
    replace(folder, "group", "");
    await(event, &changes, 4);
    assert_false(locals_have_name(locals, "anybody") || locals_have_gid(locals, 10));
    locals_look(locals);
    assert_int_equal(changes, 4);
    locals_free(locals);
    sd_event_unref(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_by_name_gid_and_id),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_parents),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_lines),
        cmocka_unit_test_setup_teardown(test_files_that_change, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
