/*
 * One access rule: its kinds and its spelling.
 * Used by the option table and by access.c.
 * Must never give a rule that is not whole.
 */
#include "daemon/access_rule.h"

#include "common/name.h"

#include <stdbool.h>
#include <string.h>

static const struct {
    const char *prefix;
    enum access_kind kind;
    char parting; /* between name and value; 0: there is no name */
    const char *wrong;
} kinds[] = {
    {"user:", ACCESS_USER, 0, "user: takes a user name, [a-z_][a-z0-9_.-]{0,31}"},
    {"scope:", ACCESS_SCOPE, 0, "scope: takes one scope's name"},
    {"role:", ACCESS_ROLE, 0, "role: takes a realm role's name"},
    {"client-role:", ACCESS_CLIENT_ROLE, ':', "client-role: takes CLIENT:ROLE"},
    {"group:", ACCESS_GROUP, 0, "group: takes a group's whole path, such as /engineering/kernel"},
    {"claim:", ACCESS_CLAIM, '=', "claim: takes NAME=VALUE"},
};

/* Whether the part that the kind compares can ever be what a realm says. */
static bool is_whole(const struct access_rule *rule)
{
    size_t length = strlen(rule->value);
    switch (rule->kind) {
    case ACCESS_USER:
        return kc_name_valid_user(rule->value, length);
    case ACCESS_SCOPE:
        return length > 0 && !strpbrk(rule->value, " \t\"\\");
    case ACCESS_GROUP:
        return length > 1 && rule->value[0] == '/' && rule->value[length - 1] != '/' &&
               !strstr(rule->value, "//");
    default:
        return length > 0;
    }
}

const char *access_rule_parse(const char *text, struct access_rule *ret_rule)
{
    struct access_rule rule = {.kind = ACCESS_ANY, .value = ""};
    if (strcmp(text, "any") == 0) {
        *ret_rule = rule;
        return NULL;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t prefix = strlen(kinds[i].prefix);
        if (strncmp(text, kinds[i].prefix, prefix) != 0)
            continue;
        rule.kind = kinds[i].kind;
        rule.value = text + prefix;
        if (kinds[i].parting) {
            const char *end = strchr(rule.value, kinds[i].parting);
            size_t length = end ? (size_t)(end - rule.value) : 0;
            if (length == 0 || length > ACCESS_NAME_MAX)
                return kinds[i].wrong;
            memcpy(rule.name, rule.value, length);
            rule.value = end + 1;
        }
        if (!is_whole(&rule))
            return kinds[i].wrong;
        *ret_rule = rule;
        return NULL;
    }
    return "is no rule; rules are any, user:, scope:, role:, client-role:, group:/ and claim:";
}

const char *access_rule_check(const char *text)
{
    struct access_rule rule;
    return access_rule_parse(text, &rule);
}
