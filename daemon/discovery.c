/*
 * The realm's discovery document.
 * Used by realm.c.
 * Must never take a document of another issuer, nor an endpoint that http.h would refuse.
 */
#include "daemon/discovery.h"
#include "daemon/http.h"
#include "jose/json.h"

#include <string.h>

#define URL_MAX 2048

static void endpoints_clear(struct discovery_endpoints *endpoints)
{
    free(endpoints->token);
    free(endpoints->logout);
    free(endpoints->revocation);
    free(endpoints->device);
}

struct discovery *discovery_ref(struct discovery *discovery)
{
    discovery->references++;
    return discovery;
}

void discovery_unref(struct discovery *discovery)
{
    if (!discovery || --discovery->references)
        return;
    free(discovery->issuer);
    free(discovery->jwks_uri);
    endpoints_clear(&discovery->plain);
    endpoints_clear(&discovery->mtls);
    free(discovery);
}

static void cleanup_discovery(struct discovery **discovery)
{
    discovery_unref(*discovery);
}

/* One URL; absent leaves NULL. */
static enum kc_status read_url(
    const struct json_object *object, const char *name, bool allow_http, char **ret_url)
{
    const char *url;
    enum kc_status status = jose_json_string(object, name, URL_MAX, &url, NULL);
    if (status == KC_NOT_FOUND)
        return KC_OK;
    if (status != KC_OK)
        return status == KC_NO_MEMORY ? status : KC_ANSWER_MALFORMED;
    status = http_url_check(url, allow_http);
    if (status != KC_OK)
        return status == KC_NO_MEMORY ? status : KC_ANSWER_MALFORMED;
    *ret_url = strdup(url);
    return *ret_url ? KC_OK : KC_NO_MEMORY;
}

static enum kc_status read_endpoints(
    const struct json_object *object, bool allow_http, struct discovery_endpoints *endpoints)
{
    enum kc_status status = read_url(object, "token_endpoint", allow_http, &endpoints->token);
    if (status == KC_OK)
        status = read_url(object, "end_session_endpoint", allow_http, &endpoints->logout);
    if (status == KC_OK)
        status = read_url(object, "revocation_endpoint", allow_http, &endpoints->revocation);
    if (status == KC_OK)
        status = read_url(object, "device_authorization_endpoint", allow_http, &endpoints->device);
    return status;
}

static enum kc_status read_issuer(
    const struct json_object *object, const char *issuer, struct discovery *discovery)
{
    const char *named;
    size_t length;
    enum kc_status status = jose_json_string(object, "issuer", URL_MAX, &named, &length);
    if (status != KC_OK)
        return status == KC_NO_MEMORY ? status : KC_ANSWER_MALFORMED;
    if (length != strlen(issuer) || memcmp(named, issuer, length) != 0)
        return KC_REALM_WRONG_ISSUER;
    discovery->issuer = strdup(named);
    return discovery->issuer ? KC_OK : KC_NO_MEMORY;
}

static enum kc_status read_document(const struct json_object *object, const char *issuer,
    bool allow_http, struct discovery *discovery)
{
    struct json_object *aliases;
    enum kc_status status = read_issuer(object, issuer, discovery);
    if (status == KC_OK)
        status = read_url(object, "jwks_uri", allow_http, &discovery->jwks_uri);
    if (status == KC_OK)
        status = read_endpoints(object, allow_http, &discovery->plain);
    if (status != KC_OK)
        return status;
    if (!discovery->jwks_uri || !discovery->plain.token)
        return KC_ANSWER_MALFORMED;
    status = jose_json_object(object, "mtls_endpoint_aliases", &aliases);
    if (status == KC_NOT_FOUND)
        return KC_OK;
    if (status != KC_OK)
        return status == KC_NO_MEMORY ? status : KC_ANSWER_MALFORMED;
    return read_endpoints(aliases, allow_http, &discovery->mtls);
}

enum kc_status discovery_parse(const void *bytes, size_t length, const char *issuer,
    bool allow_http, struct discovery **ret_discovery)
{
    JOSE_AUTO_JSON struct json_object *object = NULL;
    enum kc_status status =
        jose_json_parse_object(bytes, length, &jose_json_answer_limits, &object);
    if (status != KC_OK && status != KC_NO_MEMORY)
        status = status == KC_TOO_LARGE ? KC_ANSWER_TOO_LARGE : KC_ANSWER_NOT_JSON;
    if (status != KC_OK)
        return status;
    KC_CLEANUP(cleanup_discovery) struct discovery *discovery = calloc(1, sizeof(*discovery));
    if (!discovery)
        return KC_NO_MEMORY;
    discovery->references = 1;
    status = read_document(object, issuer, allow_http, discovery);
    if (status != KC_OK)
        return status;
    *ret_discovery = KC_TAKE(discovery);
    return KC_OK;
}

const char *discovery_token(const struct discovery *discovery, bool mtls)
{
    return mtls && discovery->mtls.token ? discovery->mtls.token : discovery->plain.token;
}

const char *discovery_logout(const struct discovery *discovery, bool mtls)
{
    return mtls && discovery->mtls.logout ? discovery->mtls.logout : discovery->plain.logout;
}

const char *discovery_revocation(const struct discovery *discovery, bool mtls)
{
    return mtls && discovery->mtls.revocation ? discovery->mtls.revocation
                                              : discovery->plain.revocation;
}
