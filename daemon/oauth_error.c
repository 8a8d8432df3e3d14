/*
 * The one error table.
 * Used by everybody who reads an answer of the realm that is not a success.
 * Must never give KC_OK; rows are in order, the first that fits wins, the last resort denies.
 */
#include "daemon/oauth_error.h"
#include "daemon/form.h"
#include "daemon/http.h"
#include "jose/json.h"

#include <stdio.h>
#include <string.h>

#define ERROR_MAX 256
#define DESCRIPTION_MAX 4096

/* Keycloak up to 26.5 refuses a person with 401, from 26.6.0 with 400 (its issue 45812). */
#define PERSON                                                                                     \
    {                                                                                              \
        400, 401                                                                                   \
    }
#define CLIENT                                                                                     \
    {                                                                                              \
        400, 401                                                                                   \
    }

static const struct oauth_error_row rows[] = {
    /* the person */
    {"1", PERSON, "invalid_grant", OAUTH_EXACT, "Invalid user credentials", false,
        KC_BAD_CREDENTIALS},
    {"4", PERSON, "invalid_grant", OAUTH_EXACT, "Invalid OTP credentials", false,
        KC_BAD_CREDENTIALS},
    {"7", {400, 401}, "invalid_grant", OAUTH_EXACT, "Account disabled", false, KC_ACCOUNT_DISABLED},
    {"8", {400, 401}, "invalid_grant", OAUTH_EXACT, "User disabled", false, KC_ACCOUNT_DISABLED},
    {"9", {400, 401}, "invalid_grant", OAUTH_EXACT, "Account is not fully set up", false,
        KC_ACTION_REQUIRED},
    {"11", PERSON, "invalid_request", OAUTH_EXACT, "Invalid user credentials", false,
        KC_BAD_CREDENTIALS},
    /* our own request */
    {"10", CLIENT, "invalid_request", OAUTH_PREFIX, "Missing parameter: ", false,
        KC_REQUEST_INVALID},
    {"27", CLIENT, "invalid_request", OAUTH_PREFIX, "Missing form parameter: ", false,
        KC_REQUEST_INVALID},
    {"27b", CLIENT, "unsupported_grant_type", OAUTH_ANY, NULL, false, KC_REQUEST_INVALID},
    {"28", CLIENT, "invalid_request", OAUTH_EXACT, "duplicated parameter", false,
        KC_REQUEST_INVALID},
    /* the client's registration */
    {"12", CLIENT, "invalid_client", OAUTH_EXACT, "Invalid client or Invalid client credentials",
        false, KC_CLIENT_UNKNOWN},
    {"13", CLIENT, "unauthorized_client", OAUTH_EXACT,
        "Invalid client or Invalid client credentials", false, KC_CLIENT_SECRET_WRONG},
    {"13b", CLIENT, "unauthorized_client", OAUTH_EXACT, "Invalid client secret", false,
        KC_CLIENT_SECRET_WRONG},
    {"13c", CLIENT, "unauthorized_client", OAUTH_EXACT, "Client secret not provided in request",
        false, KC_CLIENT_SECRET_WRONG},
    {"16", CLIENT, "invalid_client", OAUTH_PREFIX, "Client authentication with signed JWT failed",
        false, KC_CLIENT_ASSERTION_REFUSED},
    {"16b", CLIENT, "invalid_client", OAUTH_PREFIX, "Unable to load public key", false,
        KC_CLIENT_ASSERTION_REFUSED},
    {"16c", CLIENT, "invalid_client", OAUTH_PREFIX, "invalid signature algorithm", false,
        KC_CLIENT_ASSERTION_REFUSED},
    {"16d", CLIENT, "invalid_client", OAUTH_PREFIX, "Token ", false, KC_CLIENT_ASSERTION_REFUSED},
    {"17", CLIENT, "unauthorized_client", OAUTH_PREFIX,
        "Client authentication with client secret signed JWT failed", false,
        KC_CLIENT_ASSERTION_REFUSED},
    {"19", CLIENT, "unauthorized_client", OAUTH_EXACT,
        "Unexpected error when authenticating client", false, KC_CLIENT_AUTH_FAILED},
    {"20", CLIENT, "unauthorized_client", OAUTH_EXACT,
        "Client not allowed for direct access grants", false, KC_GRANT_OFF},
    {"21", CLIENT, "invalid_client", OAUTH_EXACT, "Client requires user consent", false,
        KC_CLIENT_CONSENT_REQUIRED},
    {"22", {400, 401, 403}, "invalid_client", OAUTH_EXACT, "Bearer-only not allowed", false,
        KC_CLIENT_BEARER_ONLY},
    {"23", CLIENT, "invalid_client", OAUTH_EXACT, "Wrong client protocol.", false,
        KC_CLIENT_WRONG_PROTOCOL},
    {"24", CLIENT, "invalid_grant", OAUTH_PREFIX,
        "resource owner password credentials grant is prohibited", false, KC_GRANT_PROHIBITED},
    {"26", {400}, "invalid_scope", OAUTH_ANY, NULL, false, KC_SCOPE_INVALID},
    {"29", CLIENT, "invalid_request", OAUTH_PREFIX, "DPoP ", false, KC_CLIENT_DPOP_REQUIRED},
    {"29b", CLIENT, "invalid_dpop_proof", OAUTH_ANY, NULL, false, KC_CLIENT_DPOP_REQUIRED},
    {"30", CLIENT, "invalid_request", OAUTH_PREFIX, "Client Certification missing for MTLS", false,
        KC_CLIENT_CERTIFICATE_REQUIRED},
    /* what else a client is refused for is its registration or a policy upon it */
    {"18", CLIENT, "invalid_client", OAUTH_ANY, NULL, false, KC_CLIENT_AUTH_FAILED},
    {"25", CLIENT, "unauthorized_client", OAUTH_ANY, NULL, false, KC_CLIENT_POLICY},
    {"25b", CLIENT, "invalid_client_metadata", OAUTH_ANY, NULL, false, KC_CLIENT_POLICY},
    /* the realm; some texts stand in `error` itself */
    {"31", {404}, "Realm does not exist", OAUTH_ANY, NULL, false, KC_REALM_UNKNOWN},
    {"32", {403}, "access_denied", OAUTH_EXACT, "Realm not enabled", false, KC_REALM_DISABLED},
    {"33", {403}, "invalid_request", OAUTH_EXACT, "HTTPS required", false, KC_REALM_HTTPS_REQUIRED},
    {"34", {404}, "HTTP 404 Not Found", OAUTH_ANY, NULL, false, KC_REALM_WRONG_PATH},

    {"34b", {404}, "Unable to find matching target resource method", OAUTH_ANY, NULL, false,
        KC_REALM_WRONG_PATH},
    {"35", {403}, "Invalid origin", OAUTH_ABSENT, NULL, false, KC_REALM_ORIGIN_REFUSED},
    {"36", {500}, "unknown_error", OAUTH_ANY, NULL, false, KC_SERVER_ERROR},
    /* 39: the whole body is the administrator's own text; but not a proxy's way to say 403 */
    {"39-", {403}, "Forbidden", OAUTH_ABSENT, NULL, false, KC_HTTP_FORBIDDEN},
    {"39-b", {403}, "forbidden", OAUTH_ABSENT, NULL, false, KC_HTTP_FORBIDDEN},
    {"39-c", {403}, "HTTP 403 Forbidden", OAUTH_ABSENT, NULL, false, KC_HTTP_FORBIDDEN},
    {"39", {403}, "*", OAUTH_ABSENT, NULL, false, KC_SESSION_LIMIT},
    /* at the end of a session; one that is over already ends well */
    {"41", {400}, "invalid_grant", OAUTH_EXACT,
        "Invalid refresh token. Token client and authorized client don't match", false,
        KC_REALM_WRONG_CLIENT},
    {"41b", {400}, "invalid_request", OAUTH_EXACT, "Unmatching clients", false,
        KC_REALM_WRONG_CLIENT},
    {"42", {400}, "invalid_grant", OAUTH_PREFIX, "Invalid token issuer. ", false,
        KC_REALM_WRONG_ISSUER},
    {"43", {400}, "invalid_grant", OAUTH_EXACT, "Invalid refresh token", false,
        KC_REFRESH_TOKEN_REFUSED},
    /* by the status alone: no OAuth error in the body, or none that is known */
    {"40", {503}, NULL, OAUTH_ANY, NULL, true, KC_SERVER_STARTING},
    {"37", {503}, NULL, OAUTH_ANY, NULL, false, KC_SERVER_OVERLOADED},
    {"38", {502, 504}, NULL, OAUTH_ANY, NULL, false, KC_SERVER_GATEWAY},
    {"38b", {429}, NULL, OAUTH_ANY, NULL, false, KC_HTTP_TOO_MANY_REQUESTS},
    {"s400", {400}, NULL, OAUTH_ANY, NULL, false, KC_HTTP_BAD_REQUEST},
    {"s401", {401}, NULL, OAUTH_ANY, NULL, false, KC_HTTP_UNAUTHORIZED},
    {"s403", {403}, NULL, OAUTH_ANY, NULL, false, KC_HTTP_FORBIDDEN},
    {"s404", {404}, NULL, OAUTH_ANY, NULL, false, KC_HTTP_NOT_FOUND},
    {"s405", {405}, NULL, OAUTH_ANY, NULL, false, KC_HTTP_METHOD_NOT_ALLOWED},
    {"s406", {406}, NULL, OAUTH_ANY, NULL, false, KC_HTTP_NOT_ACCEPTABLE},
    {"s413", {413}, NULL, OAUTH_ANY, NULL, false, KC_HTTP_TOO_LARGE},
    {"s415", {415}, NULL, OAUTH_ANY, NULL, false, KC_HTTP_UNSUPPORTED_MEDIA},
    {"s500", {500}, NULL, OAUTH_ANY, NULL, false, KC_SERVER_ERROR},
};

