/*
 * Numbers for users and groups of a realm: who gets one, which, and what is PUT and expected back
 * (lessons 6, 8 and 10).
 * Run by make check.
 */
#include "daemon/assign_plan.h"
#include "daemon/assign_report.h"
#include "daemon/config.h"
#include "daemon/locals.h"
#include "jose/json.h"
#include "tests/common/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

#include <json-c/json.h>

#include <cmocka.h>

#define FIRST 1900000000u
#define LAST 1900000099u

static struct config *config;
static struct kc_bounds *bounds;
static struct locals *locals;
static sd_event *event;
static struct assign_rules rules;

static void ignore(void *userdata)
{
    (void)userdata;
}

static int begin(void **state)
{
    static const char text[] = "[realm]\nissuer = https://idp.example.org/realms/linux\n"
                               "client_id = linux-pam\nclient_auth = none\n"
                               "[groups]\nserve = /staff /teams/*\n";
    static const char host[] = "ids = 1900000000-1900000099\n";
    static char passwd[512], group[512];
    struct kc_conf_error error;
    if (folder_make(state) != 0)
        return -1;
    snprintf(passwd, sizeof passwd, "%s",
        folder_text(*state, "passwd", "root:x:0:0::/:\ncarol:x:1900000003:5::/:\n"));
    snprintf(group, sizeof group, "%s", folder_text(*state, "group", "wheel:x:1900000001:\n"));
    if (config_parse(text, sizeof text - 1, &config, &error) != KC_OK ||
        kc_bounds_parse(host, sizeof host - 1, &bounds, &error) != KC_OK ||
        sd_event_new(&event) < 0 ||
        locals_new(event, passwd, group, ignore, NULL, &locals) != KC_OK)
        return -1;
    rules = (struct assign_rules){config, bounds, locals};
    return 0;
}

static int end(void **state)
{
    locals_free(locals);
    sd_event_unref(event);
    kc_bounds_free(bounds);
    config_unref(config);
    return folder_remove(state);
}

static struct json_object *parse(const char *text)
{
    struct json_object *object = NULL;
    assert_int_equal(
        jose_json_parse_object(text, strlen(text), &jose_json_answer_limits, &object), KC_OK);
    return object;
}

static enum kc_status add_user(struct assign_plan *plan, const char *text)
{
    JOSE_AUTO_JSON struct json_object *object = parse(text);
    return assign_plan_user(plan, &rules, object);
}

static enum kc_status add_group(struct assign_plan *plan, const char *text)
{
    JOSE_AUTO_JSON struct json_object *object = parse(text);
    return assign_plan_group(plan, &rules, object);
}

static void test_next_above_everything(void **state)
{
    (void)state;
    ASSIGN_PLAN_AUTO struct assign_plan plan = {0};
    assert_int_equal(add_user(&plan, "{\"id\":\"1\",\"username\":\"new\"}"), KC_OK);
    assert_int_equal(add_user(&plan, "{\"id\":\"2\",\"username\":\"ada\",\"attributes\":{"
                                     "\"uidNumber\":[\"1900000001\"],\"gidNumber\":[\"1900000007\"]}}"),
        KC_OK);
    assert_int_equal(add_user(&plan, "{\"id\":\"3\",\"username\":\"odd\",\"attributes\":{"
                                     "\"uidNumber\":[\"0\",\"1900000002\",\"4000000000\",\"x\"]}}"),
        KC_OK);
    assert_int_equal(add_group(&plan, "{\"id\":\"4\",\"path\":\"/staff\"}"), KC_OK);
    assert_int_equal(plan.count, 2);
    assert_int_equal(plan.high_uid, 1900000002u);
    assign_plan_note(&plan, &rules, 7, 1900000010u); /* this host has bound them; 7 is no matter */
    assert_int_equal(assign_plan_choose(&plan, &rules), KC_OK);
    assert_string_equal(plan.items[0].label, "new");
    assert_int_equal(plan.items[0].number, 1900000004u); /* ...3 is carol's, of the host's own */
    assert_true(plan.items[1].is_group);
    assert_int_equal(plan.items[1].number, 1900000011u);
    assert_int_equal(plan.no_gid, 2);
}

static void test_an_empty_realm_begins_with_the_range(void **state)
{
    (void)state;
    ASSIGN_PLAN_AUTO struct assign_plan plan = {0};
    assert_int_equal(add_group(&plan, "{\"id\":\"1\",\"path\":\"/teams/red\"}"), KC_OK);
    assert_int_equal(add_group(&plan, "{\"id\":\"2\",\"path\":\"/teams/blue\"}"), KC_OK);
    assert_int_equal(assign_plan_choose(&plan, &rules), KC_OK);
    assert_int_equal(plan.items[0].number, FIRST);
    assert_int_equal(plan.items[1].number, FIRST + 2); /* wheel has the one between */
}

