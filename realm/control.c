/*
 * Control: faults, counts and changes at run time, for tests and for trying things out.
 * Used by server for what comes in below /_control/.
 * Asks nobody who they are: the loopback is its only fence.
 */
#include "realm/control.h"

#include "realm/change.h"
#include "realm/import.h"
#include "realm/keys.h"
#include "realm/sessions.h"
#include "realm/text.h"
#include "realm/users.h"

#include <string.h>

/* Each is called with the realm locked; a text returned is the reason of a refusal. */
typedef const char *control_function(
    struct realm_server *server, struct json_object *body, struct json_object *ret_document);

static void put_users(const struct realm *realm, struct json_object *document)
{
    struct json_object *failures = json_object_new_object(), *locked = json_object_new_array();
    for (size_t i = 0; i < realm->user_count; i++) {
        if (realm->users[i]->failures > 0)
            realm_json_put_number(failures, realm->users[i]->name, realm->users[i]->failures);
        if (realm_user_locked(realm, realm->users[i]))
            json_object_array_add(locked, json_object_new_string(realm->users[i]->name));
    }
    json_object_object_add(document, "failures", failures);
    json_object_object_add(document, "locked", locked);
}

static void put_sessions(const struct realm *realm, struct json_object *document)
{
    struct json_object *list = json_object_new_array();
    for (const struct realm_session *s = realm->sessions; s != NULL; s = s->next) {
        struct json_object *entry = json_object_new_object();
        realm_json_put_text(entry, "id", s->id);
        realm_json_put_text(entry, "user", s->user->name);
        realm_json_put_text(entry, "client", s->client->id);
        realm_json_put_number(entry, "started", s->started);
        realm_json_put_flag(entry, "offline", s->offline);
        json_object_array_add(list, entry);
    }
    json_object_object_add(document, "sessions", list);
}

static const char *counts(
    struct realm_server *server, struct json_object *body, struct json_object *document)
{
    (void)body;
    struct json_object *requests = json_object_new_object();
    for (int i = 0; i < REALM_ENDPOINT_COUNT; i++)
        realm_json_put_number(
            requests, realm_endpoint_word((enum realm_endpoint)i), server->counts.requests[i]);
    json_object_object_add(document, "requests", requests);
    realm_json_put_number(document, "connections", server->counts.connections);
    realm_json_put_number(document, "open", server->counts.open);
    realm_json_put_number(document, "handshakes", server->counts.handshakes);
    realm_json_put_number(document, "tokens", server->counts.tokens);
    put_users(server->realm, document);
    put_sessions(server->realm, document);
    return NULL;
}

/* What an administrator does when failures have locked somebody out. */
static const char *forgive(
    struct realm_server *server, struct json_object *body, struct json_object *document)
{
    (void)body;
    (void)document;
    for (size_t i = 0; i < server->realm->user_count; i++)
        realm_user_succeeded(server->realm->users[i]);
    return NULL;
}

/* As at the start, save for keys and the connections that are open. */
static const char *reset(
    struct realm_server *server, struct json_object *body, struct json_object *document)
{
    struct realm *realm = server->realm;
    server->resets++;
    realm_fault_clear(realm);
    realm_session_close_all(realm);
    (void)forgive(server, body, document);
    for (size_t i = 0; i < realm->user_count; i++)
        realm->users[i]->totp.last_step = -1;
    realm->clock_offset_ms = 0;
    realm_import_again(realm);
    server->counts.connections = server->counts.handshakes = server->counts.tokens = 0;
    for (int i = 0; i < REALM_ENDPOINT_COUNT; i++)
        server->counts.requests[i] = 0;
    return NULL;
}

static const char *fault(
    struct realm_server *server, struct json_object *body, struct json_object *document)
{
    (void)document;
    enum kc_status status = realm_fault_add(server->realm, body);
    return status == KC_OK ? NULL : status == KC_TOO_LARGE ? "too many faults" : "no such fault";
}

