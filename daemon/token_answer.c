/*
 * The token endpoint's 200.
 * Used by grant.c.
 * Must never leave a token in the JSON tree: it is wiped.
 */
#include "daemon/token_answer.h"
#include "daemon/http.h"
#include "jose/json.h"
#include "jose/limits.h"

#include <string.h>
#include <strings.h>

#define SCOPE_MAX 8192
#define TYPE_MAX 64

void token_answer_clear(struct token_answer *answer)
{
    kc_secret_wipe(&answer->access_token);
    kc_secret_wipe(&answer->refresh_token);
    free(answer->scope);
    *answer = (struct token_answer){.verdict = KC_ANSWER_MALFORMED};
}

static enum kc_status translate(enum kc_status status)
{
    switch (status) {
    case KC_OK:
    case KC_NOT_FOUND:
    case KC_NO_MEMORY:
        return status;
    case KC_TOO_LARGE:
        return KC_ANSWER_TOO_LARGE;
    default:
        return KC_ANSWER_MALFORMED;
    }
}

static enum kc_status read_token(
    const struct json_object *object, const char *name, struct kc_secret *ret_token)
{
    const char *text;
    size_t length;
    enum kc_status status =
        translate(jose_json_string(object, name, JOSE_TOKEN_BYTES, &text, &length));
    if (status != KC_OK)
        return status;
    return length ? kc_secret_set(ret_token, text, length) : KC_ANSWER_MALFORMED;
}

static enum kc_status read_type(const struct json_object *object)
{
    const char *type;
    enum kc_status status =
        translate(jose_json_string(object, "token_type", TYPE_MAX, &type, NULL));
    if (status != KC_OK)
        return status == KC_NOT_FOUND ? KC_ANSWER_MALFORMED : status;
    if (strcasecmp(type, "DPoP") == 0)
        return KC_CLIENT_DPOP_REQUIRED;
    return strcasecmp(type, "bearer") == 0 ? KC_OK : KC_ANSWER_MALFORMED;
}

static enum kc_status read_scope(const struct json_object *object, char **ret_scope)
{
    const char *scope;
    enum kc_status status = translate(jose_json_string(object, "scope", SCOPE_MAX, &scope, NULL));
    if (status != KC_OK)
        return status == KC_NOT_FOUND ? KC_OK : status;
    *ret_scope = strdup(scope);
    return *ret_scope ? KC_OK : KC_NO_MEMORY;
}

/* A number that is there must be one. */
static enum kc_status read_numbers(const struct json_object *object, struct token_answer *answer)
{
    int64_t number = 0;
    enum kc_status status = translate(jose_json_int64(object, "expires_in", &number));
    if (status != KC_OK && status != KC_NOT_FOUND)
        return status;
    answer->expires_in = number > 0 ? number : 0;
    number = 0;
    status = translate(jose_json_time(object, "not-before-policy", &number));
    if (status != KC_OK && status != KC_NOT_FOUND)
        return status;
    answer->not_before = number;
    return KC_OK;
}

static enum kc_status read_rest(const struct json_object *object, struct token_answer *answer)
{
    enum kc_status status = read_type(object);
    if (status == KC_OK)
        status = read_scope(object, &answer->scope);
    if (status == KC_OK)
        status = read_numbers(object, answer);
    return status;
}

void token_answer_read(const struct http_answer *answer, struct token_answer *ret_answer)
{
    JOSE_AUTO_JSON_WIPE struct json_object *object = NULL;
    *ret_answer = (struct token_answer){.verdict = KC_ANSWER_NOT_JSON};
    enum kc_status status = jose_json_parse_object(
        answer->body.bytes, answer->body.length, &jose_json_answer_limits, &object);
    if (status != KC_OK) {
        status = translate(status);
        ret_answer->verdict = status == KC_ANSWER_MALFORMED ? KC_ANSWER_NOT_JSON : status;
        return;
    }
    enum kc_status access = read_token(object, "access_token", &ret_answer->access_token);
    enum kc_status refresh = read_token(object, "refresh_token", &ret_answer->refresh_token);
    if (refresh == KC_NOT_FOUND)
        refresh = KC_OK;
    if (access != KC_OK)
        status = access == KC_NOT_FOUND ? KC_ANSWER_MALFORMED : access;
    else
        status = refresh != KC_OK ? refresh : read_rest(object, ret_answer);
    /* under another type it is refused, but what is in it is given back */
    ret_answer->verdict = answer->json ? status : KC_ANSWER_NOT_JSON;
}
