/*
 * Access rules: the decision.
 * Used by login.c and by the account phase.
 * Must never compare a part of a value: each comparison is of whole texts, lengths included.
 */
#include "daemon/access.h"

#include "daemon/access_rule.h"
#include "daemon/config.h"
#include "jose/json.h"
#include "jose/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Whether a rule holds. What cannot be known lets nobody in: not by allow, not past deny. */
enum match { MATCH_NO, MATCH_YES, MATCH_UNKNOWN };

static bool is_text(const char *text, size_t length, const char *value)
{
    return strlen(value) == length && memcmp(text, value, length) == 0;
}

/* A getter's status, where the member is not there or not usable; DUPLICATE is the caller's. */
static enum kc_status absent_or_unknown(
    const struct access_question *question, enum kc_status status, enum match *ret_match)
{
    if (status == KC_TOKEN_DUPLICATE_MEMBER)
        return status;
    *ret_match = status == KC_NOT_FOUND && !question->partial ? MATCH_NO : MATCH_UNKNOWN;
    return KC_OK;
}

/* Whether an array of texts has `value`. An element that is no text makes an array unknown. */
static enum match match_texts(struct json_object *array, const char *value)
{
    enum match match = MATCH_NO;
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        const char *text = NULL;
        size_t length = 0;
        if (jose_json_text(json_object_array_get_idx(array, i), JOSE_TOKEN_BYTES, &text, &length) !=
            KC_OK)
            return MATCH_UNKNOWN;
        if (is_text(text, length, value))
            match = MATCH_YES;
    }
    return match;
}

static enum kc_status match_array(const struct access_question *question,
    const struct json_object *object, const char *name, const char *value, enum match *ret_match)
{
    struct json_object *array = NULL;
    enum kc_status status = jose_json_array(object, name, &array);
    if (status != KC_OK)
        return absent_or_unknown(question, status, ret_match);
    *ret_match = match_texts(array, value);
    return KC_OK;
}

static enum kc_status match_role(const struct access_question *question,
    const struct access_rule *rule, enum match *ret_match)
{
    bool of_client = rule->kind == ACCESS_CLIENT_ROLE;
    struct json_object *access = NULL;
    enum kc_status status =
        jose_json_object(question->claims, of_client ? "resource_access" : "realm_access", &access);
    if (status == KC_OK && of_client)
        status = jose_json_object(access, rule->name, &access);
    if (status != KC_OK)
        return absent_or_unknown(question, status, ret_match);
    return match_array(question, access, "roles", rule->value, ret_match);
}

/* Whether a list parted by blanks has the scope, RFC 6749 section 3.3. */
static enum match match_scope_list(const char *list, size_t length, const char *value)
{
    for (size_t start = 0; start < length;) {
        const char *blank = memchr(list + start, ' ', length - start);
        size_t end = blank ? (size_t)(blank - list) : length;
        if (is_text(list + start, end - start, value))
            return MATCH_YES;
        start = end + 1;
    }
    return MATCH_NO;
}

/*
 * The token must have it, and so must the answer where it says a scope at all; where the two differ
 * nobody knows. What was asked for plays no part: a realm drops silently what it does not grant.
 */
static enum kc_status match_scope(
    const struct access_question *question, const struct access_rule *rule, enum match *ret_match)
{
    const char *list = NULL;
    size_t length = 0;
    enum match token = MATCH_NO;
    enum kc_status status =
        jose_json_string(question->claims, "scope", JOSE_TOKEN_BYTES, &list, &length);
    if (status == KC_OK)
        token = match_scope_list(list, length, rule->value);
    else
        status = absent_or_unknown(question, status, &token);
    if (status != KC_OK)
        return status;
    enum match answer = token;
    if (question->answer_scope)
        answer =
            match_scope_list(question->answer_scope, strlen(question->answer_scope), rule->value);
    *ret_match = token == answer ? token : MATCH_UNKNOWN;
    return KC_OK;
}