static const char *clear_faults(
    struct realm_server *server, struct json_object *body, struct json_object *document)
{
    (void)body;
    (void)document;
    server->resets++;
    realm_fault_clear(server->realm);
    return NULL;
}

static const char *rotate(
    struct realm_server *server, struct json_object *body, struct json_object *document)
{
    (void)document;
    enum kc_status status = realm_keys_rotate(
        server->realm, realm_json_text(body, "alg", "RS256"), realm_json_flag(body, "keep", true));
    return status == KC_OK ? NULL : "no such algorithm";
}

static const char *change_realm(
    struct realm_server *server, struct json_object *body, struct json_object *document)
{
    (void)document;
    struct realm *realm = server->realm;
    realm->enabled = realm_json_flag(body, "enabled", realm->enabled);
    realm->not_before = realm_json_number(body, "notBefore", realm->not_before);
    realm->policy.https_required =
        realm_json_flag(body, "httpsRequired", realm->policy.https_required);
    realm->policy.brute_force =
        realm_json_flag(body, "bruteForceProtected", realm->policy.brute_force);
    realm->policy.token_lifespan =
        realm_json_number(body, "accessTokenLifespan", realm->policy.token_lifespan);
    realm->hash_delay_ms = realm_json_number(body, "hashDelay", realm->hash_delay_ms);
    realm->clock_offset_ms =
        1000 * realm_json_number(body, "clockOffset", realm->clock_offset_ms / 1000);
    return NULL;
}

static const char *change_user(
    struct realm_server *server, struct json_object *body, struct json_object *document)
{
    (void)document;
    return realm_change_user(server->realm, body);
}

static const char *delete_user(
    struct realm_server *server, struct json_object *body, struct json_object *document)
{
    (void)document;
    return realm_change_delete_user(server->realm, body);
}

static const char *change_group(
    struct realm_server *server, struct json_object *body, struct json_object *document)
{
    (void)document;
    return realm_change_group(server->realm, body);
}

static const char *log_out(
    struct realm_server *server, struct json_object *body, struct json_object *document)
{
    (void)document;
    struct realm_user *user = realm_user_find(server->realm, realm_json_text(body, "username", ""));
    if (user == NULL)
        return "no such user";
    for (struct realm_session *s = server->realm->sessions, *next; s != NULL; s = next) {
        next = s->next;
        if (s->user == user)
            realm_session_close(server->realm, s->id, s->offline);
    }
    return NULL;
}

static const struct {
    const char *method, *what;
    control_function *run;
} calls[] = {
    {"GET", "counts", counts},
    {"POST", "reset", reset},
    {"POST", "fault", fault},
    {"DELETE", "fault", clear_faults},
    {"POST", "rotate", rotate},
    {"POST", "realm", change_realm},
    {"POST", "user", change_user},
    {"DELETE", "user", delete_user},
    {"POST", "group", change_group},
    {"POST", "logout", log_out},
    {"POST", "forgive", forgive},
};

void realm_control(struct realm_server *server, const char *method, const char *what,
    const char *body, struct realm_answer *answer)
{
    size_t i = 0, count = sizeof(calls) / sizeof(*calls);
    while (i < count && (strcmp(calls[i].what, what) != 0 || strcmp(calls[i].method, method) != 0))
        i++;
    if (i == count) {
        realm_answer_error(answer, 404, "no such control", NULL);
        return;
    }
    struct json_object *input = *body ? json_tokener_parse(body) : json_object_new_object();
    struct json_object *document = json_object_new_object();
    const char *refusal = "not a JSON object";
    if (json_object_is_type(input, json_type_object)) {
        pthread_mutex_lock(&server->realm->lock);
        refusal = calls[i].run(server, input, document);
        pthread_mutex_unlock(&server->realm->lock);
    }
    if (refusal == NULL)
        realm_answer_json(answer, document, NULL);
    else
        realm_answer_error(answer, 400, refusal, NULL);
    if (refusal != NULL)
        json_object_put(document);
    json_object_put(input);
}