const struct oauth_error_row *oauth_error_rows(size_t *ret_count)
{
    *ret_count = sizeof(rows) / sizeof(*rows);
    return rows;
}

static bool status_fits(const struct oauth_error_row *row, unsigned http)
{
    for (size_t i = 0; i < sizeof(row->http) / sizeof(*row->http) && row->http[i]; i++)
        if (row->http[i] == http)
            return true;
    return false;
}

static bool error_fits(const struct oauth_error_row *row, const char *error)
{
    if (!row->error)
        return true;
    return error && (strcmp(row->error, "*") == 0 || strcmp(row->error, error) == 0);
}

static bool description_fits(const struct oauth_error_row *row, const char *description)
{
    switch (row->match) {
    case OAUTH_EXACT:
        return description && strcmp(row->description, description) == 0;
    case OAUTH_PREFIX:
        return description && strncmp(row->description, description, strlen(row->description)) == 0;
    case OAUTH_ABSENT:
        return !description;
    case OAUTH_ANY:
        return true;
    }
    return false;
}

enum kc_status oauth_error_classify(
    unsigned http, const char *error, const char *description, bool retry_after)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct oauth_error_row *row = &rows[i];
        if (status_fits(row, http) && error_fits(row, error) &&
            description_fits(row, description) && (!row->retry_after || retry_after))
            return row->status;
    }
    if (http >= 300 && http < 400)
        return KC_HTTP_REDIRECT;
    return http >= 500 && http < 600 ? KC_SERVER_ERROR : KC_HTTP_UNEXPECTED;
}

