/*
 * Sending: an answer as it is, or spoilt as a fault says.
 * Used by server.
 * Never spoils what no fault asks for.
 */
#include "realm/send.h"

#include "common/cleanup.h"
#include "realm/text.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { STEP_MS = 20, RAW_LIMIT = 64 << 20 };

bool realm_send_instead(enum realm_fault_kind kind)
{
    switch (kind) {
    case REALM_FAULT_STATUS:
    case REALM_FAULT_HANG:
    case REALM_FAULT_CUT:
    case REALM_FAULT_ENDLESS_BODY:
    case REALM_FAULT_ENDLESS_HEADERS:
    case REALM_FAULT_INTERIM:
    case REALM_FAULT_GARBAGE:
    case REALM_FAULT_OVERSIZE:
    case REALM_FAULT_EMPTY:
    case REALM_FAULT_REDIRECT:
        return true;
    default:
        return false;
    }
}

static bool goes_on(struct realm_server *server, unsigned resets)
{
    return !server->stopping && server->resets == resets;
}

void realm_send_wait(struct realm_server *server, int64_t ms)
{
    unsigned resets = server->resets;
    for (int64_t left = ms; left > 0 && goes_on(server, resets); left -= STEP_MS) {
        int64_t step = left < STEP_MS ? left : STEP_MS;
        struct timespec pause = {0, step * 1000000};
        nanosleep(&pause, NULL);
    }
}

static int socket_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

/* Until the caller has gone, the server stops or is reset. */
static void hang(struct realm_server *server, struct MHD_Connection *connection)
{
    unsigned resets = server->resets;
    struct pollfd peer = {.fd = socket_of(connection), .events = POLLRDHUP};
    while (goes_on(server, resets) && poll(&peer, 1, STEP_MS) == 0)
        continue;
}

/* Bytes past the HTTP library: straight to the socket, or through the TLS session. */
static bool raw(struct MHD_Connection *connection, const char *bytes, size_t length)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    struct pollfd peer = {.fd = socket_of(connection), .events = POLLOUT};
    while (length > 0) {
        ssize_t sent = info != NULL ? gnutls_record_send(info->tls_session, bytes, length)
                                    : send(peer.fd, bytes, length, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
            continue;
        }
        bool later = info != NULL ? sent == GNUTLS_E_AGAIN || sent == GNUTLS_E_INTERRUPTED
                                  : errno == EAGAIN || errno == EINTR;
        if (!later || poll(&peer, 1, 1000) <= 0 || (peer.revents & (POLLERR | POLLHUP)) != 0)
            return false;
    }
    return true;
}

static void endless(struct realm_server *server, struct MHD_Connection *connection,
    const char *first, const char *again)
{
    unsigned resets = server->resets;
    size_t length = strlen(again), sent = strlen(first);
    bool open = raw(connection, first, sent);
    while (open && sent < RAW_LIMIT && goes_on(server, resets)) {
        open = raw(connection, again, length);
        sent += length;
    }
}

static ssize_t endless_body(void *server, uint64_t at, char *buffer, size_t size)
{
    (void)at;
    if (((struct realm_server *)server)->stopping)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    memset(buffer, 'A', size);
    return (ssize_t)size;
}

struct half {
    char *body;
    size_t length;
};