/* A single value: text by its bytes, true and false, a whole number by its decimal digits. */
static enum match match_value(struct json_object *claim, const char *value)
{
    char digits[24];
    const char *text = NULL;
    size_t length = 0;
    switch (json_object_get_type(claim)) {
    case json_type_string:
        if (jose_json_text(claim, JOSE_TOKEN_BYTES, &text, &length) != KC_OK)
            return MATCH_UNKNOWN;
        return is_text(text, length, value) ? MATCH_YES : MATCH_NO;
    case json_type_boolean:
        text = json_object_get_boolean(claim) ? "true" : "false";
        return strcmp(text, value) == 0 ? MATCH_YES : MATCH_NO;
    case json_type_int:
        if (json_object_get_int64(claim) == INT64_MAX)
            return MATCH_UNKNOWN; /* where json-c ends what is larger */
        snprintf(digits, sizeof digits, "%" PRId64, json_object_get_int64(claim));
        return strcmp(digits, value) == 0 ? MATCH_YES : MATCH_NO;
    default:
        return MATCH_UNKNOWN;
    }
}

static enum kc_status match_claim(const struct access_question *question,
    const struct access_rule *rule, enum match *ret_match)
{
    struct json_object *claim = NULL;
    enum kc_status status = jose_json_member(question->claims, rule->name, &claim);
    if (status != KC_OK)
        return absent_or_unknown(question, status, ret_match);
    if (json_object_get_type(claim) != json_type_array) {
        *ret_match = match_value(claim, rule->value);
        return KC_OK;
    }
    enum match match = MATCH_NO;
    for (size_t i = 0; i < json_object_array_length(claim) && match != MATCH_UNKNOWN; i++) {
        enum match one = match_value(json_object_array_get_idx(claim, i), rule->value);
        match = one == MATCH_NO ? match : one;
    }
    *ret_match = match;
    return KC_OK;
}

static enum kc_status match_kind(const struct access_question *question,
    const struct access_rule *rule, enum match *ret_match)
{
    switch (rule->kind) {
    case ACCESS_ANY:
        *ret_match = MATCH_YES;
        return KC_OK;
    case ACCESS_USER:
        *ret_match =
            is_text(question->user, strlen(question->user), rule->value) ? MATCH_YES : MATCH_NO;
        return KC_OK;
    case ACCESS_SCOPE:
        return match_scope(question, rule, ret_match);
    case ACCESS_ROLE:
    case ACCESS_CLIENT_ROLE:
        return match_role(question, rule, ret_match);
    case ACCESS_GROUP:
        return match_array(question, question->claims, "groups", rule->value, ret_match);
    case ACCESS_CLAIM:
        return match_claim(question, rule, ret_match);
    }
    return KC_CONFIG_INVALID;
}

static enum kc_status match_rule(
    const struct access_question *question, const char *text, enum match *ret_match)
{
    struct access_rule rule;
    return access_rule_parse(text, &rule) ? KC_CONFIG_INVALID
                                          : match_kind(question, &rule, ret_match);
}

/* Why a rule of which the claims say nothing is not met. */
static enum kc_status unknown(const char *text)
{
    struct access_rule rule;
    if (access_rule_parse(text, &rule))
        return KC_CONFIG_INVALID;
    if (rule.kind == ACCESS_SCOPE || rule.kind == ACCESS_CLAIM)
        return KC_RULE_NEEDS_TOKEN;
    return rule.kind == ACCESS_CLIENT_ROLE ? KC_CLIENT_ROLES_UNSEEN : KC_NOT_PERMITTED;
}

static enum kc_status refusal(
    const struct access_question *question, const char *text, enum match match)
{
    return match == MATCH_UNKNOWN && question->partial ? unknown(text) : KC_NOT_PERMITTED;
}

