/*
 * The Admin REST API: reading, with the service token, and nothing else.
 * Used by the directory.
 * Must never change anything in the realm, nor take a refusal for an empty answer.
 */
#include "daemon/admin.h"

#include "daemon/clock.h"
#include "daemon/config.h"
#include "daemon/oauth_error.h"
#include "daemon/realm_internal.h"
#include "daemon/service_token.h"
#include "jose/json.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define URL_MAX_SIZE 2048u
#define BODY_MAX ((size_t)4 << 20) /* a page of a few hundred users */
#define REQUESTS_MAX 4096u
#define AT_ONCE 16u /* logins have the other connections: HTTP/1.1 takes one for each request */

struct admin_request {
    struct admin *admin;
    char *path;
    uint64_t deadline_us;
    struct service_wait *wait;
    struct http_request *http;
    struct kc_secret authorization; /* that it was sent with */
    bool begun;                     /* else it waits for its turn */
    sd_event_source *later;         /* an end that came at once is told from the loop; its deadline
                                     * while it waits for its turn */
    enum kc_status status;
    bool refused; /* a token was, once */
    admin_done *done;
    void *userdata;
    LIST_ENTRY(admin_request) link;
    STAILQ_ENTRY(admin_request) next;
};

struct admin {
    struct realm *realm;
    char *base; /* ISSUER's server /admin/realms/NAME */
    struct service_token *token;
    LIST_HEAD(, admin_request) requests;
    unsigned request_count;
    unsigned begun_count;
    STAILQ_HEAD(, admin_request) queue;
};

static void begin(struct admin_request *request);

static void let_next(struct admin *admin)
{
    struct admin_request *request;
    while (admin->begun_count < AT_ONCE && (request = STAILQ_FIRST(&admin->queue))) {
        STAILQ_REMOVE_HEAD(&admin->queue, next);
        admin->begun_count++;
        request->begun = true;
        request->later = sd_event_source_disable_unref(request->later);
        begin(request);
    }
}

static void request_free(struct admin_request *request)
{
    struct admin *admin = request->admin;
    admin->request_count--;
    if (request->begun)
        admin->begun_count--;
    else
        STAILQ_REMOVE(&admin->queue, request, admin_request, next);
    LIST_REMOVE(request, link);
    if (request->wait)
        service_wait_cancel(request->wait);
    if (request->http)
        http_cancel(request->http);
    sd_event_source_disable_unref(request->later);
    kc_secret_wipe(&request->authorization);
    free(request->path);
    free(request);
    let_next(admin);
}

static void finish(struct admin_request *request, enum kc_status status, const char *detail,
    const struct json_object *answer)
{
    admin_done *done = request->done;
    void *userdata = request->userdata;
    request_free(request);
    done(userdata, status, detail, answer);
}

static int on_later(sd_event_source *source, void *userdata)
{
    struct admin_request *request = userdata;
    (void)source;
    finish(request, request->status, "", NULL);
    return 0;
}

static void finish_later(struct admin_request *request, enum kc_status status)
{
    request->status = status;
    if (!request->later &&
        sd_event_add_defer(request->admin->realm->event, &request->later, on_later, request) < 0)
        request->later = NULL; /* the deadline of whoever waits ends it */
}

static void read_body(struct admin_request *request, const struct http_answer *answer)
{
    static const struct jose_json_limits limits = {BODY_MAX, 16, 400000};
    JOSE_AUTO_JSON struct json_object *json = NULL;
    enum kc_status status =
        answer->json ? jose_json_parse(answer->body.bytes, answer->body.length, &limits, &json)
                     : KC_MALFORMED;
    if (status == KC_OK && json)
        finish(request, KC_OK, "", json);
    else if (status == KC_TOO_LARGE)
        finish(request, KC_ANSWER_TOO_LARGE, "", NULL);
    else
        finish(request, status == KC_NO_MEMORY ? status : KC_ANSWER_NOT_JSON, "", NULL);
}

