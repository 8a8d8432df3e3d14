/*
 * Fuzz target: requests to the demo realm. The first line is the Authorization header (empty:
 * none), the rest a form body for the token endpoint. Whoever gets a token said a right password.
 * Where the first line begins with GET or another method and a blank, the rest of it is a path and
 * a query below /admin/, asked without a token and with one.
 */
#include "fuzz/target.h"
#include "realm/admin.h"
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
    "\"secret\":\"secret\",\"directAccessGrantsEnabled\":true},"
    "{\"clientId\":\"n\",\"secret\":\"secret\",\"serviceAccountsEnabled\":true,"
    "\"attributes\":{\"access.token.signed.response.alg\":\"HS512\"}}],"
    "\"groups\":[{\"name\":\"a\",\"attributes\":{\"gidNumber\":[\"7\"]},\"subGroups\":["
    "{\"name\":\"b\"},{\"name\":\"c/d\"}]}],"
    "\"users\":[{\"username\":\"service-account-n\",\"enabled\":true,"
    "\"serviceAccountClientId\":\"n\","
    "\"clientRoles\":{\"realm-management\":[\"view-users\"]}},"
    "{\"username\":\"v\",\"attributes\":{\"uidNumber\":[\"5\"]},\"groups\":[\"/a\",\"/a/b\"]},"
    "{\"username\":\"u\",\"enabled\":true,\"email\":\"u@x\","
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

/* A token of somebody who may see the users, as an Authorization header. */
static const char *reader(struct realm *realm)
{
    static char *header;
    static const char body[] = "grant_type=client_credentials&client_id=n&client_secret=secret";
    if (header != NULL)
        return header;
    struct realm_request request = {.method = "POST", .base = "http://x", .address = "127.0.0.1"};
    struct realm_answer answer = {0};
    FUZZ_MUST(realm_form_read(body, sizeof(body) - 1, &request.form) == KC_OK);
    pthread_mutex_lock(&realm->lock);
    realm->policy.token_lifespan = 1000000000;
    realm_token_endpoint(realm, &request, &answer);
    pthread_mutex_unlock(&realm->lock);
    FUZZ_MUST(answer.status == 200);
    header = realm_text_format("Bearer %s", realm_json_text(answer.json, "access_token", NULL));
    realm_answer_free(&answer);
    realm_form_free(&request.form);
    return header;
}

/* Whoever is found by an exact name has that name. */
static void check_names(const struct realm_request *request, struct json_object *document)
{
    const char *name = realm_form_value(&request->query, "username");
    if (name == NULL || *name == '\0' || strcmp(request->below, "realms/r/users") != 0 ||
        !realm_text_same(realm_form_value(&request->query, "exact"), "true") ||
        realm_form_value(&request->query, "search") != NULL)
        return;
    char *lower = realm_text_lower(name);
    FUZZ_MUST(realm_json_length(document) <= 1);
    if (realm_json_length(document) == 1)
        FUZZ_MUST(realm_text_same(
            realm_json_text(json_object_array_get_idx(document, 0), "username", NULL), lower));
    free(lower);
}

static void administer(struct realm *realm, const char *method, char *below)
{
    struct realm_request request = {
        .method = method, .below = below, .base = "http://x", .address = "127.0.0.1"};
    char *query = strchr(below, '?');
    if (query != NULL)
        *query++ = '\0';
    if (query != NULL && realm_form_read(query, strlen(query), &request.query) != KC_OK)
        return;
    for (int known = 0; known < 2; known++) {
        struct realm_answer answer = {0};
        request.authorization = known ? reader(realm) : NULL;
        FUZZ_MUST(realm_admin_kind(below) < REALM_ENDPOINT_COUNT);
        pthread_mutex_lock(&realm->lock);
        realm_admin_endpoint(realm, &request, &answer);
        pthread_mutex_unlock(&realm->lock);
        FUZZ_MUST(answer.json != NULL && (known ? answer.status != 401 : answer.status == 401));
        if (answer.status == 200)
            check_names(&request, answer.json);
        realm_answer_free(&answer);
    }
    realm_form_free(&request.query);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const uint8_t *line = length > 0 ? memchr(bytes, '\n', length) : NULL;
    if (line == NULL)
        return 0;
    char *authorization = realm_text_format("%.*s", (int)(line - bytes), (const char *)bytes);
    char *blank = strchr(authorization, ' ');
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE"};
    for (size_t i = 0; blank != NULL && i < sizeof(methods) / sizeof(*methods); i++)
        if (strlen(methods[i]) == (size_t)(blank - authorization) &&
            memcmp(methods[i], authorization, strlen(methods[i])) == 0)
            administer(fresh(), methods[i], blank + 1);
    struct realm_form form = {NULL, 0};
    const char *body = (const char *)line + 1;
    if (realm_form_read(body, length - (size_t)(line + 1 - bytes), &form) == KC_OK)
        ask(fresh(), authorization, &form);
    realm_form_free(&form);
    free(authorization);
    return 0;
}
