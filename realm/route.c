/*
 * Routes: which path leads to which endpoint, and what is said where none does.
 * Used by server.
 * Never answers for another realm than its own.
 */
#include "realm/route.h"

#include "realm/admin.h"
#include "realm/discovery.h"
#include "realm/logout.h"
#include "realm/text.h"
#include "realm/token.h"

#include <string.h>

static const struct realm_route routes[] = {
    {"", REALM_ENDPOINT_ABOUT, true, false, realm_about_endpoint},
    {"/.well-known/openid-configuration", REALM_ENDPOINT_DISCOVERY, true, false,
        realm_discovery_endpoint},
    {"/protocol/openid-connect/certs", REALM_ENDPOINT_CERTS, true, false, realm_certs_endpoint},
    {"/protocol/openid-connect/token", REALM_ENDPOINT_TOKEN, false, true, realm_token_endpoint},
    {"/protocol/openid-connect/token/introspect", REALM_ENDPOINT_INTROSPECT, false, true,
        realm_introspect_endpoint},
    {"/protocol/openid-connect/logout", REALM_ENDPOINT_LOGOUT, true, true, realm_logout_endpoint},
    {"/protocol/openid-connect/revoke", REALM_ENDPOINT_REVOKE, false, true, realm_revoke_endpoint},
};

static const struct realm_route admin_routes[] = {
    {"", REALM_ENDPOINT_ADMIN_USERS, true, true, realm_admin_endpoint},
    {"", REALM_ENDPOINT_ADMIN_USER, true, true, realm_admin_endpoint},
    {"", REALM_ENDPOINT_ADMIN_USER_GROUPS, true, true, realm_admin_endpoint},
    {"", REALM_ENDPOINT_ADMIN_ROLES, true, true, realm_admin_endpoint},
    {"", REALM_ENDPOINT_ADMIN_GROUPS, true, true, realm_admin_endpoint},
    {"", REALM_ENDPOINT_ADMIN_GROUP, true, true, realm_admin_endpoint},
    {"", REALM_ENDPOINT_ADMIN_MEMBERS, true, true, realm_admin_endpoint},
    {"", REALM_ENDPOINT_ADMIN_OTHER, true, true, realm_admin_endpoint},
};

static const char *const words[] = {
#define REALM_ENDPOINT_WORD(name, word) word,
    REALM_ENDPOINT_LIST(REALM_ENDPOINT_WORD)
#undef REALM_ENDPOINT_WORD
};

const char *realm_endpoint_word(enum realm_endpoint endpoint)
{
    return words[endpoint];
}

/* What follows /realms/; NULL where the path leads elsewhere. */
static const char *below_realms(const char *prefix, const char *url)
{
    size_t length = strlen(prefix);
    if (strncmp(url, prefix, length) != 0 || strncmp(url + length, "/realms/", 8) != 0)
        return NULL;
    return url + length + 8;
}

/* What follows the realm's name; NULL where another stands there. */
static const char *below_name(const struct realm *realm, const char *rest)
{
    size_t length = strlen(realm->name);
    if (strncmp(rest, realm->name, length) != 0)
        return NULL;
    return rest[length] == '/' || rest[length] == '\0' ? rest + length : NULL;
}

const char *realm_route_admin(const char *prefix, const char *url)
{
    size_t length = strlen(prefix);
    if (strncmp(url, prefix, length) != 0 || strncmp(url + length, "/admin/", 7) != 0)
        return NULL;
    return url + length + 7;
}

const struct realm_route *realm_route_find(
    const struct realm *realm, const char *prefix, const char *url)
{
    const char *admin = realm_route_admin(prefix, url);
    if (admin != NULL)
        return &admin_routes[realm_admin_kind(admin) - REALM_ENDPOINT_ADMIN_USERS];
    const char *below = below_realms(prefix, url);
    below = below ? below_name(realm, below) : NULL;
    if (below == NULL)
        return NULL;
    size_t length = strlen(below);
    if (length > 0 && below[length - 1] == '/')
        length--; /* one slash at the end does no harm */
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
        if (strlen(routes[i].path) == length && memcmp(routes[i].path, below, length) == 0)
            return &routes[i];
    return NULL;
}

bool realm_route_takes(
    const struct realm *realm, const struct realm_route *route, const char *method)
{
    if (route->run == realm_admin_endpoint)
        return true; /* it has its own mind of each method */
    if (strcmp(method, "HEAD") == 0)
        return route->get && realm->like != REALM_LIKE_24;
    return (route->get && strcmp(method, "GET") == 0) ||
           (route->post && strcmp(method, "POST") == 0);
}

/* Since 26.5 a path is taken as it should have been written, or not at all. */
static bool normal(const char *path)
{
    for (const char *at = path; *at != '\0'; at++) {
        if (*at == '%' || (at[0] == '/' && at[1] == '/'))
            return false;
        const char *dots = at[0] == '/' && at[1] == '.' ? at + (at[2] == '.' ? 3 : 2) : NULL;
        if (dots != NULL && (*dots == '/' || *dots == '\0'))
            return false;
    }
    return true;
}

static void show_page(struct realm_answer *answer)
{
    static const char page[] =
        "<!DOCTYPE html>\n<html lang=\"en\"><body>We are sorry...</body></html>\n";
    answer->body = realm_text_copy(page);
    answer->length = strlen(page);
    answer->type = "text/html;charset=utf-8";
}

void realm_route_none(const struct realm *realm, const char *prefix, const char *url,
    const struct realm_route *route, const char *accept, struct realm_answer *answer)
{
    const char *below = below_realms(prefix, url);
    if (realm->like != REALM_LIKE_24 && !normal(url)) {
        realm_answer_error(answer, 400, "missingNormalization", "Request path not normalized");
        answer->type = "application/json; charset=UTF-8";
        return;
    }
    if (below == NULL)
        realm_answer_fault(realm, answer, 404, "Unable to find matching target resource method");
    else if (below_name(realm, below) == NULL)
        realm_answer_fault(realm, answer, 404, "Realm does not exist");
    else if (route == NULL || route->endpoint == REALM_ENDPOINT_DISCOVERY)
        realm_answer_fault(realm, answer, 404, "HTTP 404 Not Found");
    else
        realm_answer_fault(realm, answer, 405, "HTTP 405 Method Not Allowed");
    realm_route_page(accept, answer);
}

void realm_route_page(const char *accept, struct realm_answer *answer)
{
    if (answer->status >= 400 && accept != NULL && strncmp(accept, "text/html", 9) == 0)
        show_page(answer);
}
