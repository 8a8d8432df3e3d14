/*
 * Fuzz target: requests to the demo realm. The first line is the Authorization header (empty:
 * none), the rest a form body for the token endpoint. Whoever gets a token said a right password.
 */
#include "fuzz/target.h"
#include "realm/import.h"
#include "realm/keys.h"
#include "realm/sessions.h"
#include "realm/text.h"
#include "realm/token.h"

#include <string.h>

static const char file[] =
    "{\"realm\":\"r\",\"enabled\":true,\"clients\":["
    "{\"clientId\":\"p\",\"publicClient\":true,\"directAccessGrantsEnabled\":true,"
    "\"attributes\":{\"access.token.signed.response.alg\":\"HS512\"}},"
    "{\"clientId\":\"s\",\"secret\":\"secret\",\"directAccessGrantsEnabled\":true},"
    "{\"clientId\":\"j\",\"clientAuthenticatorType\":\"client-secret-jwt\","
    "\"secret\":\"secret\",\"directAccessGrantsEnabled\":true}],"
    "\"users\":[{\"username\":\"u\",\"enabled\":true,\"email\":\"u@x\","
    "\"credentials\":[{\"type\":\"password\",\"value\":\"pass\"}]}],"
    "\"components\":{\"org.keycloak.keys.KeyProvider\":[]}}";

static struct realm *fresh(void)
{
    static struct realm *realm;
    char *reason = NULL;
    if (realm == NULL) {
        FUZZ_MUST(realm_import_text(
                      file, sizeof(file) - 1, "built in", REALM_LIKE_26, &realm, &reason) == KC_OK);
        FUZZ_MUST(realm_keys_make(realm) == KC_OK);
    }
    realm_session_close_all(realm);
    return realm;
}

static void ask(struct realm *realm, const char *authorization, const struct realm_form *form)
{
    struct realm_request request = {.method = "POST",
        .base = "http://x",
        .authorization = *authorization ? authorization : NULL,
        .address = "127.0.0.1",
        .form = *form};
    struct realm_answer answer = {0};
    pthread_mutex_lock(&realm->lock);
    realm_token_endpoint(realm, &request, &answer);
    pthread_mutex_unlock(&realm->lock);
    FUZZ_MUST(answer.status >= 200 && answer.status < 600 && answer.json != NULL);
    if (answer.status == 200)
        FUZZ_MUST(realm_text_same(realm_form_value(form, "password"), "pass"));
    else
        FUZZ_MUST(realm_json_text(answer.json, "error", NULL) != NULL);
    realm_answer_free(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const uint8_t *line = length > 0 ? memchr(bytes, '\n', length) : NULL;
    if (line == NULL)
        return 0;
    char *authorization = realm_text_format("%.*s", (int)(line - bytes), (const char *)bytes);
    struct realm_form form = {NULL, 0};
    const char *body = (const char *)line + 1;
    if (realm_form_read(body, length - (size_t)(line + 1 - bytes), &form) == KC_OK)
        ask(fresh(), authorization, &form);
    realm_form_free(&form);
    free(authorization);
    return 0;
}
