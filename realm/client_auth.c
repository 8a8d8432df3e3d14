/*
 * Client authentication, as Keycloak's client flow does it: secret, assertion, certificate.
 * Used by every endpoint that a client calls.
 * Never takes a client another way than the one that the client is set to.
 */
#include "realm/client_auth.h"

#include "common/cleanup.h"
#include "realm/assertion.h"
#include "realm/import_client.h"
#include "realm/text.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char bad_client[] = "Invalid client or Invalid client credentials";

struct basic {
    char *id, *secret;
    bool broken; /* 24.0.5 stumbles over what 26 takes for no header at all */
};

static void free_basic(struct basic *basic)
{
    free(basic->id);
    free(basic->secret);
}

/* RFC 6749 2.3.1: both parts are form-encoded before base64. False where they are not. */
static bool read_basic(const char *authorization, struct basic *ret_basic)
{
    if (authorization == NULL || strncasecmp(authorization, "Basic ", 6) != 0)
        return true;
    const char *text = authorization + 6;
    uint8_t *plain KC_AUTO_FREE = NULL;
    size_t length = 0;
    if (!realm_text_decode(text, strlen(text), &plain, &length)) {
        ret_basic->broken = true;
        return true;
    }
    const char *colon = memchr(plain, ':', length);
    if (colon == NULL)
        return true;
    size_t id_length = (size_t)(colon - (const char *)plain);
    return realm_form_decode((const char *)plain, id_length, &ret_basic->id) &&
           realm_form_decode(colon + 1, length - id_length - 1, &ret_basic->secret);
}

static bool same_secret(const char *given, const char *right)
{
    return given != NULL && right != NULL && strlen(given) == strlen(right) &&
           CRYPTO_memcmp(given, right, strlen(right)) == 0;
}

/* RFC 8705 2.1: the subject as a whole, and the issuer where the client names one. */
static bool certificate_fits(const struct realm_client *client, const struct realm_request *request)
{
    const char *subject = realm_json_text(client->attributes, "x509.subjectdn", NULL);
    const char *issuer = realm_json_text(client->attributes, "x509.casubjectdn", NULL);
    return realm_text_same(subject, request->certificate_subject) &&
           (issuer == NULL || realm_text_same(issuer, request->certificate_issuer));
}

static struct realm_client *refuse(
    struct realm_answer *answer, unsigned status, const char *error, const char *description)
{
    realm_answer_error(answer, status, error, description);
    return NULL;
}

static struct realm_client *by_credentials(struct realm *realm, struct realm_client *client,
    const struct realm_request *request, const char *secret, struct realm_answer *answer)
{
    if (client->is_public)
        return client;
    if (strcmp(client->authenticator, "client-jwt") == 0 ||
        strcmp(client->authenticator, "client-secret-jwt") == 0)
        return realm_assertion_check(realm, client, request, answer) ? client : NULL;
    if (strcmp(client->authenticator, "client-x509") == 0)
        return certificate_fits(client, request)
                   ? client
                   : refuse(answer, 401, "invalid_client", bad_client);
    return same_secret(secret, client->secret)
               ? client
               : refuse(answer, 401, "unauthorized_client", bad_client);
}

static struct realm_client *check(struct realm *realm, const struct realm_request *request,
    struct basic *basic, struct realm_answer *answer)
{
    const char *in_body = realm_form_value(&request->form, "client_id");
    const char *id = in_body ? in_body : basic->id;
    const char *secret = realm_form_value(&request->form, "client_secret");
    if (secret == NULL)
        secret = basic->secret;
    char *named KC_AUTO_FREE = id == NULL ? realm_assertion_client(request) : NULL;
    if (id == NULL)
        id = named;
    struct realm_client *client = id ? realm_client_of(realm, id) : NULL;
    if (named != NULL && client != NULL && strcmp(client->authenticator, "client-jwt") != 0 &&
        strcmp(client->authenticator, "client-secret-jwt") != 0)
        return realm->like == REALM_LIKE_24
                   ? refuse(answer, 400, "invalid_client", "Missing client_id parameter")
                   : refuse(answer, 401, "invalid_client", bad_client);
    if (client == NULL || !client->enabled)
        return refuse(answer, 401, "invalid_client", bad_client);
    client = by_credentials(realm, client, request, secret, answer);
    if (client == NULL)
        return NULL;
    if (client->bearer_only)
        return refuse(answer, 400, "invalid_client", "Bearer-only not allowed");
    if (strcmp(client->protocol, "openid-connect") != 0)
        return refuse(answer, 400, "invalid_client", "Wrong client protocol.");
    return client;
}

struct realm_client *realm_client_auth(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer)
{
    struct basic basic = {0};
    struct realm_client *client = NULL;
    if (!read_basic(request->authorization, &basic) ||
        (basic.broken && realm->like == REALM_LIKE_24))
        realm_answer_error(
            answer, 400, "unauthorized_client", "Unexpected error when authenticating client");
    else
        client = check(realm, request, &basic, answer);
    free_basic(&basic);
    return client;
}
