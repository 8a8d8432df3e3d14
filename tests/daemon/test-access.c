/*
 * Access rules: who enters, and that nothing but a whole value counts (lessons 5 and 7).
 */
#include "daemon/access.h"
#include "daemon/access_rule.h"
#include "jose/json.h"
#include "tests/daemon/config_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char ada[] =
    "{\"preferred_username\":\"ada\",\"scope\":\"openid host.login email\","
    "\"realm_access\":{\"roles\":[\"linux\",\"offline_access\"]},"
    "\"resource_access\":{\"linux-pam\":{\"roles\":[\"admin\",\"host:login\"]},"
    "\"account\":{\"roles\":[\"view\"]}},"
    "\"groups\":[\"/engineering/kernel\",\"/staff\",\"leaf\",\"/\"],"
    "\"department\":\"R & D\",\"level\":7,\"big\":18446744073709551615,\"ratio\":7.0,"
    "\"verified\":true,\"nothing\":null,\"teams\":[\"red\",\"blue\",3],\"object\":{\"a\":\"b\"},"
    "\"nested\":[[\"red\"]],\"zero\":\"a\\u0000b\",\"empty\":\"\",\"unicode\":\"\\u00e4\","
    "\"negative\":-1}";

/* A question whose texts are the usual ones. */
struct ask {
    const char *section, *service, *user, *claims, *answer_scope;
    bool partial;
};

static enum kc_status decide(const struct folder *folder, const char *rules, struct ask ask,
    char missing[ACCESS_MISSING_MAX])
{
    char text[4096];
    const char *claims = ask.claims ? ask.claims : ada;
    JOSE_AUTO_JSON struct json_object *object = NULL;
    snprintf(text, sizeof text, "%s%s", PUBLIC, rules);
    CONFIG_AUTO struct config *config = bed_load_good(folder, text);
    assert_int_equal(
        jose_json_parse_object(claims, strlen(claims), &jose_json_token_limits, &object), KC_OK);
    const struct access_question question = {ask.section, ask.service ? ask.service : "sshd",
        ask.user ? ask.user : "ada", object, ask.answer_scope, ask.partial};
    return access_decide(config, &question, missing, ACCESS_MISSING_MAX);
}

static void expect(const struct folder *folder, const char *rules, struct ask ask,
    enum kc_status status, const char *missing)
{
    char got[ACCESS_MISSING_MAX] = "unset";
    assert_int_equal(decide(folder, rules, ask, got), status);
    assert_string_equal(got, missing);
}

/* A single rule: allowed, not allowed, or (as for every wrong type) neither allowed nor denied. */
enum answer { YES, NO, UNKNOWN };

static void rule_for(
    const struct folder *folder, const char *rule, enum answer answer, struct ask ask)
{
    char rules[1024], missing[ACCESS_MISSING_MAX];
    snprintf(rules, sizeof rules, "[access]\nallow = %s\n", rule);
    snprintf(missing, sizeof missing, "allow %s", rule);
    expect(
        folder, rules, ask, answer == YES ? KC_OK : KC_NOT_PERMITTED, answer == YES ? "" : missing);
    snprintf(rules, sizeof rules, "[access]\nallow = any\nrequire = %s\n", rule);
    snprintf(missing, sizeof missing, "require %s", rule);
    expect(
        folder, rules, ask, answer == YES ? KC_OK : KC_NOT_PERMITTED, answer == YES ? "" : missing);
    snprintf(rules, sizeof rules, "[access]\nallow = any\ndeny = %s\n", rule);
    snprintf(missing, sizeof missing, "deny %s", rule);
    expect(
        folder, rules, ask, answer == NO ? KC_OK : KC_NOT_PERMITTED, answer == NO ? "" : missing);
}

static void rule(const struct folder *folder, const char *text, enum answer answer)
{
    rule_for(folder, text, answer, (struct ask){0});
}

static void test_rules(void **state)
{
    rule(*state, "any", YES);
    rule(*state, "user:ada", YES);
    rule(*state, "user:ad", NO);
    rule(*state, "user:adam", NO);
    rule(*state, "role:linux", YES);
    rule(*state, "role:offline_access", YES);
    rule(*state, "role:linu", NO);
    rule(*state, "role:linuxx", NO);
    rule(*state, "role:Linux", NO);
    rule(*state, "role:admin", NO); /* a client's, not the realm's */
    rule(*state, "client-role:linux-pam:admin", YES);
    rule(*state, "client-role:linux-pam:host:login", YES);
    rule(*state, "client-role:account:admin", NO);
    rule(*state, "client-role:linux-pam:linux", NO);
    rule(*state, "client-role:linux:admin", NO);
    rule(*state, "client-role:absent:admin", NO);
}

