/*
 * The HTTP server: takes requests, finds their endpoint, sends answers, spoilt ones too.
 * Used by main; send and control see its inside.
 * Never listens beyond the loopback.
 */
#include "realm/server.h"

#include "common/cleanup.h"
#include "realm/control.h"
#include "realm/discovery.h"
#include "realm/listen.h"
#include "realm/logout.h"
#include "realm/send.h"
#include "realm/text.h"
#include "realm/token.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONNECTION_LIMIT = 512, IDLE_SECONDS = 600, HEADER_LIMIT = 131072 };

typedef void endpoint_function(
    struct realm *realm, const struct realm_request *request, struct realm_answer *answer);

static const struct {
    const char *path; /* below /realms/NAME */
    enum realm_endpoint endpoint;
    bool get, post;
    endpoint_function *run;
} routes[] = {
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

enum { ROUTE_COUNT = sizeof(routes) / sizeof(*routes) };

static const char *const words[] = {
#define REALM_ENDPOINT_WORD(name, word) word,
    REALM_ENDPOINT_LIST(REALM_ENDPOINT_WORD)
#undef REALM_ENDPOINT_WORD
};

const char *realm_endpoint_word(enum realm_endpoint endpoint)
{
    return words[endpoint];
}

/* A request while its body comes in. */
struct incoming {
    char *body;
    size_t length;
    bool too_large;
};

static bool append(struct incoming *incoming, const char *bytes, size_t length)
{
    if (length > REALM_FORM_BODY_LIMIT - incoming->length) {
        incoming->too_large = true;
        return false;
    }
    incoming->body = realm_text_grow(incoming->body, incoming->length + length + 1, 1);
    memcpy(incoming->body + incoming->length, bytes, length);
    incoming->length += length;
    incoming->body[incoming->length] = '\0';
    return true;
}

/* What follows /realms/NAME; NULL with *ret_known whether the path leads to realms at all. */
static const char *below_realm(
    const struct realm_server *server, const char *url, bool *ret_known, bool *ret_realm)
{
    size_t length = strlen(server->path), name = strlen(server->realm->name);
    *ret_known =
        strncmp(url, server->path, length) == 0 && strncmp(url + length, "/realms/", 8) == 0;
    if (!*ret_known)
        return NULL;
    const char *rest = url + length + 8;
    *ret_realm =
        strncmp(rest, server->realm->name, name) == 0 && (rest[name] == '/' || rest[name] == '\0');
    return *ret_realm ? rest + name : NULL;
}

/* One slash at the end does no harm. */
static size_t route_of(const char *below)
{
    size_t i = 0, length = strlen(below);
    if (length > 0 && below[length - 1] == '/')
        length--;
    while (i < ROUTE_COUNT &&
           (strlen(routes[i].path) != length || memcmp(routes[i].path, below, length) != 0))
        i++;
    return i;
}

/* 26 answers HEAD where it answers GET. */
static bool allowed(const struct realm_server *server, size_t route, const char *method)
{
    return (routes[route].get &&
               (strcmp(method, "GET") == 0 ||
                   (server->realm->like != REALM_LIKE_24 && strcmp(method, "HEAD") == 0))) ||
           (routes[route].post && strcmp(method, "POST") == 0);
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

static void no_route(struct realm_server *server, const char *url, enum realm_endpoint endpoint,
    struct realm_answer *answer)
{
    bool known = false, realm = false;
    below_realm(server, url, &known, &realm);
    bool method = endpoint != REALM_ENDPOINT_OTHER && endpoint != REALM_ENDPOINT_DISCOVERY;
    if (server->realm->like != REALM_LIKE_24 && !normal(url)) {
        realm_answer_error(answer, 400, "missingNormalization", "Request path not normalized");
        answer->type = "application/json; charset=UTF-8";
        return;
    }
    realm_answer_fault(server->realm, answer, method ? 405 : 404,
        !known    ? "Unable to find matching target resource method"
        : !realm  ? "Realm does not exist"
        : !method ? "HTTP 404 Not Found"
                  : "HTTP 405 Method Not Allowed");
}

/* Keycloak's error handler has a page for browsers. */
static void prefer_page(struct realm_answer *answer, const char *accept)
{
    static const char page[] =
        "<!DOCTYPE html>\n<html lang=\"en\"><body>We are sorry...</body></html>\n";
    if (answer->json == NULL || accept == NULL || strncmp(accept, "text/html", 9) != 0)
        return;
    answer->body = realm_text_copy(page);
    answer->length = strlen(page);
    answer->type = "text/html;charset=utf-8";
}

static char *base_of(const struct realm_server *server, struct MHD_Connection *connection)
{
    const char *host =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    return host == NULL
               ? realm_text_copy(server->base)
               : realm_text_format("%s://%s%s", server->tls ? "https" : "http", host, server->path);
}

static void read_peer(struct realm_server *server, struct MHD_Connection *connection,
    char **ret_subject, char **ret_issuer)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info != NULL && server->tls != NULL && server->tls->client_authority != NULL)
        realm_tls_peer(info->tls_session, server->tls->client_authority, ret_subject, ret_issuer);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Runs the endpoint, unless a fault takes the place of its answer. */
static void run(struct realm_server *server, size_t route, const struct realm_request *request,
    struct realm_answer *answer)
{
    enum realm_fault_kind kind = request->fault.kind;
    if (realm_send_instead(kind) && !request->fault.process)
        return;
    struct realm *realm = server->realm;
    pthread_mutex_lock(&realm->lock);
    if (realm->policy.https_required && !request->tls)
        realm_answer_error(answer, 403, "invalid_request", "HTTPS required");
    else
        routes[route].run(realm, request, answer);
    pthread_mutex_unlock(&realm->lock);
    if (routes[route].endpoint != REALM_ENDPOINT_TOKEN)
        return;
    answer->cache = "no-store";
    answer->pragma = true;
    if (answer->status == 200)
        server->counts.tokens++;
}

/* One line; what came from outside is cut and freed of control characters. */
static void write_log(struct realm_server *server, const char *word, const char *method,
    const struct realm_request *request, const struct realm_answer *answer)
{
    char note[sizeof(answer->note)];
    memcpy(note, answer->note, sizeof(note));
    for (char *c = note; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    flockfile(server->log);
    fprintf(server->log, "%s %s %u fault=%d %s\n", method, word, answer->status,
        (int)request->fault.kind, note);
    fflush(server->log);
    funlockfile(server->log);
}

static enum MHD_Result answer_request(struct realm_server *server,
    struct MHD_Connection *connection, const char *url, const char *method,
    struct incoming *incoming)
{
    bool known = false, named = false;
    const char *below = below_realm(server, url, &known, &named);
    size_t route = below ? route_of(below) : ROUTE_COUNT;
    enum realm_endpoint endpoint =
        route < ROUTE_COUNT ? routes[route].endpoint : REALM_ENDPOINT_OTHER;
    struct realm_answer answer = {0};
    char *base KC_AUTO_FREE = base_of(server, connection);
    char *subject KC_AUTO_FREE = NULL, *issuer KC_AUTO_FREE = NULL;
    read_peer(server, connection, &subject, &issuer);
    struct realm_request request = {
        .method = method,
        .base = base,
        .authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
        .dpop = header(connection, "DPoP"),
        .origin = header(connection, "Origin"),
        .certificate_subject = subject,
        .certificate_issuer = issuer,
        .address = "127.0.0.1",
        .tls = server->tls != NULL,
    };
    server->counts.requests[endpoint]++;
    const char *type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
    enum kc_status status =
        incoming->too_large ? KC_TOO_LARGE
        : type != NULL && strncmp(type, "application/x-www-form-urlencoded", 33) == 0
            ? realm_form_read(incoming->body ? incoming->body : "", incoming->length, &request.form)
            : KC_OK;
    pthread_mutex_lock(&server->realm->lock);
    request.fault = realm_fault_take(
        server->realm, words[endpoint], realm_form_value(&request.form, "username"));
    pthread_mutex_unlock(&server->realm->lock);
    realm_send_wait(server, request.fault.delay_ms);
    if (status == KC_TOO_LARGE)
        realm_answer_fault(server->realm, &answer, 413, "HTTP 413 Request Entity Too Large");
    else if (status != KC_OK)
        realm_answer_unknown(server->realm, &answer);
    else if (route == ROUTE_COUNT || !allowed(server, route, method))
        no_route(server, url, endpoint, &answer);
    else
        run(server, route, &request, &answer);
    if (route == ROUTE_COUNT)
        prefer_page(&answer, header(connection, MHD_HTTP_HEADER_ACCEPT));
    write_log(server, words[endpoint], method, &request, &answer);
    enum MHD_Result result = realm_send(server, connection, &answer, &request.fault);
    realm_answer_free(&answer);
    realm_fault_release(&request.fault);
    realm_form_free(&request.form);
    return result;
}

static enum MHD_Result answer_control(struct realm_server *server,
    struct MHD_Connection *connection, const char *method, const char *what,
    const struct incoming *incoming)
{
    struct realm_answer answer = {0};
    struct realm_fault none = {.kind = REALM_FAULT_NONE};
    realm_control(server, method, what, incoming->body ? incoming->body : "", &answer);
    enum MHD_Result result = realm_send(server, connection, &answer, &none);
    realm_answer_free(&answer);
    return result;
}

static enum MHD_Result handle(void *userdata, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_size, void **state)
{
    static const char control[] = "/_control/";
    struct realm_server *server = userdata;
    (void)version;
    if (*state == NULL) {
        *state = realm_text_room(1, sizeof(struct incoming));
        return MHD_YES;
    }
    struct incoming *incoming = *state;
    if (*upload_size > 0) {
        append(incoming, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    if (strncmp(url, control, strlen(control)) == 0)
        return answer_control(server, connection, method, url + strlen(control), incoming);
    return answer_request(server, connection, url, method, incoming);
}

/* Paths and queries stay as they were sent: Keycloak looks at the escapes too. */
static size_t as_sent(void *userdata, struct MHD_Connection *connection, char *text)
{
    (void)userdata;
    (void)connection;
    return strlen(text);
}

static void completed(void *userdata, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode code)
{
    (void)userdata;
    (void)connection;
    (void)code;
    struct incoming *incoming = *state;
    if (incoming != NULL)
        free(incoming->body);
    free(incoming);
    *state = NULL;
}

/* The library has no place for a user's pointer in this hook; there is one server a process. */
static struct realm_server *only;

static int handshake_done(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
    const gnutls_datum_t *message)
{
    (void)session;
    (void)type;
    (void)when;
    (void)message;
    if (incoming)
        only->counts.handshakes++;
    return 0;
}

static void connected(void *userdata, struct MHD_Connection *connection, void **state,
    enum MHD_ConnectionNotificationCode code)
{
    struct realm_server *server = userdata;
    (void)state;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        server->counts.open--;
        return;
    }
    server->counts.connections++;
    server->counts.open++;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info != NULL && server->tls != NULL)
        gnutls_handshake_set_hook_function(
            info->tls_session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, handshake_done);
}

enum kc_status realm_server_start(struct realm_server *server, const char *address, uint16_t port)
{
    int fd KC_AUTO_CLOSE = -1;
    char *host KC_AUTO_FREE = NULL;
    enum kc_status status = realm_listen(address, port, &fd, &host);
    if (status != KC_OK)
        return status;
    server->base =
        realm_text_format("%s://%s%s", server->tls ? "https" : "http", host, server->path);
    only = server;
    struct MHD_OptionItem tls_options[] = {{MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}};
    if (server->tls != NULL) {
        tls_options[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, server->tls->key};
        tls_options[1] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, server->tls->certificate};
        if (server->tls->client_authority != NULL)
            tls_options[2] = (struct MHD_OptionItem){
                MHD_OPTION_HTTPS_MEM_TRUST, 0, server->tls->client_authority};
    }
    server->daemon = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION |
                                          MHD_USE_ITC | (server->tls ? MHD_USE_TLS : 0U),
        port, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTION_LIMIT, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_LIMIT, MHD_OPTION_NOTIFY_COMPLETED,
        completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, connected, server,
        MHD_OPTION_UNESCAPE_CALLBACK, as_sent, NULL, MHD_OPTION_ARRAY, tls_options, MHD_OPTION_END);
    if (server->daemon == NULL)
        return KC_SYSTEM;
    (void)KC_TAKE_FD(fd); /* the daemon closes it */
    return KC_OK;
}

void realm_server_stop(struct realm_server *server)
{
    server->stopping = true;
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
    free(server->base);
    server->base = NULL;
}