/* What the realm itself says of what it has not, word for word (24.0.5 and 26.7.0): a gateway has
 * JSON of its own for a path that it does not know just now. */
static bool says_absent(const struct http_answer *answer)
{
    static const char *const words[] = {"User not found", "Could not find group by id",
        "Group path does not exist", "Client not found"};
    JOSE_AUTO_JSON struct json_object *object = NULL;
    const char *error;
    if (answer->status != 404 || !answer->json ||
        jose_json_parse_object(
            answer->body.bytes, answer->body.length, &jose_json_answer_limits, &object) != KC_OK ||
        jose_json_string(object, "error", 256, &error, NULL) != KC_OK)
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strcmp(error, words[i]) == 0)
            return true;
    return false;
}

static void read_refusal(struct admin_request *request, const struct http_answer *answer)
{
    struct admin *admin = request->admin;
    char detail[OAUTH_DETAIL_MAX];
    KC_AUTO_SECRET struct kc_secret token = KC_SECRET_INIT;
    const struct kc_secret *secrets[] = {&token, NULL};
    const size_t skip = strlen("Bearer ");
    if (request->authorization.length > skip)
        (void)kc_secret_set(
            &token, request->authorization.bytes + skip, request->authorization.length - skip);
    enum kc_status status = oauth_error_read(answer, secrets, detail);
    if (answer->status == 401 && !request->refused) {
        request->refused = true;
        service_token_refused(admin->token, &request->authorization);
        begin(request);
        return;
    }
    if (says_absent(answer))
        status = KC_NOT_FOUND;
    if (answer->status == 403)
        status = KC_HTTP_FORBIDDEN;
    if (answer->status >= 500) {
        endpoints_troubled(admin->realm->endpoints, answer->target);
        realm_probe(admin->realm);
    }
    if (!*detail)
        snprintf(detail, sizeof detail, "HTTP %u", answer->status);
    finish(request, status, detail, NULL);
}

static void on_answer(void *userdata, enum kc_status status, struct http_answer *answer)
{
    struct admin_request *request = userdata;
    struct realm *realm = request->admin->realm;
    request->http = NULL;
    if (status == KC_OK && answer->status < 500)
        endpoints_answered(realm->endpoints, answer, false);
    if (status != KC_OK) {
        realm_probe(realm);
        finish(request, endpoints_strict(realm->endpoints, status), answer->error, NULL);
    } else if (answer->status == 200) {
        read_body(request, answer);
    } else {
        read_refusal(request, answer);
    }
}

static enum kc_status get(struct admin_request *request, const struct kc_secret *authorization)
{
    KC_AUTO_SECRET struct kc_secret copy = KC_SECRET_INIT;
    struct admin *admin = request->admin;
    const uint64_t now = clock_us();
    char url[URL_MAX_SIZE];
    if (now + 1000 >= request->deadline_us)
        return KC_TIMED_OUT;
    if (snprintf(url, sizeof url, "%s%s", admin->base, request->path) >= (int)sizeof url)
        return KC_TOO_LARGE;
    enum kc_status status =
        kc_secret_set(&request->authorization, authorization->bytes, authorization->length);
    if (status == KC_OK)
        status = kc_secret_set(&copy, authorization->bytes, authorization->length);
    if (status != KC_OK)
        return status;
    const struct http_peer peer = realm_peer(admin->realm);
    const struct http_spec spec = {
        .url = url,
        .authorization = &copy,
        .multiplex = true,
        .peer = &peer,
        .deadline_ms = (unsigned)((request->deadline_us - now) / 1000),
        .body_limit = BODY_MAX,
    };
    return http_start(admin->realm->http, &spec, on_answer, request, &request->http);
}

