/*
 * One HTTP request's handle: options, body, limits, targets.
 * Used by http.c.
 * Must never rewind a body: libcurl would POST a grant again when a kept connection dies.
 */
#include "daemon/http_request.h"
#include "daemon/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#define CONNECTION_IDLE_SECONDS 45L /* below the idle limits of common proxies (60 s and more) */
#define CONNECTION_LIFE_SECONDS 600L
#define FORM_BUFFER_BYTES 16384L /* libcurl's least; each POST has one, which is wiped */
#define MULTIPLEX_BYTES_MAX 5500u /* of the Authorization header: path and rest stand beside it */
#define CONNECT_MIN_MS 1000L
#define CONNECT_OTHERS_MS 1500L /* while there are other addresses */
#define CONNECT_MAX_MS 5000L /* a realm that is gone is known to be before a login's time is up */

/*
 * Gives the body once. A second start (libcurl means to send again) ends the transfer; without a
 * seek function a rewind in the middle is CURLE_SEND_FAIL_REWIND.
 */
static size_t read_form(char *to, size_t size, size_t count, void *userdata)
{
    struct http_request *request = userdata;
    size_t room = size * count;
    size_t left = request->form.length - request->form_sent;
    if (request->form_started && request->form_sent == 0)
        return CURL_READFUNC_ABORT;
    request->form_started = true;
    if (left > room)
        left = room;
    if (left)
        memcpy(to, request->form.bytes + request->form_sent, left);
    request->form_sent += left;
    return left;
}

/* libcurl asks for this before it sends a body again: never. */
static int refuse_seek(void *userdata, curl_off_t offset, int origin)
{
    struct http_request *request = userdata;
    if (offset == 0 && origin == SEEK_SET && !request->form_started)
        return CURL_SEEKFUNC_OK;
    request->sent_again = true;
    return CURL_SEEKFUNC_FAIL;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *userdata)
{
    struct http_request *request = userdata;
    size_t length = size * count;
    if (length > request->body_limit - request->body.length) {
        request->wire.too_large = true;
        return 0;
    }
    if (kc_secret_append(&request->body, bytes, length) != KC_OK)
        return 0;
    return length;
}

static void read_retry_after(struct http_request *request, const char *value, size_t length)
{
    int64_t seconds = 0;
    size_t digits = 0;
    for (size_t i = 0; i < length; i++) {
        char c = value[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            continue;
        if (c < '0' || c > '9' || ++digits > 9)
            return;
        seconds = seconds * 10 + (c - '0');
    }
    if (digits)
        request->retry_after = seconds;
}

/* libcurl 7.88 has no limit of its own for headers and interim answers. */
static size_t take_header(char *bytes, size_t size, size_t count, void *userdata)
{
    static const char retry_after[] = "retry-after:";
    struct http_request *request = userdata;
    size_t length = size * count;
    if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        request->answers++;
        request->retry_after = -1;
    }
    request->header_count++;
    request->header_bytes += length;
    if (request->answers > HTTP_INTERIM_MAX + 1 || request->header_count > HTTP_HEADERS_MAX ||
        request->header_bytes > HTTP_HEADER_BYTES_MAX) {
        request->wire.too_large = true;
        return 0;
    }
    size_t name = sizeof(retry_after) - 1;
    if (length > name && strncasecmp(bytes, retry_after, name) == 0)
        read_retry_after(request, bytes + name, length - name);
    return length;
}

/* Chunked bytes can be many and hold nothing: what is taken in is counted before it is unpacked. */
static void count_wire(struct http_request *request, size_t length)
{
    request->wire_bytes += length;
    if (request->wire_bytes > 2 * request->body_limit + 2 * HTTP_HEADER_BYTES_MAX)
        request->wire.too_large = true;
}

/* Only to know what went over the wire; the bytes themselves are not looked at. */
static int watch_wire(CURL *easy, curl_infotype type, char *bytes, size_t length, void *userdata)
{
    struct http_request *request = userdata;
    (void)easy;
    (void)bytes;
    if (!length)
        return 0;
    if (type == CURLINFO_HEADER_OUT || type == CURLINFO_DATA_OUT)
        request->wire.sent = true;
    if (type == CURLINFO_HEADER_IN || type == CURLINFO_DATA_IN || type == CURLINFO_SSL_DATA_IN)
        request->wire.received = true;
    if (type == CURLINFO_HEADER_IN || type == CURLINFO_DATA_IN)
        count_wire(request, length);
    return 0;
}

