/*
 * What the directory is made of, without a realm: users as the Admin API tells of them, the entries
 * that come of it, group names, who is known (lessons 6, 7, 8, 9, 10, 11).
 */
#include "daemon/bindings.h"
#include "daemon/absent.h"
#include "daemon/config.h"
#include "daemon/people.h"
#include "daemon/served.h"
#include "daemon/shells.h"
#include "jose/json.h"
#include "tests/common/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct config *config;
static struct kc_bounds *bounds;

static int set_up(void **state)
{
    static const char text[] = "[realm]\nissuer = https://idp.example.org/realms/linux\n"
                               "client_id = linux-pam\nclient_auth = none\n"
                               "[groups]\nserve = /linux-users /engineering/* /a/b\n"
                               "name.night = /night shift/late\nname.crew = /engineering/Crew\n";
    struct kc_conf_error error = {0};
    (void)state;
    if (config_parse(text, sizeof text - 1, &config, &error) != KC_OK ||
        kc_bounds_parse("", 0, &bounds, &error) != KC_OK)
        return -1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    config_unref(config);
    kc_bounds_free(bounds);
    return 0;
}

static enum kc_status read_person(const char *text, struct person **ret_person)
{
    JOSE_AUTO_JSON struct json_object *object = NULL;
    enum kc_status status =
        jose_json_parse_object(text, strlen(text), &jose_json_answer_limits, &object);
    return status == KC_OK ? person_read(object, &config->directory, ret_person) : status;
}

#define ADA                                                                                        \
    "\"id\":\"1\",\"username\":\"ada\",\"enabled\":true,\"firstName\":\"Ada\","                    \
    "\"lastName\":\"Lovelace\""

static void test_person(void **state)
{
    static const char *const wrong[] = {"{}", "{\"id\":\"1\",\"username\":\"ada\"}",
        "{\"id\":1,\"username\":\"ada\",\"enabled\":true}",
        "{\"id\":\"1\",\"username\":\"ada\",\"enabled\":\"true\"}",
        "{" ADA ",\"username\":\"eve\"}"};
    /* one user's oddities are that user's trouble alone */
    static const char *const odd[] = {"{\"id\":\"1\",\"username\":\"ada\",\"enabled\":true,"
                                      "\"firstName\":7}",
        "{" ADA ",\"attributes\":[]}", "{" ADA ",\"attributes\":{\"uidNumber\":\"1900010001\"}}",
        "{" ADA ",\"attributes\":{\"uidNumber\":[1900010001]}}",
        "{" ADA ",\"attributes\":{\"uidNumber\":[\"1\"],\"uidNumber\":[\"2\"]}}"};
    PERSON_AUTO struct person *person = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(read_person(wrong[i], &person), KC_ANSWER_MALFORMED);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_int_equal(read_person(odd[i], &person), KC_ENTRY_MALFORMED);
    assert_null(person);
    assert_int_equal(read_person("{" ADA ",\"attributes\":{\"uidNumber\":[\"5\",\"6\"],"
                                 "\"sshPublicKey\":[1,\"a\",null,\"b\"],\"other\":7}}",
                         &person),
        KC_OK);
    assert_string_equal(person->id, "1");
    assert_string_equal(person->username, "ada");
    assert_true(person->enabled);
    assert_string_equal(person->uid, "5");
    assert_null(person->gid);
    assert_string_equal(person->keys[1], "b");
    assert_null(person->keys[2]);
}

/* Whoever may edit their own keys cannot edit their entry away. */
static void test_more_keys_than_are_taken(void **state)
{
    static char text[512 * 1024];
    PERSON_AUTO struct person *person = NULL;
    int length = snprintf(text, sizeof text, "{" ADA ",\"attributes\":{\"sshPublicKey\":[\"%0*d\"",
        (int)PERSON_ATTRIBUTE_MAX + 1, 0);
    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, ",\"key %u\"", i);
    snprintf(text + length, sizeof text - (size_t)length, "]}}");
    assert_int_equal(read_person(text, &person), KC_OK);
    assert_string_equal(person->keys[0], "key 0");
    assert_string_equal(person->keys[PERSON_KEYS_MAX - 1], "key 63");
    assert_null(person->keys[PERSON_KEYS_MAX]);
}

static enum kc_status make(const struct person *person, struct passwd_entry *entry)
{
    static const char *const shells[] = {"/bin/sh", "/bin/bash", NULL};
    const struct passwd_entry_rules rules = {
        .directory = &config->directory,
        .bounds = bounds,
        .shells = shells,
    };
    return passwd_entry_make(person, &rules, entry);
}

#define TEXT(text) ((char *)(uintptr_t)(text))

static struct person sound_person(void)
{
    return (struct person){.id = TEXT("1"),
        .username = TEXT("ada"),
        .enabled = true,
        .first_name = TEXT("Ada"),
        .last_name = TEXT("Love:lace,\n"),
        .uid = TEXT("1900010001"),
        .gid = TEXT("1900020000"),
        .home = TEXT("/home/ada"),
        .shell = TEXT("/bin/sh")};
}

