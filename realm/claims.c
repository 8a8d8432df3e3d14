/*
 * Claims: which scopes a grant gets, and the claims of its tokens.
 * Used by token and introspect.
 * Never decides whether somebody may log in.
 */
#include "realm/claims.h"

#include "common/cleanup.h"
#include "realm/mappers.h"
#include "realm/roles.h"
#include "realm/text.h"

#include <stdlib.h>
#include <string.h>

static bool named(const char *word, size_t length, const char *name)
{
    return strlen(name) == length && memcmp(word, name, length) == 0;
}

static struct realm_scope *scope_in(
    struct realm_scope **list, size_t count, const char *word, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (named(word, length, list[i]->name))
            return list[i];
    return NULL;
}

/* Keycloak splits at each blank, so that two blanks, or an empty parameter, name an empty scope. */
bool realm_claims_scope_known(const struct realm_client *client, const char *scope)
{
    for (const char *word = scope; word != NULL;) {
        const char *blank = strchr(word, ' ');
        size_t length = blank ? (size_t)(blank - word) : strlen(word);
        if (!named(word, length, "openid") &&
            scope_in(client->defaults, client->default_count, word, length) == NULL &&
            scope_in(client->optionals, client->optional_count, word, length) == NULL)
            return false;
        word = blank ? blank + 1 : NULL;
    }
    return true;
}

static void take_scope(struct realm_grant *grant, struct realm_scope *scope)
{
    for (size_t i = 0; i < grant->scope_count; i++)
        if (grant->scopes[i] == scope)
            return;
    if (realm_scope_permits(scope, grant->user->roles))
        grant->scopes[grant->scope_count++] = scope;
}

void realm_claims_scopes(struct realm_grant *grant)
{
    struct realm_client *client = grant->client;
    grant->scopes = realm_text_room(
        client->default_count + client->optional_count, sizeof(struct realm_scope *));
    grant->scope_count = 0;
    for (const char *word = grant->scope; word != NULL;) {
        const char *blank = strchr(word, ' ');
        size_t length = blank ? (size_t)(blank - word) : strlen(word);
        struct realm_scope *scope =
            scope_in(client->optionals, client->optional_count, word, length);
        if (scope != NULL)
            take_scope(grant, scope);
        if (named(word, length, "openid"))
            grant->openid = true;
        word = blank ? blank + 1 : NULL;
    }
    for (size_t i = 0; i < client->default_count; i++)
        take_scope(grant, client->defaults[i]);
    for (size_t i = 0; i < grant->scope_count; i++)
        if (realm_text_same(grant->scopes[i]->name, "offline_access"))
            grant->offline = true;
}

void realm_claims_free(struct realm_grant *grant)
{
    free(grant->scopes);
    grant->scopes = NULL;
    grant->scope_count = 0;
}

char *realm_claims_scope_text(const struct realm_grant *grant, bool all_names)
{
    char *text = realm_text_copy(grant->openid ? "openid" : "");
    for (size_t i = 0; i < grant->scope_count; i++) {
        if (!grant->scopes[i]->in_token && !all_names)
            continue;
        char *longer = realm_text_format("%s%s%s", text, *text ? " " : "", grant->scopes[i]->name);
        free(text);
        text = longer;
    }
    return text;
}

int64_t realm_claims_lifespan(const struct realm *realm, const struct realm_client *client)
{
    return realm_json_number(
        client->attributes, "access.token.lifespan", realm->policy.token_lifespan);
}

/* Since 26.2 the id says what sort of session, token and grant it was. */
static void put_id(const struct realm *realm, const struct realm_grant *grant,
    struct json_object *claims, bool light)
{
    char uuid[37];
    realm_text_uuid(uuid);
    if (realm->like == REALM_LIKE_24) {
        realm_json_put_text(claims, "jti", uuid);
        return;
    }
    char *id KC_AUTO_FREE = realm_text_format("%s%s%s:%s",
        grant->service   ? "tr"
        : grant->offline ? "of"
                         : "on",
        light ? "lt" : "rt",
        grant->service     ? "cc"
        : grant->refreshed ? "rt"
                           : "ro",
        uuid);
    realm_json_put_text(claims, "jti", id);
}

static void put_times(
    const struct realm *realm, const struct realm_grant *grant, struct json_object *claims)
{
    int64_t now = realm_now(realm);
    realm_json_put_number(claims, "exp", now + realm_claims_lifespan(realm, grant->client));
    realm_json_put_number(claims, "iat", now);
}

static void put_session(
    const struct realm *realm, const struct realm_grant *grant, struct json_object *claims)
{
    if (grant->session_id == NULL)
        return;
    if (realm->like == REALM_LIKE_24)
        realm_json_put_text(claims, "session_state", grant->session_id);
    realm_json_put_text(claims, "sid", grant->session_id);
}

struct json_object *realm_claims(const struct realm *realm, const struct realm_grant *grant,
    const char *issuer, enum realm_claims_for where, const char *address)
{
    struct json_object *claims = json_object_new_object();
    bool access = where == REALM_CLAIMS_ACCESS;
    bool light = access && realm_json_flag(grant->client->attributes,
                               "client.use.lightweight.access.token.enabled", false);
    put_times(realm, grant, claims);
    if (!access && realm->like == REALM_LIKE_24)
        realm_json_put_number(claims, "auth_time", 0);
    if (access) {
        put_id(realm, grant, claims, light);
    } else {
        char uuid[37];
        realm_text_uuid(uuid);
        realm_json_put_text(claims, "jti", uuid);
    }
    realm_json_put_text(claims, "iss", issuer);
    if (!access)
        realm_json_put_text(claims, "aud", grant->client->id);
    if (realm->like == REALM_LIKE_24 || !access)
        realm_json_put_text(claims, "sub", grant->user->uuid);
    realm_json_put_text(claims, "typ", access ? "Bearer" : "ID");
    realm_json_put_text(claims, "azp", grant->client->id);
    put_session(realm, grant, claims);
    realm_mappers_run(realm, grant, claims, where, light);
    if (access) {
        char *scope KC_AUTO_FREE = realm_claims_scope_text(grant, false);
        realm_json_put_text(claims, "scope", scope);
    }
    if (grant->service && realm->like == REALM_LIKE_24) {
        realm_json_put_text(claims, "clientHost", address);
        realm_json_put_text(claims, "clientAddress", address);
        realm_json_put_text(claims, "client_id", grant->client->id);
    }
    return claims;
}