/* libcurl asks again and again whether to go on. */
static int go_on(
    void *userdata, curl_off_t to_get, curl_off_t got, curl_off_t to_send, curl_off_t sent)
{
    const struct http_request *request = userdata;
    (void)to_get;
    (void)got;
    (void)to_send;
    (void)sent;
    return request->wire.too_large ? 1 : 0;
}

/* libcurl takes a socket that cannot be made for a server that cannot be reached. */
static curl_socket_t open_socket(
    void *userdata, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_request *request = userdata;
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0)
        return fd;
    request->wire.no_room = kc_status_from_errno(errno) != KC_SYSTEM;
    return CURL_SOCKET_BAD;
}

/* The same of a name: its resolver needs a descriptor and a thread. */
static bool resolver_starved(const struct http_request *request)
{
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return errno == EMFILE;
    close(fd);
    return strstr(request->error, "thread failed to start");
}

enum kc_status http_request_judge(struct http_request *request, int curl_code)
{
    if (curl_code == CURLE_COULDNT_RESOLVE_HOST && resolver_starved(request))
        request->wire.no_room = true;
    if (http_refused_memory() && curl_code == CURLE_OUT_OF_MEMORY)
        return KC_NO_MEMORY;
    return http_translate(curl_code, &request->wire);
}

/* Host and port of the URL left open: every one goes there. */
#define TARGET_HEAD "::"

static bool copy_targets(struct http_request *request, const char *const *targets)
{
    size_t count = 0;
    while (targets && targets[count] && count < HTTP_TARGETS_MAX)
        count++;
    if (!count)
        return true;
    request->targets = calloc(count + 1, sizeof(*request->targets));
    if (!request->targets)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (asprintf(&request->targets[i], TARGET_HEAD "%s", targets[i]) < 0) {
            request->targets[i] = NULL;
            return false;
        }
        request->target_count++;
    }
    return true;
}

static bool add_header(struct http_request *request, const char *line)
{
    struct curl_slist *longer = curl_slist_append(request->headers, line);
    if (longer)
        request->headers = longer;
    return longer;
}

static bool add_headers(struct http_request *request, const struct http_spec *spec)
{
    if (!add_header(request, "Accept: application/json") || !add_header(request, "Expect:"))
        return false;
    if (spec->put && !add_header(request, "Content-Type: application/json"))
        return false;
    if (spec->authorization && spec->authorization->length) {
        static const char name[] = "Authorization: ";
        KC_AUTO_SECRET struct kc_secret line = KC_SECRET_INIT;
        if (kc_secret_append(&line, name, sizeof(name) - 1) != KC_OK ||
            kc_secret_append(&line, spec->authorization->bytes, spec->authorization->length) ||
            !add_header(request, kc_secret_text(&line)))
            return false;
    }
    if (spec->forwarded_for) {
        char line[128];
        int length = snprintf(line, sizeof(line), "X-Forwarded-For: %s", spec->forwarded_for);
        if (length < 0 || (size_t)length >= sizeof(line) || !add_header(request, line))
            return false;
    }
    return true;
}

/* Each option's result matters: one that is refused would quietly leave a default in force. */
#define SET(option, value) (curl_easy_setopt(easy, option, value) == CURLE_OK)

static bool set_tls(CURL *easy, const struct http_peer *peer)
{
    bool set = SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
               SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L);
    /* An own CA stands alone: the system's folder would still be believed beside it. And it is
     * read for each connection, so that a new file counts at once. */
    if (set && peer->ca_file)
        set = SET(CURLOPT_CAINFO, peer->ca_file) && SET(CURLOPT_CAPATH, NULL) &&
              SET(CURLOPT_CA_CACHE_TIMEOUT, 0L);
    if (set && peer->certificate_file && peer->key) {
        struct curl_blob key = {peer->key->bytes, peer->key->length, CURL_BLOB_COPY};
        set = SET(CURLOPT_SSLCERT, peer->certificate_file) && SET(CURLOPT_SSLKEY_BLOB, &key);
    }
    return set;
}