static void test_lesson_7_groups(void **state)
{
    rule(*state, "group:/staff", YES);
    rule(*state, "group:/engineering/kernel", YES);
    rule(*state, "group:/engineering", NO);
    rule(*state, "group:/kernel", NO);
    rule(*state, "group:/Staff", NO);
    rule(*state, "group:/leaf", NO); /* a leaf's name is no path */
    rule(*state, "group:/sta", NO);
    rule(*state, "group:/staff/x", NO);
    assert_non_null(access_rule_check("group:leaf"));
    rule_for(*state, "group:/staff", NO, (struct ask){.claims = "{}"});
    rule_for(*state, "group:/staff", NO, (struct ask){.claims = "{\"groups\":[]}"});
    rule_for(*state, "group:/staff", UNKNOWN, (struct ask){.claims = "{\"groups\":\"/staff\"}"});
    rule_for(
        *state, "group:/staff", UNKNOWN, (struct ask){.claims = "{\"groups\":{\"/staff\":true}}"});
    rule_for(*state, "group:/staff", UNKNOWN, (struct ask){.claims = "{\"groups\":null}"});
    rule_for(
        *state, "group:/staff", UNKNOWN, (struct ask){.claims = "{\"groups\":[\"/staff\",1]}"});
    rule_for(
        *state, "group:/staff", UNKNOWN, (struct ask){.claims = "{\"groups\":[[\"/staff\"]]}"});
    rule_for(*state, "group:/staff", UNKNOWN,
        (struct ask){.claims = "{\"groups\":[\"/staff\\u0000x\"]}"});
}

static void test_roles_of_other_types(void **state)
{
    static const char *const unknown[] = {"{\"realm_access\":[\"linux\"]}",
        "{\"realm_access\":{\"roles\":\"linux\"}}", "{\"realm_access\":{\"roles\":null}}",
        "{\"realm_access\":{\"roles\":[\"linux\",null]}}", "{\"realm_access\":\"linux\"}"};
    static const char *const absent[] = {"{}", "{\"realm_access\":{}}",
        "{\"realm_access\":{\"roles\":[]}}", "{\"roles\":[\"linux\"]}"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        rule_for(*state, "role:linux", UNKNOWN, (struct ask){.claims = unknown[i]});
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        rule_for(*state, "role:linux", NO, (struct ask){.claims = absent[i]});
    rule_for(*state, "client-role:a:b", UNKNOWN,
        (struct ask){.claims = "{\"resource_access\":{\"a\":[\"b\"]}}"});
}

/* The token's scope and the answer's, never the request's: a realm drops what it does not grant. */
static void test_scopes(void **state)
{
    rule(*state, "scope:host.login", YES);
    rule(*state, "scope:openid", YES);
    rule(*state, "scope:email", YES);
    rule(*state, "scope:host", NO);
    rule(*state, "scope:host.login.x", NO);
    rule_for(*state, "scope:host.login", YES, (struct ask){.answer_scope = "email host.login"});
    rule_for(*state, "scope:host.login", UNKNOWN, (struct ask){.answer_scope = "email"});
    rule_for(*state, "scope:host.login", UNKNOWN, (struct ask){.answer_scope = ""});
    rule_for(*state, "scope:other", UNKNOWN, (struct ask){.answer_scope = "other"});
    rule_for(*state, "scope:other", NO, (struct ask){.answer_scope = "email"});
    rule_for(*state, "scope:a", UNKNOWN, (struct ask){.claims = "{}", .answer_scope = "a"});
    rule_for(*state, "scope:a", NO, (struct ask){.claims = "{}"});
    rule_for(*state, "scope:a", UNKNOWN, (struct ask){.claims = "{\"scope\":[\"a\"]}"});
    rule_for(*state, "scope:a", YES, (struct ask){.claims = "{\"scope\":\" b  a \"}"});
    rule_for(*state, "scope:a", UNKNOWN, (struct ask){.claims = "{\"scope\":\"a\\u0000\"}"});
}

static void test_claims(void **state)
{
    rule(*state, "claim:department=R & D", YES);
    rule(*state, "claim:department=R", NO);
    rule(*state, "claim:department=r & d", NO);
    rule(*state, "claim:level=7", YES);
    rule(*state, "claim:level=07", NO);
    rule(*state, "claim:level=7.0", NO);
    rule(*state, "claim:negative=-1", YES);
    rule(*state, "claim:verified=true", YES);
    rule(*state, "claim:verified=false", NO);
    rule(*state, "claim:verified=1", NO);
    rule(*state, "claim:unicode=\xc3\xa4", YES);
    rule(*state, "claim:absent=x", NO);
    rule(*state, "claim:empty=x", NO);
    rule(*state, "claim:ratio=7", UNKNOWN);
    rule(*state, "claim:big=18446744073709551615", UNKNOWN);
    rule(*state, "claim:nothing=null", UNKNOWN);
    rule(*state, "claim:object=b", UNKNOWN);
    rule(*state, "claim:zero=a", UNKNOWN);
    rule(*state, "claim:nested=red", UNKNOWN);
    rule(*state, "claim:teams=red", YES);
    rule(*state, "claim:teams=3", YES);
    rule(*state, "claim:teams=green", NO);
    rule(*state, "claim:teams=red,blue", NO);
    rule(*state, "claim:groups=leaf", YES);
    rule_for(*state, "claim:a=b=c", YES, (struct ask){.claims = "{\"a\":\"b=c\"}"});
    rule_for(*state, "claim:t=a", UNKNOWN, (struct ask){.claims = "{\"t\":[\"a\",null]}"});
    rule_for(*state, "claim:t=a", UNKNOWN, (struct ask){.claims = "{\"t\":[null,\"a\"]}"});
}

static void test_lesson_14_duplicates(void **state)
{
    static const struct {
        const char *claims, *rule;
    } cases[] = {
        {"{\"groups\":[\"/a\"],\"groups\":[\"/b\"]}", "group:/a"},
        {"{\"groups\":[\"/a\"],\"groups\":[\"/b\"]}", "group:/b"},
        {"{\"realm_access\":{\"roles\":[\"a\"]},\"realm_access\":{\"roles\":[\"a\"]}}", "role:a"},
        {"{\"realm_access\":{\"roles\":[\"a\"],\"roles\":[\"a\"]}}", "role:a"},
        {"{\"resource_access\":{\"c\":{\"roles\":[\"a\"]},\"c\":{\"roles\":[\"a\"]}}}",
            "client-role:c:a"},
        {"{\"scope\":\"a\",\"scope\":\"a\"}", "scope:a"},
        {"{\"x\":\"a\",\"x\":\"a\"}", "claim:x=a"},
    };
    static const char *const keys[] = {
        "allow = ", "allow = any\nrequire = ", "allow = any\ndeny = "};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < 3; k++) {
            char rules[512], missing[ACCESS_MISSING_MAX];
            snprintf(rules, sizeof rules, "[access]\n%s%s\n", keys[k], cases[i].rule);
            assert_int_equal(
                decide(*state, rules, (struct ask){.claims = cases[i].claims}, missing),
                KC_TOKEN_DUPLICATE_MEMBER);
            assert_non_null(strstr(missing, cases[i].rule));
        }
    /* One that no rule reads is nobody's business. */
    expect(*state, "[access]\nallow = role:a\n",
        (struct ask){.claims = "{\"sub\":\"1\",\"sub\":\"2\","
                               "\"realm_access\":{\"roles\":[\"a\"]}}"},
        KC_OK, "");
}