static void test_entry(void **state)
{
    struct person person = sound_person();
    struct passwd_entry entry;
    (void)state;
    assert_int_equal(make(&person, &entry), KC_OK);
    assert_string_equal(entry.gecos, "Ada Lovelace"); /* lesson 11 */
    assert_string_equal(entry.home, "/home/ada");
    assert_string_equal(entry.shell, "/bin/sh");
    assert_int_equal(entry.home_source, ENTRY_ATTRIBUTE);
    person.home = person.shell = person.first_name = NULL;
    assert_int_equal(make(&person, &entry), KC_OK);
    assert_string_equal(entry.gecos, "Lovelace");
    assert_string_equal(entry.home, "/home/ada");
    assert_string_equal(entry.shell, "/bin/bash");
    assert_int_equal(entry.shell_source, ENTRY_CONFIGURED);
}

static void test_homes_and_shells_that_are_not_taken(void **state)
{
    static const char *const homes[] = {"/root", "/homes/ada", "/home", "/home/", "home/ada",
        "/home/../root", "/home/./ada", "/home//ada", "/home/ada/", "/home/a:b", "/home/a\nb", ""};
    static const char *const shells[] = {"/bin/false", "bash", "", "/bin/sh\n", "/bin/sh:"};
    struct passwd_entry entry;
    (void)state;
    for (size_t i = 0; i < sizeof homes / sizeof *homes; i++) {
        struct person person = sound_person();
        person.home = TEXT(homes[i]);
        assert_int_equal(make(&person, &entry), KC_OK);
        assert_string_equal(entry.home, "/home/ada");
        assert_int_equal(entry.home_source, ENTRY_CONFIGURED);
    }
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        struct person person = sound_person();
        person.shell = TEXT(shells[i]);
        assert_int_equal(make(&person, &entry), KC_OK);
        assert_string_equal(entry.shell, "/bin/bash");
    }
}

static void test_lesson_10_ids(void **state)
{
    static const char *const wrong[] = {"0", "1", "1000", "61184", "65534", "65535", "4294967295",
        "4294967296", "-1", "+1900010001", " 1900010001", "1900010001 ", "01900010001", "1.9e9",
        "0x71400000", "", "1879048191", "2147352576", "99999999999"};
    struct passwd_entry entry;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct person person = sound_person();
        person.uid = TEXT(wrong[i]);
        assert_int_equal(make(&person, &entry), KC_ENTRY_BAD_UID);
        person = sound_person();
        person.gid = TEXT(wrong[i]);
        assert_int_equal(make(&person, &entry), KC_ENTRY_BAD_GID);
    }
    struct person person = sound_person();
    person.uid = NULL;
    assert_int_equal(make(&person, &entry), KC_ENTRY_NO_UID);
    person = sound_person();
    person.gid = NULL; /* lesson 9: never 0 */
    assert_int_equal(make(&person, &entry), KC_ENTRY_NO_GID);
}

static void test_lesson_11_names(void **state)
{
    static const char *const wrong[] = {"Ada", "ada@example.org", "-x", "a:b", "x y", "jo.",
        "service-account-linux-nss", "j\xc3\xbcrgen", "abcdefghijklmnopqrstuvwxyz0123456", ""};
    struct passwd_entry entry;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct person person = sound_person();
        person.username = TEXT(wrong[i]);
        assert_int_equal(make(&person, &entry), KC_USER_UNKNOWN);
    }
}

static void assert_served(const char *path, enum kc_status expected, const char *expected_name)
{
    char name[KC_LOOKUP_NAME_MAX] = "";
    assert_int_equal(served_name(&config->groups, path, name), expected);
    if (expected == KC_OK)
        assert_string_equal(name, expected_name);
}

static void test_lesson_7_groups_are_whole_paths(void **state)
{
    (void)state;
    assert_served("/linux-users", KC_OK, "linux-users");
    assert_served("/a/b", KC_OK, "a.b");
    assert_served("/engineering/kernel", KC_OK, "engineering.kernel");
    assert_served("/night shift/late", KC_OK, "night");
    assert_served("/engineering/Crew", KC_OK, "crew");
    assert_served("/linux-user", KC_NOT_FOUND, NULL);
    assert_served("/linux-users/x", KC_NOT_FOUND, NULL);
    assert_served("/x/linux-users", KC_NOT_FOUND, NULL);
    assert_served("/engineering", KC_NOT_FOUND, NULL);
    assert_served("/engineering/", KC_NOT_FOUND, NULL);
    assert_served("/engineering/kernel/net", KC_NOT_FOUND, NULL);
    assert_served("/a", KC_NOT_FOUND, NULL);
    assert_served("/engineering/a.b", KC_ENTRY_NAME_TAKEN, NULL);
    assert_served("/engineering/Upper", KC_ENTRY_NAME_TAKEN, NULL);
    assert_served("/engineering/a name", KC_ENTRY_NAME_TAKEN, NULL);
    assert_served("/engineering/a-name-that-is-too-long-for-it", KC_ENTRY_NAME_TAKEN, NULL);
}

