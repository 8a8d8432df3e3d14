/*
 * The HTTP server: takes requests, finds their endpoint, sends answers, spoilt ones too.
 * Used by main; send and control see its inside.
 * Never listens beyond the loopback.
 */
#include "realm/server.h"

#include "common/cleanup.h"
#include "realm/control.h"
#include "realm/listen.h"
#include "realm/route.h"
#include "realm/send.h"
#include "realm/text.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONNECTION_LIMIT = 512, IDLE_SECONDS = 600, HEADER_LIMIT = 131072 };

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
static void run(struct realm_server *server, const struct realm_route *route,
    const struct realm_request *request, struct realm_answer *answer)
{
    enum realm_fault_kind kind = request->fault.kind;
    if (realm_send_instead(kind) && !request->fault.process)
        return;
    struct realm *realm = server->realm;
    pthread_mutex_lock(&realm->lock);
    if (realm->policy.https_required && !request->tls)
        realm_answer_error(answer, 403, "invalid_request", "HTTPS required");
    else
        route->run(realm, request, answer);
    pthread_mutex_unlock(&realm->lock);
    if (route->endpoint != REALM_ENDPOINT_TOKEN)
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

/* A body of any other kind is as good as none. */
static enum kc_status read_form(
    const struct incoming *incoming, const char *type, struct realm_form *ret_form)
{
    static const char form[] = "application/x-www-form-urlencoded";
    if (incoming->too_large)
        return KC_TOO_LARGE;
    if (type == NULL || incoming->body == NULL || strncmp(type, form, strlen(form)) != 0)
        return KC_OK;
    return realm_form_read(incoming->body, incoming->length, ret_form);
}

/* One of the query's parameters; a broken escape leaves it out. */
static enum MHD_Result add_parameter(
    void *userdata, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct realm_form *query = userdata;
    (void)kind;
    char *plain_name KC_AUTO_FREE = NULL, *plain_value KC_AUTO_FREE = NULL;
    if (value == NULL)
        value = "";
    if (query->count == REALM_FORM_FIELD_LIMIT ||
        !realm_form_decode(name, strlen(name), &plain_name) ||
        !realm_form_decode(value, strlen(value), &plain_value))
        return MHD_YES;
    query->fields = realm_text_grow(query->fields, query->count + 1, sizeof(*query->fields));
    query->fields[query->count].name = KC_TAKE(plain_name);
    query->fields[query->count++].value = KC_TAKE(plain_value);
    return MHD_YES;
}

/* What reaches no endpoint. */
static void refuse(const struct realm_server *server, enum kc_status status,
    const struct realm_route *route, const char *url, const char *accept,
    struct realm_answer *answer)
{
    if (status == KC_TOO_LARGE)
        realm_answer_fault(server->realm, answer, 413, "HTTP 413 Request Entity Too Large");
    else if (status != KC_OK)
        realm_answer_unknown(server->realm, answer);
    else
        realm_route_none(server->realm, server->path, url, route, accept, answer);
}

static enum MHD_Result answer_request(struct realm_server *server,
    struct MHD_Connection *connection, const char *url, const char *method,
    struct incoming *incoming)
{
    const struct realm_route *route = realm_route_find(server->realm, server->path, url);
    enum realm_endpoint endpoint = route ? route->endpoint : REALM_ENDPOINT_OTHER;
    const char *word = realm_endpoint_word(endpoint);
    struct realm_answer answer = {0};
    char *base KC_AUTO_FREE = base_of(server, connection);
    char *subject KC_AUTO_FREE = NULL, *issuer KC_AUTO_FREE = NULL;
    read_peer(server, connection, &subject, &issuer);
    struct realm_request request = {
        .method = method,
        .below = realm_route_admin(server->path, url),
        .base = base,
        .authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION),
        .dpop = header(connection, "DPoP"),
        .origin = header(connection, "Origin"),
        .certificate_subject = subject,
        .certificate_issuer = issuer,
        .address = "127.0.0.1",
        .body = incoming->body,
        .tls = server->tls != NULL,
    };
    server->counts.requests[endpoint]++;
    enum kc_status status =
        read_form(incoming, header(connection, MHD_HTTP_HEADER_CONTENT_TYPE), &request.form);
    if (request.below != NULL)
        MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_parameter, &request.query);
    pthread_mutex_lock(&server->realm->lock);
    request.fault =
        realm_fault_take(server->realm, word, realm_form_value(&request.form, "username"));
    pthread_mutex_unlock(&server->realm->lock);
    realm_send_wait(server, request.fault.delay_ms);
    if (status != KC_OK || route == NULL || !realm_route_takes(server->realm, route, method))
        refuse(server, status, route, url, header(connection, MHD_HTTP_HEADER_ACCEPT), &answer);
    else
        run(server, route, &request, &answer);
    if (request.below != NULL)
        realm_route_page(header(connection, MHD_HTTP_HEADER_ACCEPT), &answer);
    write_log(server, word, method, &request, &answer);
    enum MHD_Result result = realm_send(server, connection, &answer, &request.fault);
    realm_answer_free(&answer);
    realm_fault_release(&request.fault);
    realm_form_free(&request.form);
    realm_form_free(&request.query);
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
    server->stopping = server->realm->ending = true;
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
    free(server->base);
    server->base = NULL;
}
