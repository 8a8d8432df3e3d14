/*
 * Routes: which path leads to which endpoint, and what is said where none does.
 * Used by server.
 * Never answers for another realm than its own.
 */
#ifndef REALM_ROUTE_H
#define REALM_ROUTE_H

#include "realm/exchange.h"
#include "realm/realm.h"

#define REALM_ENDPOINT_LIST(X)                                                                     \
    X(DISCOVERY, "discovery")                                                                      \
    X(CERTS, "certs")                                                                              \
    X(TOKEN, "token")                                                                              \
    X(LOGOUT, "logout")                                                                            \
    X(REVOKE, "revoke")                                                                            \
    X(INTROSPECT, "introspect")                                                                    \
    X(ABOUT, "realm")                                                                              \
    X(ADMIN_USERS, "admin-users")                                                                  \
    X(ADMIN_USER, "admin-user")                                                                    \
    X(ADMIN_USER_GROUPS, "admin-user-groups")                                                      \
    X(ADMIN_ROLES, "admin-roles")                                                                  \
    X(ADMIN_GROUPS, "admin-groups")                                                                \
    X(ADMIN_GROUP, "admin-group")                                                                  \
    X(ADMIN_MEMBERS, "admin-members")                                                              \
    X(ADMIN_OTHER, "admin-other")                                                                  \
    X(OTHER, "other")

enum realm_endpoint {
#define REALM_ENDPOINT_ENUM(name, word) REALM_ENDPOINT_##name,
    REALM_ENDPOINT_LIST(REALM_ENDPOINT_ENUM)
#undef REALM_ENDPOINT_ENUM
        REALM_ENDPOINT_COUNT
};

struct realm_route {
    const char *path; /* below /realms/NAME */
    enum realm_endpoint endpoint;
    bool get, post;
    void (*run)(
        struct realm *realm, const struct realm_request *request, struct realm_answer *answer);
};

/* The endpoint's word in control documents. */
const char *realm_endpoint_word(enum realm_endpoint endpoint);

/* What follows /admin/ in a path, `prefix` standing before it; NULL where it leads elsewhere. */
const char *realm_route_admin(const char *prefix, const char *url);

/* Keycloak's error handler has a page for browsers, which takes the place of an error. */
void realm_route_page(const char *accept, struct realm_answer *answer);

/* The route of a path as it was sent, `prefix` standing before /realms; NULL where there is none.
 */
const struct realm_route *realm_route_find(
    const struct realm *realm, const char *prefix, const char *url);

bool realm_route_takes(
    const struct realm *realm, const struct realm_route *route, const char *method);

/*
 * The answer where no route takes the request; `route` is one of another method, or NULL. `accept`:
 * that header, or NULL.
 */
void realm_route_none(const struct realm *realm, const char *prefix, const char *url,
    const struct realm_route *route, const char *accept, struct realm_answer *answer);

#endif
