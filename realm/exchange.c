/*
 * One exchange: what was asked, and what is answered.
 * Made by server, filled in by the endpoints, sent by server.
 * Knows no HTTP library.
 */
#include "realm/exchange.h"

#include "realm/text.h"

#include <stdio.h>
#include <stdlib.h>

char *realm_issuer(const struct realm *realm, const struct realm_request *request)
{
    return realm_text_format("%s/realms/%s", request->base, realm->name);
}

void realm_answer_error(
    struct realm_answer *answer, unsigned status, const char *error, const char *description)
{
    json_object_put(answer->json);
    answer->json = json_object_new_object();
    realm_json_put_text(answer->json, "error", error);
    if (description != NULL)
        realm_json_put_text(answer->json, "error_description", description);
    answer->status = status;
    answer->type = "application/json";
    answer->cache = NULL;
    snprintf(answer->note, sizeof(answer->note), "%s: %s", error, description ? description : "");
}

void realm_answer_fault(
    const struct realm *realm, struct realm_answer *answer, unsigned status, const char *error)
{
    realm_answer_error(answer, status, error,
        realm->like == REALM_LIKE_24
            ? "For more on this error consult the server log at the debug level."
            : NULL);
}

void realm_answer_unknown(const struct realm *realm, struct realm_answer *answer)
{
    realm_answer_error(answer, 500, "unknown_error",
        realm->like == REALM_LIKE_24
            ? "For more on this error consult the server log at the debug level."
            : "For more on this error consult the server log.");
}

void realm_answer_json(struct realm_answer *answer, struct json_object *document, const char *cache)
{
    json_object_put(answer->json);
    answer->json = document;
    answer->status = 200;
    answer->type = "application/json";
    answer->cache = cache;
}

void realm_answer_free(struct realm_answer *answer)
{
    json_object_put(answer->json);
    free(answer->body);
    *answer = (struct realm_answer){0};
}
