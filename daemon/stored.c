/*
 * What the realm said last of a user, as a text that outlives the daemon: claims, or a refusal.
 * Used by evidence.c, which keeps it for the time when the realm cannot be reached. Pure: no I/O.
 * Must never read a text that it did not write as one that lets somebody in.
 */
#include "daemon/stored.h"

#include "jose/json.h"

#include <json-c/json.h>
#include <string.h>

#define WORD_MAX 64u
#define SCOPE_MAX 8192u

void stored_clear(struct stored *stored)
{
    json_object_put(KC_TAKE(stored->claims));
    free(KC_TAKE(stored->scope));
}

static enum kc_status fill(struct json_object *object, const struct stored *stored)
{
    enum kc_status status =
        jose_json_add_text(object, "status", kc_status_word(stored->status));
    if (status == KC_OK && stored->scope)
        status = jose_json_add_text(object, "scope", stored->scope);
    if (status != KC_OK || stored->status != KC_OK)
        return status;
    struct json_object *partial = json_object_new_boolean(stored->partial);
    if (!partial || json_object_object_add(object, "partial", partial) != 0) {
        json_object_put(partial);
        return KC_NO_MEMORY;
    }
    struct json_object *claims = json_object_get(stored->claims);
    if (json_object_object_add(object, "claims", claims) == 0)
        return KC_OK;
    json_object_put(claims);
    return KC_NO_MEMORY;
}

enum kc_status stored_encode(
    const struct stored *stored, size_t max, char **ret_text, size_t *ret_length)
{
    static const struct stored refusal = {.status = KC_NO_EVIDENCE};
    JOSE_AUTO_JSON struct json_object *object = json_object_new_object();
    size_t length = 0;
    if (!object)
        return KC_NO_MEMORY;
    const enum kc_status status = fill(object, stored);
    if (status != KC_OK)
        return status;
    const char *text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN, &length);
    if (text && length > max && stored->status == KC_OK)
        return stored_encode(&refusal, max, ret_text, ret_length);
    char *copy = text ? strdup(text) : NULL;
    if (!copy)
        return KC_NO_MEMORY;
    *ret_text = copy;
    *ret_length = length;
    return KC_OK;
}

/* The refusals that are written; whatever else stands there lets nobody in either. */
static enum kc_status refusal_of(const char *word)
{
    static const enum kc_status known[] = {KC_ACCOUNT_DISABLED, KC_USER_UNKNOWN};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(word, kc_status_word(known[i])) == 0)
            return known[i];
    return KC_NO_EVIDENCE;
}

static enum kc_status read_claims(const struct json_object *object, struct stored *stored)
{
    const char *scope = NULL;
    enum kc_status status = jose_json_bool(object, "partial", &stored->partial);
    if (status == KC_OK)
        status = jose_json_object(object, "claims", &stored->claims);
    if (status != KC_OK)
        return KC_MALFORMED;
    json_object_get(stored->claims);
    status = jose_json_string(object, "scope", SCOPE_MAX, &scope, NULL);
    if (status == KC_NOT_FOUND)
        return KC_OK;
    if (status != KC_OK)
        return KC_MALFORMED;
    stored->scope = strdup(scope);
    return stored->scope ? KC_OK : KC_NO_MEMORY;
}

enum kc_status stored_decode(const char *text, size_t length, struct stored *ret_stored)
{
    JOSE_AUTO_JSON struct json_object *object = NULL;
    KC_CLEANUP(stored_clear) struct stored stored = {.status = KC_NO_EVIDENCE};
    const char *word;
    enum kc_status status =
        jose_json_parse_object(text, length, &jose_json_token_limits, &object);
    if (status == KC_OK)
        status = jose_json_string(object, "status", WORD_MAX, &word, NULL);
    if (status != KC_OK)
        return status == KC_NO_MEMORY ? status : KC_MALFORMED;
    stored.status = strcmp(word, kc_status_word(KC_OK)) == 0 ? KC_OK : refusal_of(word);
    if (stored.status == KC_OK)
        status = read_claims(object, &stored);
    if (status != KC_OK)
        return status;
    *ret_stored = stored;
    /* the caller has what was in it: lint: -Wanalyzer-malloc-leak */
    stored = (struct stored){.status = KC_NO_EVIDENCE};
    return KC_OK;
}
