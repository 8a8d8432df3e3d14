/*
 * Fuzz target: the claims of a verified token against access rules, beside a second reader.
 * The first line is the scope of the token endpoint's answer (empty: none), the rest the claims.
 * Whoever comes in satisfies the rules by the plainest reading of them.
 */
#include "daemon/access.h"
#include "daemon/config.h"
#include "fuzz/target.h"
#include "jose/json.h"
#include "jose/limits.h"

#include <string.h>

static const char file[] = "[realm]\nissuer = https://i\nclient_id = c\nclient_auth = none\n"
                           "[access]\nallow = role:login\nallow = client-role:c:login\n"
                           "allow = group:/a/b\nallow = scope:host.login\n"
                           "require = claim:level=2\n"
                           "deny = role:gone\ndeny = group:/out\ndeny = claim:left=true\n"
                           "[access any]\nallow = any\n"
                           "[access user]\nallow = user:ada\n"
                           "[access none]\n";

static const struct config *rules(void)
{
    static struct config *config;
    struct kc_conf_error error = {0};
    if (!config)
        FUZZ_MUST(config_parse(file, sizeof file - 1, &config, &error) == KC_OK);
    return config;
}

static bool is_text(struct json_object *value, const char *text)
{
    return json_object_is_type(value, json_type_string) &&
           (size_t)json_object_get_string_len(value) == strlen(text) &&
           memcmp(json_object_get_string(value), text, strlen(text)) == 0;
}

static struct json_object *at(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    if (json_object_is_type(object, json_type_object))
        json_object_object_get_ex(object, name, &value);
    return value;
}

static bool has(struct json_object *array, const char *text)
{
    if (!json_object_is_type(array, json_type_array))
        return false;
    for (size_t i = 0; i < json_object_array_length(array); i++)
        if (is_text(json_object_array_get_idx(array, i), text))
            return true;
    return false;
}

static bool has_scope(const char *list, const char *scope)
{
    KC_AUTO_FREE char *padded = NULL;
    KC_AUTO_FREE char *wanted = NULL;
    FUZZ_MUST(asprintf(&padded, " %s ", list) > 0 && asprintf(&wanted, " %s ", scope) > 0);
    return strstr(padded, wanted);
}

static bool is_two(struct json_object *value)
{
    for (size_t i = 0;
         json_object_is_type(value, json_type_array) && i < json_object_array_length(value); i++)
        if (is_two(json_object_array_get_idx(value, i)))
            return true;
    return is_text(value, "2") ||
           (json_object_is_type(value, json_type_int) && json_object_get_int64(value) == 2);
}

static void must_hold(struct json_object *claims, const char *answer_scope)
{
    struct json_object *roles = at(at(claims, "realm_access"), "roles");
    struct json_object *scope = at(claims, "scope");
    bool scoped = json_object_is_type(scope, json_type_string) &&
                  has_scope(json_object_get_string(scope), "host.login") &&
                  (!answer_scope || has_scope(answer_scope, "host.login"));
    FUZZ_MUST(has(roles, "login") || has(at(claims, "groups"), "/a/b") || scoped ||
              has(at(at(at(claims, "resource_access"), "c"), "roles"), "login"));
    FUZZ_MUST(is_two(at(claims, "level")));
    FUZZ_MUST(!has(roles, "gone") && !has(at(claims, "groups"), "/out"));
    FUZZ_MUST(!is_text(at(claims, "left"), "true"));
    FUZZ_MUST(!json_object_is_type(at(claims, "left"), json_type_boolean) ||
              !json_object_get_boolean(at(claims, "left")));
}

static enum kc_status ask(
    const char *section, const char *user, struct json_object *claims, const char *answer_scope)
{
    char missing[ACCESS_MISSING_MAX];
    const struct access_question question = {.section = section,
        .service = "sshd",
        .user = user,
        .claims = claims,
        .answer_scope = answer_scope};
    enum kc_status status = access_decide(rules(), &question, missing, sizeof missing);
    FUZZ_MUST(strlen(missing) < sizeof missing && (status != KC_NOT_PERMITTED || missing[0]));
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const uint8_t *line = length ? memchr(bytes, '\n', length) : NULL;
    struct json_object *claims = NULL;
    char scope[1024];
    if (!line || (size_t)(line - bytes) >= sizeof scope || memchr(bytes, 0, (size_t)(line - bytes)))
        return 0;
    size_t head = (size_t)(line - bytes);
    memcpy(scope, bytes, head);
    scope[head] = 0;
    if (jose_json_parse(line + 1, length - head - 1, &jose_json_token_limits, &claims) != KC_OK)
        return 0;
    const char *answer_scope = head ? scope : NULL;
    if (ask(NULL, "ada", claims, answer_scope) == KC_OK)
        must_hold(claims, answer_scope);
    FUZZ_MUST(ask("none", "ada", claims, answer_scope) == KC_NO_ACCESS_RULE);
    FUZZ_MUST(ask("absent", "ada", claims, answer_scope) == KC_NO_ACCESS_RULE);
    FUZZ_MUST(ask("user", "Ada", claims, answer_scope) != KC_OK);
    FUZZ_MUST((ask("any", "bob", claims, answer_scope) == KC_OK) ==
              json_object_is_type(claims, json_type_object));
    jose_json_wipe(claims);
    return 0;
}