static void test_lesson_8_no_name_or_uid_is_shared(void **state)
{
    struct people *people;
    struct known_user *user = NULL;
    struct passwd_entry ada = {.name = "ada", .uid = 1900010001, .gid = 1900020000};
    struct passwd_entry eve = {.name = "eve", .uid = 1900010002, .gid = 1900020000};
    (void)state;
    assert_int_equal(people_new(&people), KC_OK);
    assert_int_equal(people_put(people, "id-ada", &ada, true, &user), KC_OK);
    assert_int_equal(people_put(people, "id-eve", &eve, true, &user), KC_OK);
    assert_int_equal(people_put(people, "id-other", &ada, true, &user), KC_ENTRY_NAME_TAKEN);
    eve.uid = ada.uid;
    assert_int_equal(people_put(people, "id-eve", &eve, true, &user), KC_ENTRY_ID_TAKEN);
    assert_int_equal(people_count(people), 2);
    snprintf(ada.name, sizeof ada.name, "ada2"); /* renamed in the realm: the old one goes before */
    assert_int_equal(people_put(people, "id-ada", &ada, false, &user), KC_BUSY);
    people_remove(people, people_by_id(people, "id-ada"));
    assert_int_equal(people_put(people, "id-ada", &ada, false, &user), KC_OK);
    assert_null(people_by_name(people, "ada"));
    assert_ptr_equal(people_by_name(people, "ada2"), user);
    assert_ptr_equal(people_by_uid(people, 1900010001), user);
    assert_false(user->enabled);
    snprintf(ada.gecos, sizeof ada.gecos, "Ada");
    assert_int_equal(people_put(people, "id-ada", &ada, true, &user), KC_OK);
    assert_string_equal(people_by_id(people, "id-ada")->gecos, "Ada");
    people_remove(people, user);
    assert_int_equal(people_count(people), 1);
    people_free(people);
}

static void test_absent(void **state)
{
    struct absent *absent;
    (void)state;
    assert_int_equal(absent_new(&absent), KC_OK);
    absent_put(absent, "nobody-there", 100);
    assert_true(absent_has(absent, "nobody-there", 99));
    assert_false(absent_has(absent, "nobody-there", 100));
    assert_false(absent_has(absent, "nobody-ther", 1));
    assert_false(absent_has(absent, "", 0));
    absent_clear(absent);
    assert_false(absent_has(absent, "nobody-there", 1));
    absent_free(absent);
}

static void test_shells(void **state)
{
    char **shells;
    const char *path = folder_text(*state, "shells",
        "# comment\n/bin/sh\nbash\n\n/bin/zsh # x\n/bin/with blank\n/bin/bash\n/bin/cut");
    assert_int_equal(shells_read(path, &shells), KC_OK);
    assert_string_equal(shells[0], "/bin/sh");
    assert_string_equal(shells[1], "/bin/bash");
    assert_null(shells[2]);
    shells_free(shells);
    assert_int_equal(shells_read("/nonexistent", &shells), KC_OK);
    assert_null(shells[0]);
    shells_free(shells);
}

/* allocate = host begins at the range's end: what the realm numbers next is not above that. */
static void test_what_this_host_gave_is_not_the_highest(void **state)
{
    (void)state;
    struct bindings *bindings;
    const struct state_row realm = {.table = STATE_UIDS, .number = 1900000001u, .id = "a"};
    const struct state_row own = {
        .table = STATE_UIDS, .number = 1999999999u, .id = "b", .allocated = true};
    assert_int_equal(bindings_new(&bindings), KC_OK);
    assert_int_equal(bindings_put(bindings, &realm, true), KC_OK);
    assert_int_equal(bindings_put(bindings, &own, true), KC_OK);
    assert_int_equal(bindings_highest(bindings, STATE_UIDS, 1999999999u), 1900000001u);
    bindings_free(bindings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_this_host_gave_is_not_the_highest),
        cmocka_unit_test(test_person),
        cmocka_unit_test(test_more_keys_than_are_taken),
        cmocka_unit_test(test_entry),
        cmocka_unit_test(test_homes_and_shells_that_are_not_taken),
        cmocka_unit_test(test_lesson_10_ids),
        cmocka_unit_test(test_lesson_11_names),
        cmocka_unit_test(test_lesson_7_groups_are_whole_paths),
        cmocka_unit_test(test_lesson_8_no_name_or_uid_is_shared),
        cmocka_unit_test(test_absent),
        cmocka_unit_test_setup_teardown(test_shells, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
