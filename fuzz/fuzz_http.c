/*
 * Fuzz target: a server's bytes, read by libcurl with the daemon's limits around it.
 * The first byte says whether a form is posted (1) and whether the body's limit is small (2).
 * No header, interim answer or body goes past its limit, and no body is sent twice.
 */
#include "daemon/http_request.h"
#include "fuzz/target.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)80 * 1024) /* fits into the socket's buffer */
#define SMALL_BODY 64
#define BODY ((size_t)64 * 1024)
#define FORM "grant_type=password&username=ada"

/* The connection that libcurl would make: it is there already, and the answer lies in it. */
static curl_socket_t give_socket(
    void *userdata, curlsocktype purpose, struct curl_sockaddr *address)
{
    int *end = userdata, given = *end;
    (void)purpose;
    (void)address;
    *end = -1;
    return given < 0 ? CURL_SOCKET_BAD : given;
}

static int is_connected(void *userdata, curl_socket_t fd, curlsocktype purpose)
{
    (void)userdata;
    (void)fd;
    (void)purpose;
    return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static struct http_request *make(bool post, size_t body_limit)
{
    static const struct http_peer peer = {.allow_http = true};
    struct http_request *request = NULL;
    struct kc_secret form = KC_SECRET_INIT;
    FUZZ_MUST(kc_secret_set(&form, FORM, sizeof(FORM) - 1) == KC_OK);
    struct http_spec spec = {.url = "http://127.0.0.1/token",
        .form = post ? &form : NULL,
        .peer = &peer,
        .deadline_ms = 5000,
        .body_limit = body_limit};
    FUZZ_MUST(http_request_new(&spec, NULL, &request) == KC_OK);
    kc_secret_wipe(&form);
    return request;
}

/* How often the body went over the wire: once at most. */
static void look_at_what_was_sent(int fd)
{
    static char sent[64 * 1024];
    ssize_t got = recv(fd, sent, sizeof(sent), MSG_DONTWAIT);
    const char *first = got > 0 ? memmem(sent, (size_t)got, FORM, sizeof(FORM) - 1) : NULL;
    FUZZ_MUST(got < (ssize_t)sizeof(sent));
    if (first)
        FUZZ_MUST(!memmem(first + 1, (size_t)(sent + got - first - 1), FORM, sizeof(FORM) - 1));
}

static void look_at_answer(struct http_request *request, CURLcode code)
{
    struct http_answer answer;
    enum kc_status status = http_translate((int)code, &request->wire);
    FUZZ_MUST((status == KC_OK) == (code == CURLE_OK));
    FUZZ_MUST(!request->wire.too_large || status == KC_ANSWER_TOO_LARGE);
    http_request_collect(request, &answer);
    FUZZ_MUST(answer.status < 1000 && answer.body.length <= request->body_limit);
    FUZZ_MUST(status != KC_OK || (request->header_count <= HTTP_HEADERS_MAX &&
                                     request->header_bytes <= HTTP_HEADER_BYTES_MAX &&
                                     request->answers <= HTTP_INTERIM_MAX + 1));
    FUZZ_MUST(answer.retry_after >= -1 && answer.retry_after <= 999999999);
    for (const char *c = answer.error; *c; c++)
        FUZZ_MUST(*c >= 0x20 && *c <= 0x7e);
    kc_secret_wipe(&answer.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static bool started;
    int ends[2];
    if (length < 1 || length > ANSWER_MAX)
        return 0;
    FUZZ_MUST(started || http_global_init() == KC_OK);
    started = true;
    FUZZ_MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    FUZZ_MUST(send(ends[1], bytes + 1, length - 1, MSG_DONTWAIT) == (ssize_t)length - 1);
    FUZZ_MUST(shutdown(ends[1], SHUT_WR) == 0);
    struct http_request *request = make(bytes[0] & 1, bytes[0] & 2 ? SMALL_BODY : BODY);
    CURL *easy = request->easy;
    FUZZ_MUST(curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, give_socket) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &ends[0]) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, is_connected) == CURLE_OK);
    FUZZ_MUST(http_request_arm(request) == KC_OK);
    CURLcode code = curl_easy_perform(easy);
    look_at_what_was_sent(ends[1]);
    look_at_answer(request, code);
    http_request_free(request);
    if (ends[0] >= 0)
        close(ends[0]);
    close(ends[1]);
    return 0;
}