static void test_a_full_range(void **state)
{
    (void)state;
    ASSIGN_PLAN_AUTO struct assign_plan plan = {0};
    assert_int_equal(add_user(&plan, "{\"id\":\"1\",\"username\":\"a\"}"), KC_OK);
    assert_int_equal(add_user(&plan, "{\"id\":\"2\",\"username\":\"b\"}"), KC_OK);
    assign_plan_note(&plan, &rules, LAST - 1, 0);
    assert_int_equal(assign_plan_choose(&plan, &rules), KC_NO_ROOM);
    assert_int_equal(plan.items[0].number, LAST);
    assert_int_equal(plan.items[1].number, 0);
}

static void test_who_gets_none(void **state)
{
    (void)state;
    ASSIGN_PLAN_AUTO struct assign_plan plan = {0};
    static const char *const users[] = {"root", "carol", "wheel", "Ada", "a b", "-x", "",
        "service-account-linux-nss", "j\\u00fcrgen", "dot."};
    char text[256];
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        snprintf(text, sizeof text, "{\"id\":\"1\",\"username\":\"%s\"}", users[i]);
        assert_int_equal(add_user(&plan, text), KC_OK);
    }
    assert_int_equal(plan.local, 3);
    assert_int_equal(plan.no_name, 7);
    assert_int_equal(add_group(&plan, "{\"id\":\"1\",\"path\":\"/elsewhere\"}"), KC_OK);
    assert_int_equal(add_group(&plan, "{\"id\":\"1\",\"path\":\"/teams/red/sub\"}"), KC_OK);
    assert_int_equal(add_group(&plan, "{\"id\":\"1\",\"path\":\"/teams/K R\"}"), KC_OK);
    assert_int_equal(plan.count, 0);
    assert_int_equal(add_user(&plan, "{\"username\":\"ada\"}"), KC_ANSWER_MALFORMED);
    assert_int_equal(add_user(&plan, "{\"id\":7,\"username\":\"ada\"}"), KC_ANSWER_MALFORMED);
    assert_int_equal(add_group(&plan, "{\"id\":\"7\"}"), KC_ANSWER_MALFORMED);
}

#define ID "\"id\":\"1\""
#define ADA ID ",\"username\":\"ada\""

static char id[] = "1", name[] = "ada";
static const struct assign_item item = {false, id, name, 1900000005u};

static enum kc_status change(const char *text, struct json_object **ret_after)
{
    JOSE_AUTO_JSON struct json_object *before = parse(text);
    return assign_change(before, &item, "uidNumber", ret_after);
}

static void test_one_attribute_is_added(void **state)
{
    (void)state;
    JOSE_AUTO_JSON struct json_object *after = NULL;
    assert_int_equal(
        change("{" ADA ",\"createdTimestamp\":1790000000123,\"attributes\":{\"x\":[\"a\",\"b\"]}}",
            &after),
        KC_OK);
    assert_string_equal(json_object_to_json_string_ext(after, JSON_C_TO_STRING_PLAIN),
        "{" ADA ",\"createdTimestamp\":1790000000123,\"attributes\":{\"x\":[\"a\",\"b\"],"
        "\"uidNumber\":[\"1900000005\"]}}");
    json_object_put(KC_TAKE(after));
    assert_int_equal(change("{" ADA "}", &after), KC_OK);
    assert_string_equal(json_object_to_json_string_ext(after, JSON_C_TO_STRING_PLAIN),
        "{" ADA ",\"attributes\":{\"uidNumber\":[\"1900000005\"]}}");
}

/* Whoever is disabled between the GET and the PUT stays so. */
static void test_what_others_may_change_is_not_put(void **state)
{
    (void)state;
    JOSE_AUTO_JSON struct json_object *body = NULL;
    JOSE_AUTO_JSON struct json_object *after =
        parse("{" ADA ",\"email\":\"a@b.c\",\"enabled\":true,\"emailVerified\":true,\"totp\":false,"
              "\"requiredActions\":[],\"notBefore\":0,\"credentials\":[],\"access\":{\"view\":true},"
              "\"attributes\":{\"uidNumber\":[\"1900000005\"]}}");
    assert_int_equal(assign_body(after, &body), KC_OK);
    assert_string_equal(json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN),
        "{" ADA ",\"email\":\"a@b.c\",\"attributes\":{\"uidNumber\":[\"1900000005\"]}}");
    assert_non_null(json_object_object_get(after, "enabled")); /* it is looked for afterwards */
}

