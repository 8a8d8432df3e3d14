/*
 * What is said about an outcome: a sentence for the person, an advice for the administrator.
 * Used by login.c for the person and for the log line.
 * Must never add to what the realm itself tells a stranger about a user or a password.
 */
#include "daemon/oauth_error.h"

#define SERVICE_DOWN "The login service is unavailable."
#define SERVICE_WRONG "Login is not set up correctly on this host. Please tell its administrator."

/* The class has a text of its own where a status has none here. */
static const struct oauth_error_words words[] = {
    {KC_ACCOUNT_DISABLED, "Your account is disabled.", NULL},
    {KC_ACTION_REQUIRED, "Your account is not ready yet. Finish its set-up at",
        "the password was right; required actions are pending (Users > NAME > Details)"},
    {KC_SESSION_LIMIT, "You have too many sessions open.",
        "the direct grant flow limits the sessions of a user"},
    {KC_ENTRY_NO_UID, NULL,
        "set uidNumber, declared in Realm settings > User profile; or: kclogin ids assign"},
    {KC_ENTRY_NO_GID, NULL, "set gidNumber in the realm, or primary_group in kclogin.conf"},
    {KC_ENTRY_BAD_UID, NULL, "uidNumber is no number of the range that host.conf gives the realm"},
    {KC_ENTRY_BAD_GID, NULL,
        "gidNumber is no number of the range that host.conf gives the realm, or a local group's"},
    {KC_ENTRY_ID_TAKEN, NULL,
        "the number is another's: give one of the two another in the realm, or kclogin ids adopt"},
    {KC_ENTRY_NAME_TAKEN, NULL,
        "the name is bound to another user of the realm: kclogin ids adopt; or the token has no sub"},
    {KC_RULE_NEEDS_TOKEN, NULL,
        "scope: and claim: hold for logins with a password; keys, cron and sudo need role: or group:"},
    {KC_CLIENT_ROLES_UNSEEN, NULL,
        "give a role of that client to a user or group directly, or view-clients to our client"},
    {KC_CLIENT_UNKNOWN, NULL,
        "client_id is unknown or disabled in the realm, or with mtls the subject does not fit"},
    {KC_CLIENT_SECRET_WRONG, NULL, "compare client_secret_file with Clients > ID > Credentials"},
    {KC_CLIENT_ASSERTION_REFUSED, NULL,
        "compare the key with Clients > ID > Keys, the signature algorithm, and both clocks"},
    {KC_CLIENT_AUTH_FAILED, NULL,
        "compare client_auth with Clients > ID > Credentials > Client Authenticator"},
    {KC_CLIENT_POLICY, NULL, "a client policy refuses (Realm settings > Client policies)"},
    {KC_CLIENT_CONSENT_REQUIRED, NULL, "switch off Clients > ID > Settings > Consent required"},
    {KC_CLIENT_BEARER_ONLY, NULL, "the client is bearer-only; use one that may log in"},
    {KC_CLIENT_WRONG_PROTOCOL, NULL, "the client is a SAML client; use an OpenID Connect one"},
    {KC_CLIENT_DPOP_REQUIRED, NULL,
        "switch off Clients > ID > Advanced > Require DPoP bound tokens"},
    {KC_CLIENT_CERTIFICATE_REQUIRED, NULL,
        "the client binds tokens to a certificate; use client_auth = mtls or switch that off"},
    {KC_GRANT_OFF, NULL, "switch on Clients > ID > Settings > Direct access grants"},
    {KC_GRANT_PROHIBITED, NULL,
        "a client policy forbids the password grant (reject-ropc-grant, OAuth 2.1 profiles)"},
    {KC_SCOPE_INVALID, NULL, "assign the scope in Clients > ID > Client scopes, or mend `scope`"},
    {KC_REALM_UNKNOWN, NULL, "no realm of that name; mend `issuer`"},
    {KC_REALM_WRONG_PATH, NULL,
        "no such path at this server; `issuer` may lack or have too much of a prefix (/auth)"},
    {KC_REALM_WRONG_ISSUER, NULL,
        "the realm calls itself otherwise; set `issuer` to the issuer of its discovery document"},
    {KC_DIRECTORY_FORBIDDEN, NULL,
        "give the role view-users of realm-management in Clients > ID > Service account roles"},
    {KC_SERVICE_ACCOUNT_OFF, NULL, "switch on Clients > ID > Settings > Service accounts roles"},
    {KC_REALM_WRONG_CLIENT, NULL,
        "client_id has changed since that login; the session ends when the realm lets it"},
    {KC_REFRESH_TOKEN_REFUSED, NULL, "the realm has another key since that login"},
    {KC_REALM_HTTPS_REQUIRED, NULL, "the realm demands https (Realm settings > Require SSL)"},
    {KC_REALM_ORIGIN_REFUSED, NULL, "something on the way adds an Origin header"},
    {KC_REALM_DISABLED, NULL, "the realm is disabled (Realm settings > Enabled)"},
    {KC_HTTP_NOT_FOUND, NULL, "what answers there is no realm; mend `issuer`"},
    {KC_HTTP_REDIRECT, NULL,
        "redirects are not followed; set `issuer` to the address that answers itself"},
    {KC_HTTP_TOO_MANY_REQUESTS, "Too many attempts. Please wait a minute.",
        "a proxy before the realm limits requests"},
    {KC_HTTP_FORBIDDEN, NULL, "a proxy or firewall before the realm refuses"},
    {KC_SERVER_GATEWAY, NULL, "the proxy before the realm cannot reach it"},
    {KC_ANSWER_NOT_JSON, NULL, "what answers there does not speak OpenID Connect; a proxy?"},
    {KC_NO_ROOM, NULL, "/run is full, or the host or the daemon has no free descriptors"},
    {KC_TLS_FAILED, NULL,
        "the server's certificate or TLS version is not accepted; see ca_file and the names in it"},
    {KC_GRANT_IN_DOUBT, NULL,
        "refused soon after an unanswered login of the same user, which may be why"},
    {KC_TOKEN_LIGHTWEIGHT, NULL,
        "switch off Clients > ID > Advanced > Always use lightweight access token"},
    {KC_TOKEN_SYMMETRIC, NULL,
        "set Clients > ID > Advanced > Access token signature algorithm to RS256, ES256 or EdDSA"},
    {KC_TOKEN_ALG_NOT_ALLOWED, NULL,
        "set Clients > ID > Advanced > Access token signature algorithm to RS256, ES256 or EdDSA"},
    {KC_TOKEN_WRONG_ISSUER, NULL, "the realm's hostname setting and `issuer` differ"},
    {KC_TOKEN_WRONG_AUDIENCE, NULL, "add an audience mapper for `audience` to the client"},
    {KC_TOKEN_CLAIM_MISSING, NULL, "a claim is not in the token; see the client's mappers"},
    {KC_TOKEN_WRONG_USER, NULL,
        "the realm knows the name in another spelling, or by e-mail; see username_claim"},
    {KC_TOKEN_CLOCK_SKEW, NULL, "the clocks of this host and of the realm differ; see timedatectl"},
    {KC_TOKEN_EXPIRED, NULL, "the token was over when it came; see the client's token lifespan"},
    {KC_TOKEN_NOT_YET_VALID, NULL, "the token is for later; compare both clocks"},
    {KC_TOKEN_KEY_UNKNOWN, NULL, "the token's key is not among the realm's published keys"},
};

static const struct oauth_error_words *find(enum kc_status status)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (words[i].status == status)
            return &words[i];
    return NULL;
}

const char *oauth_error_text(enum kc_status status)
{
    const struct oauth_error_words *found = find(status);
    if (found && found->text)
        return found->text;
    switch (kc_status_class(status)) {
    case KC_CLASS_UNREACHABLE:
    case KC_CLASS_UNAVAILABLE:
    case KC_CLASS_INTERNAL:
        return SERVICE_DOWN;
    case KC_CLASS_MISCONFIGURED:
        return SERVICE_WRONG;
    default:
        return NULL;
    }
}

const char *oauth_error_advice(enum kc_status status)
{
    const struct oauth_error_words *found = find(status);
    return found ? found->advice : NULL;
}