/* Each of the rules must be `wanted`; the first that is not is named. */
static enum kc_status check_each(const struct access_question *question,
    const struct kc_list *rules, enum match wanted, const char *word, char *missing, size_t size)
{
    for (size_t i = 0; i < rules->count; i++) {
        enum match match = MATCH_UNKNOWN;
        enum kc_status status = match_rule(question, rules->items[i], &match);
        if (status == KC_OK && match == wanted)
            continue;
        snprintf(missing, size, "%s %s", word, rules->items[i]);
        return status == KC_OK ? refusal(question, rules->items[i], match) : status;
    }
    return KC_OK;
}

/* One of the rules must hold. */
static enum kc_status check_allow(
    const struct access_question *question, const struct kc_list *rules, char *missing, size_t size)
{
    enum kc_status refused = KC_NOT_PERMITTED;
    for (size_t i = 0; i < rules->count; i++) {
        enum match match = MATCH_UNKNOWN;
        enum kc_status status = match_rule(question, rules->items[i], &match);
        if (status == KC_OK && match == MATCH_YES)
            return KC_OK;
        if (status != KC_OK) {
            snprintf(missing, size, "allow %s", rules->items[i]);
            return status;
        }
        if (refused == KC_NOT_PERMITTED)
            refused = refusal(question, rules->items[i], match);
    }
    if (rules->count == 1)
        snprintf(missing, size, "allow %s", rules->items[0]);
    else
        snprintf(missing, size, "allow, none of its %zu rules", rules->count);
    return refused;
}

enum kc_status access_decide(const struct config *config, const struct access_question *question,
    char *ret_missing, size_t size)
{
    const struct access_section *access =
        config_access(config, question->section, question->service);
    if (size)
        ret_missing[0] = 0;
    if (!access || !access->allow.count)
        return KC_NO_ACCESS_RULE;
    if (!question->user || !json_object_is_type(question->claims, json_type_object))
        return KC_NO_EVIDENCE;
    enum kc_status status =
        check_each(question, &access->deny, MATCH_NO, "deny", ret_missing, size);
    if (status == KC_OK)
        status = check_each(question, &access->require, MATCH_YES, "require", ret_missing, size);
    if (status == KC_OK)
        status = check_allow(question, &access->allow, ret_missing, size);
    return status;
}

static void walk_rules(const struct access_question *question, const struct kc_list *rules,
    const char *word, access_each *each, void *userdata)
{
    for (size_t i = 0; i < rules->count; i++) {
        enum match match = MATCH_UNKNOWN;
        if (match_rule(question, rules->items[i], &match) != KC_OK)
            match = MATCH_UNKNOWN;
        each(userdata, word, rules->items[i],
            match == MATCH_YES  ? ACCESS_MET
            : match == MATCH_NO ? ACCESS_NOT_MET
                                : ACCESS_NOT_KNOWN);
    }
}

void access_walk(const struct config *config, const struct access_question *question,
    access_each *each, void *userdata)
{
    const struct access_section *access =
        config_access(config, question->section, question->service);
    if (!access)
        return;
    walk_rules(question, &access->deny, "deny", each, userdata);
    walk_rules(question, &access->require, "require", each, userdata);
    walk_rules(question, &access->allow, "allow", each, userdata);
}

void access_clients(const struct config *config, access_client *each, void *userdata)
{
    struct access_rule rule;
    for (size_t i = 0; i < config->access_count; i++) {
        const struct access_section *access = &config->access[i];
        const struct kc_list *lists[] = {&access->allow, &access->require, &access->deny};
        for (size_t l = 0; l < 3; l++)
            for (size_t r = 0; r < lists[l]->count; r++)
                if (!access_rule_parse(lists[l]->items[r], &rule) &&
                    rule.kind == ACCESS_CLIENT_ROLE)
                    each(userdata, rule.name);
    }
}

bool access_in_outage(const struct access_section *section, int64_t age)
{
    return section && section->outage > 0 && age >= 0 && age <= (int64_t)section->outage;
}