static void test_what_is_not_written(void **state)
{
    (void)state;
    struct json_object *after = NULL;
    assert_int_equal(change("{" ADA ",\"attributes\":{\"uidNumber\":[\"7\"]}}", &after), KC_BUSY);
    assert_int_equal(change("{" ID ",\"username\":\"eve\"}", &after), KC_BUSY);
    assert_int_equal(change("{\"id\":\"2\",\"username\":\"ada\"}", &after), KC_BUSY);
    /* what the reader cannot give back as it stood would be written over */
    assert_int_equal(change("{" ADA ",\"a\":1,\"a\":2}", &after), KC_ANSWER_MALFORMED);
    assert_int_equal(
        change("{" ADA ",\"attributes\":{\"x\":[\"a\\u0000b\"]}}", &after), KC_ANSWER_MALFORMED);
    assert_int_equal(change("{" ADA ",\"attributes\":{\"x\":[\"1\"],\"x\":[\"2\"]}}", &after),
        KC_ANSWER_MALFORMED);
    assert_int_equal(change("{" ADA ",\"attributes\":[]}", &after), KC_ANSWER_MALFORMED);
    assert_null(after);
}

static enum kc_status compare(const char *wanted, const char *found)
{
    JOSE_AUTO_JSON struct json_object *one = parse(wanted), *other = parse(found);
    return assign_compare(one, other, &item, "uidNumber");
}

static void test_what_came_back(void **state)
{
    (void)state;
    static const char wanted[] =
        "{" ADA ",\"enabled\":true,\"attributes\":{\"x\":[\"a\"],\"uidNumber\":[\"1900000005\"]}}";
    assert_int_equal(compare(wanted, wanted), KC_OK);
    assert_int_equal(compare(wanted, "{" ADA ",\"attributes\":{\"uidNumber\":[\"1900000005\"],"
                                     "\"x\":[\"a\"]},\"enabled\":true}"),
        KC_OK);
    assert_int_equal(compare(wanted, "{" ADA ",\"enabled\":true,\"attributes\":{\"x\":[\"a\"]}}"),
        KC_NOT_PERMITTED);
    assert_int_equal(compare(wanted, "{" ADA ",\"enabled\":true,\"attributes\":{\"x\":[\"a\"],"
                                     "\"uidNumber\":[\"1900000005\",\"0\"]}}"),
        KC_NOT_PERMITTED);
    assert_int_equal(compare(wanted, "{" ADA ",\"enabled\":true,\"attributes\":{"
                                     "\"uidNumber\":[\"1900000005\"]}}"),
        KC_ANSWER_MALFORMED);
    assert_int_equal(compare(wanted, "{" ADA ",\"enabled\":false,\"attributes\":{\"x\":[\"a\"],"
                                     "\"uidNumber\":[\"1900000005\"]}}"),
        KC_ANSWER_MALFORMED);
    assert_int_equal(compare(wanted, "{\"id\":\"2\",\"username\":\"ada\"}"), KC_ANSWER_MALFORMED);
}

/* Lesson 26: however many there are, there is one report. */
static void test_a_report_of_many(void **state)
{
    (void)state;
    static struct assign_report report;
    ASSIGN_PLAN_AUTO struct assign_plan plan = {0};
    char text[256];
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "{\"id\":\"%u\",\"username\":\"user%u\"}", i, i);
        assert_int_equal(add_user(&plan, text), KC_OK);
    }
    const struct assign_result result = {.plan = &plan, .config = config, .detail = ""};
    assign_report_end(&report, &result);
    assert_true(report.length < KC_REPORT_MAX && strlen(report.text) == report.length);
    assert_int_equal(strncmp(report.text, "user user0 uidNumber=0\n", 23), 0);
    assert_non_null(strstr(report.text, "... and "));
    assert_non_null(strstr(report.text, "5000 users have no gidNumber, and no primary_group"));
    assert_non_null(strstr(report.text, "5000 users and 0 groups: 5000 without a number, 0 written. "
                                        "--write writes them.\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_above_everything),
        cmocka_unit_test(test_an_empty_realm_begins_with_the_range),
        cmocka_unit_test(test_a_full_range),
        cmocka_unit_test(test_who_gets_none),
        cmocka_unit_test(test_one_attribute_is_added),
        cmocka_unit_test(test_what_others_may_change_is_not_put),
        cmocka_unit_test(test_what_is_not_written),
        cmocka_unit_test(test_what_came_back),
        cmocka_unit_test(test_a_report_of_many),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
