/*
 * The Admin REST API: who may ask, and which resource a path below /admin/realms/NAME is.
 * Used by route and server; the files of the resources use the call.
 * Never changes anything itself: reads are here, admin_write and control do the writing.
 */
#ifndef REALM_ADMIN_H
#define REALM_ADMIN_H

#include "realm/exchange.h"
#include "realm/route.h"

enum { REALM_ADMIN_WORDS = 8 };

struct realm_admin_call {
    struct realm *realm;
    const struct realm_request *request;
    struct realm_answer *answer;
    /* roles of realm-management that the caller holds, those of view-users included */
    bool view_users, query_users, query_groups, manage_users, view_clients, query_clients;
    char *words[REALM_ADMIN_WORDS]; /* of the path below the realm, decoded */
    size_t word_count;
    char *rest; /* behind the first word, decoded; begins with a slash */
};

typedef void realm_admin_function(struct realm_admin_call *call);

/* The endpoint's word in control documents, for a path that begins behind /admin/. */
enum realm_endpoint realm_admin_kind(const char *below);

/* Answers each request below /admin/. */
void realm_admin_endpoint(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer);

/* A refusal that takes `realm`'s version into account. */
void realm_admin_forbid(struct realm_admin_call *call);

/*
 * The parameters `first` and `max`; false where one is no number, and then that is the answer.
 * `*ret_max` is SIZE_MAX for no limit.
 */
bool realm_admin_page(
    struct realm_admin_call *call, size_t otherwise, size_t *ret_first, size_t *ret_max);

/* A parameter that is true or, whatever else it says, false. */
bool realm_admin_flag(const struct realm_admin_call *call, const char *name, bool otherwise);

/* 200 with a list or an object, which the answer owns from now on. */
void realm_admin_answer(struct realm_admin_call *call, struct json_object *document);

/* A list of attributes' names and values that `q` asks for. */
struct realm_admin_wish {
    char *name, *value;
};

/* The wishes of a `q`; the caller frees them with realm_admin_free_wishes. */
struct realm_admin_wish *realm_admin_wishes(const char *q, bool empty_too, size_t *ret_count);
void realm_admin_free_wishes(struct realm_admin_wish *wishes, size_t count);

/* Whether one of the values of each wish's attribute is what it asks for; case does not matter. */
bool realm_admin_granted(struct json_object *attributes, const struct realm_admin_wish *wishes,
    size_t count, bool anywhere);

/* SQL's LIKE '%text%' without regard to case; % and _ in the text are wild unless `plain`. */
bool realm_admin_contains(const char *name, const char *text, bool plain);

#endif