static bool set_scope(CURL *easy, const struct http_spec *spec)
{
    const char *schemes = spec->peer->allow_http ? "http,https" : "https";
    return SET(CURLOPT_URL, spec->url) && SET(CURLOPT_PROTOCOLS_STR, schemes) &&
           SET(CURLOPT_REDIR_PROTOCOLS_STR, schemes) && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
           SET(CURLOPT_PROXY, "") && SET(CURLOPT_NOPROXY, "*") &&
           SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) && SET(CURLOPT_HTTP09_ALLOWED, 0L) &&
           SET(CURLOPT_NOSIGNAL, 1L) &&
           SET(CURLOPT_QUICK_EXIT, 1L) && SET(CURLOPT_MAXAGE_CONN, CONNECTION_IDLE_SECONDS) &&
           SET(CURLOPT_MAXLIFETIME_CONN, CONNECTION_LIFE_SECONDS) &&
           SET(CURLOPT_USERAGENT, "kclogin/" PACKAGE_VERSION);
}

/* Keycloak ends HTTP/2's headers at 8 KiB, and HTTP/1.1's at 64. */
static bool set_version(CURL *easy, const struct http_spec *spec)
{
    const bool fits = !spec->authorization || spec->authorization->length < MULTIPLEX_BYTES_MAX;
    if (!spec->multiplex || spec->form || !fits || strncmp(spec->url, "https:", 6) != 0)
        return SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    return SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) && SET(CURLOPT_PIPEWAIT, 1L);
}

static bool set_callbacks(CURL *easy, struct http_request *request)
{
    return SET(CURLOPT_PRIVATE, request) && SET(CURLOPT_ERRORBUFFER, request->error) &&
           SET(CURLOPT_WRITEFUNCTION, take_body) && SET(CURLOPT_WRITEDATA, request) &&
           SET(CURLOPT_HEADERFUNCTION, take_header) && SET(CURLOPT_HEADERDATA, request) &&
           SET(CURLOPT_OPENSOCKETFUNCTION, open_socket) && SET(CURLOPT_OPENSOCKETDATA, request) &&
           SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->body_limit) &&
           SET(CURLOPT_DEBUGFUNCTION, watch_wire) && SET(CURLOPT_DEBUGDATA, request) &&
           SET(CURLOPT_XFERINFOFUNCTION, go_on) && SET(CURLOPT_XFERINFODATA, request) &&
           SET(CURLOPT_NOPROGRESS, 0L) && SET(CURLOPT_VERBOSE, 1L) &&
           SET(CURLOPT_HTTPHEADER, request->headers);
}

static bool set_form(CURL *easy, struct http_request *request)
{
    return SET(CURLOPT_POST, 1L) && SET(CURLOPT_POSTFIELDS, NULL) &&
           SET(CURLOPT_READFUNCTION, read_form) && SET(CURLOPT_READDATA, request) &&
           SET(CURLOPT_UPLOAD_BUFFERSIZE, FORM_BUFFER_BYTES) &&
           SET(CURLOPT_SEEKFUNCTION, refuse_seek) && SET(CURLOPT_SEEKDATA, request) &&
           SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->form.length);
}

static void cleanup_request(struct http_request **request)
{
    if (*request)
        http_request_free(*request);
}

enum kc_status http_request_new(
    const struct http_spec *spec, CURLSH *share, struct http_request **ret_request)
{
    enum kc_status usable = http_url_check(spec->url, spec->peer->allow_http);
    if (usable != KC_OK)
        return usable;
    KC_CLEANUP(cleanup_request) struct http_request *request = calloc(1, sizeof(*request));
    if (!request)
        return KC_NO_MEMORY;
    CURL *easy = request->easy = curl_easy_init();
    request->body_limit = spec->body_limit;
    request->retry_after = -1;
    request->deadline_us = clock_us() + (uint64_t)spec->deadline_ms * 1000U;
    request->is_post = spec->form;
    if (!easy || !copy_targets(request, spec->peer->connect_to) || !add_headers(request, spec))
        return KC_NO_MEMORY;
    if (!set_scope(easy, spec) || !set_version(easy, spec) || !set_tls(easy, spec->peer) || !set_callbacks(easy, request) ||
        !SET(CURLOPT_SHARE, share))
        return KC_SYSTEM;
    if (spec->form) {
        /* The length is set before the form moves, so that a failure leaves it with the caller. */
        request->form = *spec->form;
        if (!set_form(easy, request) || (spec->put && !SET(CURLOPT_CUSTOMREQUEST, "PUT"))) {
            request->form = KC_SECRET_INIT;
            return KC_SYSTEM;
        }
        *spec->form = KC_SECRET_INIT;
    }
    if (spec->authorization)
        kc_secret_wipe(spec->authorization);
    *ret_request = KC_TAKE(request);
    return KC_OK;
}