static void append_clean(char *to, size_t size, const char *text)
{
    size_t length = strlen(to);
    for (; *text && length + 1 < size; text++) {
        unsigned char c = (unsigned char)*text;
        to[length++] = c < 0x20 || c > 0x7e ? '?' : (char)c;
    }
    to[length] = 0;
}

/* A member that is not a text, or is there twice, is as good as absent: then the status decides. */
static const char *member(const struct json_object *object, const char *name, size_t max)
{
    const char *text = NULL;
    if (jose_json_string(object, name, max, &text, NULL) != KC_OK)
        return NULL;
    return text;
}

/* A hostile answer may repeat what was sent: no secret goes into a log, not even a part of it that
 * a cut would leave, so the whole text is looked at. */
static bool repeats(const char *text, const struct kc_secret *const *secrets)
{
    size_t length = strlen(text);
    for (; secrets && *secrets; secrets++) {
        KC_AUTO_SECRET struct kc_secret coded = KC_SECRET_INIT;
        const struct kc_secret *secret = *secrets;
        if (!secret->length)
            continue;
        if (memmem(text, length, secret->bytes, secret->length))
            return true;
        if (form_encode(&coded, secret->bytes, secret->length) != KC_OK ||
            memmem(text, length, coded.bytes, coded.length))
            return true;
    }
    return false;
}

enum kc_status oauth_error_read(const struct http_answer *answer,
    const struct kc_secret *const *secrets, char ret_detail[static OAUTH_DETAIL_MAX])
{
    JOSE_AUTO_JSON_WIPE struct json_object *object = NULL;
    const char *error = NULL, *description = NULL;
    ret_detail[0] = 0;
    if (answer->json && jose_json_parse_object(answer->body.bytes, answer->body.length,
                            &jose_json_answer_limits, &object) == KC_OK) {
        error = member(object, "error", ERROR_MAX);
        description = error ? member(object, "error_description", DESCRIPTION_MAX) : NULL;
        if (!error) /* the Admin API's */
            error = member(object, "errorMessage", ERROR_MAX);
    }
    if (error && !repeats(error, secrets))
        append_clean(ret_detail, OAUTH_DETAIL_MAX, error);
    if (description && *ret_detail && !repeats(description, secrets)) {
        append_clean(ret_detail, OAUTH_DETAIL_MAX, ": ");
        append_clean(ret_detail, OAUTH_DETAIL_MAX, description);
    }
    return oauth_error_classify(answer->status, error, description, answer->retry_after >= 0);
}