/* What the directory could not say is neither there nor absent, and the reason says which it is. */
static void test_partial_claims(void **state)
{
    static const struct {
        const char *rule;
        enum answer answer;
        enum kc_status unknown;
    } cases[] = {
        {"any", YES, KC_OK},
        {"user:ada", YES, KC_OK},
        {"user:grace", NO, KC_OK},
        {"group:/staff", YES, KC_OK},
        {"group:/nope", NO, KC_OK},
        {"role:linux", YES, KC_OK},
        {"role:nope", NO, KC_OK},
        {"client-role:linux-pam:ssh", YES, KC_OK},
        {"client-role:linux-pam:nope", NO, KC_OK},
        {"client-role:none:x", NO, KC_OK},
        {"client-role:hidden:x", UNKNOWN, KC_CLIENT_ROLES_UNSEEN},
        {"scope:openid", UNKNOWN, KC_RULE_NEEDS_TOKEN},
        {"claim:department=x", UNKNOWN, KC_RULE_NEEDS_TOKEN},
        {"claim:groups=/staff", YES, KC_OK},
    };
    static const char directory[] =
        "{\"groups\":[\"/staff\"],\"realm_access\":{\"roles\":[\"linux\"]},"
        "\"resource_access\":{\"linux-pam\":{\"roles\":[\"ssh\"]},\"none\":{\"roles\":[]}}}";
    const struct ask ask = {.claims = directory, .partial = true};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const enum answer answer = cases[i].answer;
        const enum kc_status refused =
            answer == UNKNOWN ? cases[i].unknown : KC_NOT_PERMITTED;
        char rules[512], missing[ACCESS_MISSING_MAX];
        snprintf(rules, sizeof rules, "[access]\nallow = %s\n", cases[i].rule);
        assert_int_equal(
            decide(*state, rules, ask, missing), answer == YES ? KC_OK : refused);
        snprintf(rules, sizeof rules, "[access]\nallow = any\nrequire = %s\n", cases[i].rule);
        assert_int_equal(
            decide(*state, rules, ask, missing), answer == YES ? KC_OK : refused);
        snprintf(rules, sizeof rules, "[access]\nallow = any\ndeny = %s\n", cases[i].rule);
        assert_int_equal(decide(*state, rules, ask, missing), answer == NO ? KC_OK : refused);
    }
    /* one of the rules that is met is enough, whatever is not known of the others */
    expect(*state, "[access]\nallow = scope:x\nallow = role:linux\n", ask, KC_OK, "");
    expect(*state, "[access]\nallow = role:nope\nallow = scope:x\n", ask, KC_RULE_NEEDS_TOKEN,
        "allow, none of its 2 rules");
    /* not even groups, of a directory that said nothing of them */
    expect(*state, "[access]\nallow = any\ndeny = group:/x\n",
        (struct ask){.claims = "{}", .partial = true}, KC_NOT_PERMITTED, "deny group:/x");
}

