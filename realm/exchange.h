/*
 * One exchange: what was asked, and what is answered.
 * Made by server, filled in by the endpoints, sent by server.
 * Knows no HTTP library.
 */
#ifndef REALM_EXCHANGE_H
#define REALM_EXCHANGE_H

#include "realm/fault.h"
#include "realm/form.h"
#include "realm/realm.h"

#include <stdbool.h>
#include <stddef.h>

struct realm_request {
    const char *method;
    const char *below;                         /* the path behind /admin/; NULL elsewhere */
    const char *base;                          /* scheme, host and path as the caller named them */
    const char *authorization, *dpop, *origin; /* headers; NULL where absent */
    const char *certificate_subject;           /* of a client certificate that verified; NULL */
    const char *certificate_issuer;
    const char *address;
    bool tls;
    const char *body; /* as it came; NULL: none */
    struct realm_form form, query;
    struct realm_fault fault; /* what is to go wrong with this one */
};

struct realm_answer {
    unsigned status;
    const char *type;  /* Content-Type; NULL: none */
    const char *cache; /* Cache-Control; NULL: none */
    bool pragma;       /* Pragma: no-cache */
    char *body;        /* NULL: empty */
    size_t length;
    struct json_object *json; /* becomes the body where there is none */
    char note[160];           /* for the log: an error and its text, never a credential */
};

/* The realm's own address, `BASE/realms/NAME`; the caller frees. */
char *realm_issuer(const struct realm *realm, const struct realm_request *request);

/* An OAuth error. `description` NULL: none. */
void realm_answer_error(
    struct realm_answer *answer, unsigned status, const char *error, const char *description);

/* What Keycloak's error handler says outside OAuth: 26 has no description, 24 has one. */
void realm_answer_fault(
    const struct realm *realm, struct realm_answer *answer, unsigned status, const char *error);

/* 500 as after an exception that nobody caught; both versions describe it. */
void realm_answer_unknown(const struct realm *realm, struct realm_answer *answer);

/* 200 with a JSON document, which the answer owns from now on. */
void realm_answer_json(
    struct realm_answer *answer, struct json_object *document, const char *cache);

void realm_answer_free(struct realm_answer *answer);

#endif
