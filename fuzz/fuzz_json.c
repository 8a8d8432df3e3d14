/*
 * Fuzz target: the strict JSON reader and the typed access to members.
 * Held against json-c's own strict parser: whatever ours takes, that one must take too.
 * No value may come out of the reader that changed its type on the way.
 */
#include "fuzz/target.h"
#include "jose/json.h"
#include "jose/limits.h"

#include <json-c/json_tokener.h>
#include <string.h>

static const char *const names[] = {"a", "exp", "sub", "keys", "access_token", ""};

static void look(const struct json_object *object)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct json_object *value = NULL;
        const char *text;
        size_t length;
        int64_t number;
        bool flag;
        if (jose_json_string(object, names[i], 64, &text, &length) == KC_OK)
            FUZZ_MUST(strlen(text) == length && length <= 64);
        if (jose_json_int64(object, names[i], &number) == KC_OK)
            FUZZ_MUST(number >= -(INT64_C(1) << 53) && number <= INT64_C(1) << 53);
        if (jose_json_time(object, names[i], &number) == KC_OK)
            FUZZ_MUST(number >= 0);
        if (jose_json_bool(object, names[i], &flag) == KC_OK)
            FUZZ_MUST(jose_json_int64(object, names[i], &number) == KC_MALFORMED);
        if (jose_json_array(object, names[i], &value) == KC_OK)
            FUZZ_MUST(jose_json_object(object, names[i], &value) == KC_MALFORMED);
    }
}

/* json-c's parser needs a NUL behind the text to know that a number has ended. */
static void compare(const uint8_t *bytes, size_t length)
{
    char *text = malloc(length + 1);
    struct json_tokener *tokener = json_tokener_new_ex(JOSE_JSON_DEPTH + 2);
    FUZZ_MUST(text && tokener);
    memcpy(text, bytes, length);
    text[length] = 0;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *value = json_tokener_parse_ex(tokener, text, (int)length + 1);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    FUZZ_MUST(error == json_tokener_success);
    json_object_put(value);
    json_tokener_free(tokener);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct json_object *value = NULL;
    const struct jose_json_limits limits = {(size_t)64 * 1024, JOSE_JSON_DEPTH, 8192};
    enum kc_status status = jose_json_parse(bytes, length, &limits, &value);
    FUZZ_MUST(status == KC_OK || !value);
    FUZZ_MUST(status == KC_OK || status == KC_MALFORMED || status == KC_TOO_LARGE);
    if (status != KC_OK)
        return 0;
    compare(bytes, length);
    look(value);
    FUZZ_MUST(!value || json_object_to_json_string(value));
    jose_json_wipe(value);
    return 0;
}