static void test_lesson_5_sections(void **state)
{
    const struct ask usual = {0}, sudo = {.service = "sudo"};
    const struct ask named = {.section = "admins"}, absent = {.section = "sshd"};
    expect(*state, "", usual, KC_NO_ACCESS_RULE, "");
    expect(*state, "[access]\n", usual, KC_NO_ACCESS_RULE, "");
    expect(*state, "[access]\noutage = deny\n", usual, KC_NO_ACCESS_RULE, "");
    expect(*state, "[access sudo]\nallow = any\n", usual, KC_NO_ACCESS_RULE, "");
    expect(*state, "[access sudo]\nallow = any\n", sudo, KC_OK, "");
    /* [access NAME] takes the place of [access] as a whole. */
    expect(*state, "[access]\nallow = any\n[access sudo]\n", sudo, KC_NO_ACCESS_RULE, "");
    expect(*state, "[access]\nallow = any\ndeny = role:linux\n[access sudo]\nallow = any\n", sudo,
        KC_OK, "");
    expect(*state, "[access]\nallow = any\n[access admins]\nallow = role:root\n", named,
        KC_NOT_PERMITTED, "allow role:root");
    /* A section that the PAM line names and nobody wrote: no fall-back. */
    expect(*state, "[access]\nallow = any\n", absent, KC_NO_ACCESS_RULE, "");
    expect(*state, "[access]\nallow = any\n[access sudo]\nallow = any\n", absent, KC_NO_ACCESS_RULE,
        "");
}

static void test_together(void **state)
{
    const struct ask usual = {0};
    expect(*state, "[access]\nallow = role:x\nallow = role:linux\n", usual, KC_OK, "");
    expect(*state, "[access]\nallow = role:x\nallow = role:y\nallow = user:bob\n", usual,
        KC_NOT_PERMITTED, "allow, none of its 3 rules");
    expect(*state, "[access]\nallow = any\nrequire = role:linux\nrequire = group:/staff\n", usual,
        KC_OK, "");
    expect(*state, "[access]\nallow = any\nrequire = role:linux\nrequire = group:/x\n", usual,
        KC_NOT_PERMITTED, "require group:/x");
    expect(*state, "[access]\nallow = user:ada\nrequire = any\ndeny = group:/staff\n", usual,
        KC_NOT_PERMITTED, "deny group:/staff");
    expect(*state, "[access]\nallow = any\ndeny = any\n", usual, KC_NOT_PERMITTED, "deny any");
}

/* Without claims there is nothing to decide by, not even for `any`. */
static void test_no_evidence(void **state)
{
    char missing[ACCESS_MISSING_MAX];
    CONFIG_AUTO struct config *config = bed_load_good(*state, PUBLIC "[access]\nallow = any\n");
    struct access_question question = {.service = "sshd", .user = "ada"};
    assert_int_equal(access_decide(config, &question, missing, sizeof missing), KC_NO_EVIDENCE);
    JOSE_AUTO_JSON struct json_object *array = json_object_new_array();
    question.claims = array;
    assert_int_equal(access_decide(config, &question, missing, sizeof missing), KC_NO_EVIDENCE);
    JOSE_AUTO_JSON struct json_object *object = json_object_new_object();
    question.claims = object;
    assert_int_equal(access_decide(config, &question, missing, sizeof missing), KC_OK);
    question.user = NULL;
    assert_int_equal(access_decide(config, &question, missing, sizeof missing), KC_NO_EVIDENCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_rules),
        IN_FOLDER(test_lesson_7_groups),
        IN_FOLDER(test_roles_of_other_types),
        IN_FOLDER(test_scopes),
        IN_FOLDER(test_claims),
        IN_FOLDER(test_lesson_14_duplicates),
        IN_FOLDER(test_partial_claims),
        IN_FOLDER(test_lesson_5_sections),
        IN_FOLDER(test_together),
        IN_FOLDER(test_no_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