/* While others are left a silent one gets a part of the time, and never long: an address that is
 * gone costs a login no more than this. */
static long connect_time(const struct http_request *request, long left_ms)
{
    size_t left = request->target_count - request->target_tried;
    if (left < 2)
        return left_ms < CONNECT_MAX_MS ? left_ms : CONNECT_MAX_MS;
    long part = left_ms / (long)left;
    if (part > CONNECT_OTHERS_MS)
        part = CONNECT_OTHERS_MS;
    return part < CONNECT_MIN_MS ? CONNECT_MIN_MS : part;
}

enum kc_status http_request_arm(struct http_request *request)
{
    CURL *easy = request->easy;
    uint64_t now = clock_us();
    if (now + 1000U > request->deadline_us)
        return KC_TIMED_OUT;
    long left_ms = (long)((request->deadline_us - now) / 1000U);
    if (request->target_count) {
        curl_slist_free_all(request->target);
        request->target = curl_slist_append(NULL, request->targets[request->target_tried]);
        if (!request->target || !SET(CURLOPT_CONNECT_TO, request->target))
            return KC_NO_MEMORY;
    }
    bool set = SET(CURLOPT_TIMEOUT_MS, left_ms) &&
               SET(CURLOPT_CONNECTTIMEOUT_MS, connect_time(request, left_ms));
    return set ? KC_OK : KC_SYSTEM;
}

bool http_request_rearm(struct http_request *request, enum kc_status status)
{
    if ((status != KC_UNREACHABLE && status != KC_TLS_FAILED) || request->wire.sent ||
        request->form_started || request->target_tried + 1 >= request->target_count)
        return false;
    if (status != KC_UNREACHABLE)
        request->earlier = status;
    request->target_tried++;
    request->wire.received = false;
    request->error[0] = 0;
    return http_request_arm(request) == KC_OK;
}

static bool type_is_json(const char *type)
{
    static const char application[] = "application/";
    size_t length = type ? strcspn(type, "; \t") : 0;
    size_t prefix = sizeof(application) - 1;
    if (length <= prefix || strncasecmp(type, application, prefix) != 0)
        return false;
    return (length - prefix == 4 && strncasecmp(type + prefix, "json", 4) == 0) ||
           (length > prefix + 5 && strncasecmp(type + length - 5, "+json", 5) == 0);
}

/* libcurl takes the time of the first byte, or of the end where that came instead of one. */
void http_request_note_first_byte(struct http_request *request, CURLcode code)
{
    curl_off_t first_us = 0;
    curl_easy_getinfo(request->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_us);
    if (first_us > 0 && code != CURLE_GOT_NOTHING)
        request->wire.received = true;
}

const char *http_target(const struct http_request *request)
{
    return request->target_count ? request->targets[request->target_tried] + sizeof(TARGET_HEAD) - 1
                                 : NULL;
}

void http_request_collect(struct http_request *request, struct http_answer *ret_answer)
{
    long code = 0, made = 0;
    const char *type = NULL;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_getinfo(request->easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(request->easy, CURLINFO_NUM_CONNECTS, &made);
    if (request->sent_again)
        snprintf(request->error, sizeof(request->error), "the connection ended without an answer");
    for (char *c = request->error; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
            *c = '?';
    *ret_answer = (struct http_answer){.status = code > 0 && code < 1000 ? (unsigned)code : 0,
        .body = kc_secret_take(&request->body),
        .json = type_is_json(type),
        .retry_after = request->retry_after,
        .error = request->error,
        .target = http_target(request),
        .passed_over = request->target_tried,
        .silent = made > 0 && !request->wire.received};
}

void http_request_free(struct http_request *request)
{
    if (request->easy)
        curl_easy_cleanup(request->easy);
    sd_event_source_disable_unref(request->timer);
    curl_slist_free_all(request->headers);
    curl_slist_free_all(request->target);
    for (size_t i = 0; i < request->target_count; i++)
        free(request->targets[i]);
    free(request->targets);
    kc_secret_wipe(&request->form);
    kc_secret_wipe(&request->body);
    free(request);
}