static ssize_t half_body(void *userdata, uint64_t at, char *buffer, size_t size)
{
    struct half *half = userdata;
    size_t left = at < half->length / 2 ? half->length / 2 - (size_t)at : 0;
    if (left == 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size = size < left ? size : left;
    memcpy(buffer, half->body + at, size);
    return (ssize_t)size;
}

static void free_half(void *userdata)
{
    struct half *half = userdata;
    free(half->body);
    free(half);
}

static struct MHD_Response *half_response(const struct realm_answer *answer)
{
    struct half *half = realm_text_room(1, sizeof(*half));
    half->length = answer->length;
    half->body = realm_text_room(answer->length + 1, 1);
    if (answer->body != NULL)
        memcpy(half->body, answer->body, answer->length);
    return MHD_create_response_from_callback(answer->length, 1024, half_body, half, free_half);
}

static void put(struct MHD_Response *response, const char *name, const char *value)
{
    if (value != NULL)
        MHD_add_response_header(response, name, value);
}

/* What every answer of Keycloak's carries, and the answer's own headers. */
static void put_headers(struct MHD_Response *response, const struct realm_answer *answer)
{
    put(response, "Content-Type", answer->type);
    put(response, "Cache-Control", answer->cache);
    put(response, "Pragma", answer->pragma ? "no-cache" : NULL);
    put(response, "Referrer-Policy", "no-referrer");
    put(response, "Strict-Transport-Security", "max-age=31536000; includeSubDomains");
    put(response, "X-Content-Type-Options", "nosniff");
    put(response, "X-Frame-Options", "SAMEORIGIN");
}

static enum MHD_Result queue(
    struct MHD_Connection *connection, unsigned status, struct MHD_Response *response)
{
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result send_status(
    struct MHD_Connection *connection, const struct realm_fault *fault)
{
    const char *body = realm_json_text(fault->document, "body", "");
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
    put(response, "Content-Type", realm_json_text(fault->document, "type", NULL));
    struct json_object *headers = realm_json_member(fault->document, "headers");
    if (json_object_is_type(headers, json_type_object)) {
        json_object_object_foreach(headers, name, value)
        {
            put(response, name, json_object_get_string(value));
        }
    }
    return queue(connection, fault->status, response);
}

static enum MHD_Result send_redirect(
    struct MHD_Connection *connection, const struct realm_fault *fault)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    put(response, "Location", realm_json_text(fault->document, "location", "http://127.0.0.1:9/"));
    return queue(connection, 307, response);
}

/* A JSON object of the size asked for, with one long text in it. */
static enum MHD_Result send_oversize(struct MHD_Connection *connection, size_t size)
{
    static const char first[] = "{\"access_token\":\"", last[] = "\"}";
    size_t frame = sizeof(first) + sizeof(last) - 2;
    size = size < frame ? frame : size < RAW_LIMIT ? size : RAW_LIMIT;
    char *body = realm_text_room(size + 1, 1);
    memset(body, 'A', size);
    memcpy(body, first, sizeof(first) - 1);
    memcpy(body + size - (sizeof(last) - 1), last, sizeof(last) - 1);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE);
    put(response, "Content-Type", "application/json");
    return queue(connection, 200, response);
}

static enum MHD_Result send_instead(
    struct realm_server *server, struct MHD_Connection *connection, const struct realm_fault *fault)
{
    struct MHD_Response *response;
    switch (fault->kind) {
    case REALM_FAULT_STATUS:
        return send_status(connection, fault);
    case REALM_FAULT_REDIRECT:
        return send_redirect(connection, fault);
    case REALM_FAULT_OVERSIZE:
        return send_oversize(connection, (size_t)fault->size);
    case REALM_FAULT_EMPTY:
        response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        return queue(connection, 200, response);
    case REALM_FAULT_ENDLESS_BODY:
        response =
            MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32768, endless_body, server, NULL);
        put(response, "Content-Type", "application/json");
        return queue(connection, 200, response);
    case REALM_FAULT_ENDLESS_HEADERS:
        endless(
            server, connection, "HTTP/1.1 200 OK\r\n", "X-Filler: AAAAAAAAAAAAAAAAAAAAAAAA\r\n");
        return MHD_NO;
    case REALM_FAULT_INTERIM:
        endless(server, connection, "", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
        return MHD_NO;
    case REALM_FAULT_GARBAGE:
        raw(connection, "\x16\x03\x01 not a line of HTTP\n\n\n", 24);
        return MHD_NO;
    case REALM_FAULT_HANG:
        hang(server, connection);
        return MHD_NO;
    default: /* cut */
        return MHD_NO;
    }
}

enum MHD_Result realm_send(struct realm_server *server, struct MHD_Connection *connection,
    struct realm_answer *answer, const struct realm_fault *fault)
{
    if (realm_send_instead(fault->kind))
        return send_instead(server, connection, fault);
    if (answer->body == NULL && answer->json != NULL) {
        answer->body = realm_text_copy(json_object_to_json_string_ext(
            answer->json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        answer->length = strlen(answer->body);
    }
    struct MHD_Response *response =
        fault->kind == REALM_FAULT_HALF
            ? half_response(answer)
            : MHD_create_response_from_buffer(answer->length, answer->body, MHD_RESPMEM_MUST_COPY);
    put_headers(response, answer);
    return queue(connection, answer->status, response);
}