static void on_token(void *userdata, enum kc_status status, const char *detail,
    const struct kc_secret *authorization)
{
    struct admin_request *request = userdata;
    (void)detail;
    request->wait = NULL;
    if (status == KC_OK)
        status = get(request, authorization);
    if (status != KC_OK)
        finish_later(request, status);
}

static void begin(struct admin_request *request)
{
    struct service_wait *wait = NULL;
    const enum kc_status status =
        service_token_await(request->admin->token, request->deadline_us, on_token, request, &wait);
    if (status != KC_OK)
        finish_later(request, status);
    else if (wait)
        request->wait = wait;
}

static int on_deadline(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)source, (void)now;
    finish(userdata, KC_TIMED_OUT, "", NULL);
    return 0;
}

enum kc_status admin_get(struct admin *admin, const char *path, uint64_t deadline_us,
    admin_done *done, void *userdata, struct admin_request **ret_request)
{
    if (admin->request_count >= REQUESTS_MAX)
        return KC_BUSY;
    struct admin_request *request = calloc(1, sizeof *request);
    char *copy = strdup(path);
    if (!request || !copy) {
        free(request);
        free(copy);
        return KC_NO_MEMORY;
    }
    *request = (struct admin_request){
        .admin = admin,
        .path = copy,
        .deadline_us = deadline_us,
        .authorization = KC_SECRET_INIT,
        .done = done,
        .userdata = userdata,
    };
    LIST_INSERT_HEAD(&admin->requests, request, link);
    admin->request_count++;
    STAILQ_INSERT_TAIL(&admin->queue, request, next);
    if (admin->begun_count >= AT_ONCE &&
        sd_event_add_time(admin->realm->event, &request->later, CLOCK_MONOTONIC, deadline_us, 1000,
            on_deadline, request) < 0) {
        request_free(request);
        return KC_NO_MEMORY;
    }
    if (ret_request)
        *ret_request = request;
    let_next(admin);
    return KC_OK;
}

void admin_cancel(struct admin_request *request)
{
    request_free(request);
}

enum kc_status admin_base(const char *issuer, char **ret_base)
{
    const char *part = NULL;
    for (const char *next = issuer; (next = strstr(next, "/realms/")); next++)
        part = next;
    if (!part || strchr(part + strlen("/realms/"), '/'))
        return KC_CONFIG_INVALID;
    if (asprintf(ret_base, "%.*s/admin%s", (int)(part - issuer), issuer, part) < 0) {
        *ret_base = NULL;
        return KC_NO_MEMORY;
    }
    return KC_OK;
}

enum kc_status admin_new(struct realm *realm, struct admin **ret_admin)
{
    struct admin *admin = calloc(1, sizeof *admin);
    if (!admin)
        return KC_NO_MEMORY;
    admin->realm = realm;
    STAILQ_INIT(&admin->queue);
    enum kc_status status = admin_base(realm->config->realm.issuer, &admin->base);
    if (status == KC_OK)
        status = service_token_new(realm, &admin->token);
    if (status != KC_OK) {
        admin_free(admin);
        return status;
    }
    *ret_admin = admin;
    return KC_OK;
}

void admin_free(struct admin *admin)
{
    struct admin_request *request;
    if (!admin)
        return;
    while ((request = LIST_FIRST(&admin->requests))) /* the newest: none begins any more */
        finish(request, KC_NOT_READY, "", NULL);
    service_token_free(admin->token);
    free(admin->base);
    free(admin);
}

enum kc_status admin_escape(const char *text, char *path, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t length = strnlen(path, size);
    for (; *text; text++) {
        const unsigned char byte = (unsigned char)*text;
        const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                           (byte >= '0' && byte <= '9') || strchr("-._~", byte);
        if (length + 4 > size)
            return KC_TOO_LARGE;
        if (plain) {
            path[length++] = (char)byte;
        } else {
            path[length++] = '%';
            path[length++] = digits[byte >> 4];
            path[length++] = digits[byte & 15];
        }
        path[length] = '\0';
    }
    return KC_OK;
}
