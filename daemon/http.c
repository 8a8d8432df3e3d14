/*
 * The multi handle in the event loop: sockets, one timer, the end of requests.
 * Used by realm.c and grant.c through http.h; one request's own matters are in http_request.c.
 * Must never call a callback from within http_start, nor wait for anything.
 */
#include "daemon/http.h"
#include "daemon/http_request.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

#define REQUESTS_MAX 256
#define CONNECTIONS_MAX 64L
#define HOST_CONNECTIONS_MAX 32L /* one address that hangs leaves some for the others */
#define STREAMS_MAX 64L /* of a connection; more open another, so fewer are asked for at once */
#define CONNECTIONS_KEPT HOST_CONNECTIONS_MAX /* after a burst nobody pays a handshake twice */
#define UNWATCHED_US 20000u
#define DEADLINE_SLACK_US 200000u /* libcurl's own end of a request comes first */

struct http {
    unsigned references; /* the owner's and one for each request */
    sd_event *event;
    CURLM *multi;
    CURLSH *share; /* TLS sessions: a new connection resumes */
    sd_event_source *timer;
    sd_event_source *ended; /* runs once when requests ended outside the loop's callbacks */
    sd_event_source *unwatched_timer;
    int unwatched[CONNECTIONS_MAX + CONNECTIONS_KEPT]; /* sockets that the loop had no room for */
    size_t unwatched_count;
    struct http_request *requests;
    size_t running;
};

static void unlink_request(struct http_request *request)
{
    struct http *http = request->http;
    if (request->by_loop)
        curl_multi_remove_handle(http->multi, request->easy);
    request->by_loop = false;
    if (request->previous)
        request->previous->next = request->next;
    else
        http->requests = request->next;
    if (request->next)
        request->next->previous = request->previous;
    http->running--;
}

/* Another target, where this one made no connection: nothing was sent, so nothing is sent twice. */
static bool try_next_target(struct http *http, struct http_request *request, enum kc_status status)
{
    if (!http_request_rearm(request, status))
        return false;
    request->by_loop = curl_multi_add_handle(http->multi, request->easy) == CURLM_OK;
    return request->by_loop;
}

static void request_done(struct http *http, struct http_request *request, enum kc_status status)
{
    curl_multi_remove_handle(http->multi, request->easy);
    request->by_loop = false;
    if (try_next_target(http, request, status))
        return;
    if (status == KC_UNREACHABLE && request->earlier != KC_OK)
        status = request->earlier; /* no byte came from this one, but from another */
    struct http_answer answer;
    http_request_collect(request, &answer);
    unlink_request(request);
    request->done(request->userdata, status, &answer);
    kc_secret_wipe(&answer.body);
    http_request_free(request);
    http_unref(http);
}

/* Ends what is done; a callback may start, cancel and drop whatever it likes meanwhile. */
static void reap(struct http *http)
{
    CURLMsg *message;
    int left;
    http->references++; /* held until the end; lint: -Wanalyzer-use-after-free */
    while ((message = curl_multi_info_read(http->multi, &left))) {
        struct http_request *request = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
        http_request_note_first_byte(request, code);
        request_done(http, request, http_request_judge(request, (int)code));
    }
    http_unref(http);
}

/* libcurl's time begins when a connection is free: until then this is the only one that counts. */
static int on_deadline(sd_event_source *source, uint64_t now, void *userdata)
{
    struct http_request *request = userdata;
    (void)source;
    (void)now;
    if (!request->error[0])
        snprintf(request->error, sizeof(request->error), "no connection was free in time");
    request_done(request->http, request, request->wire.sent ? KC_UNANSWERED : KC_BUSY);
    return 0;
}

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    struct http *http = userdata;
    int running, mask = 0;
    (void)source;
    if (events & EPOLLIN)
        mask |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        mask |= CURL_CSELECT_OUT;
    if (events & (EPOLLERR | EPOLLHUP))
        mask |= CURL_CSELECT_ERR;
    curl_multi_socket_action(http->multi, fd, mask, &running);
    reap(http);
    return 0;
}

static int on_timer(sd_event_source *source, uint64_t now, void *userdata)
{
    struct http *http = userdata;
    int running;
    (void)source;
    (void)now;
    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    reap(http);
    return 0;
}

static int on_ended(sd_event_source *source, void *userdata)
{
    (void)source;
    reap(userdata);
    return 0;
}

/* Lets a new request send what it can at once: the loop would come round only for that. If one has
 * ended already, that waits for the loop. */
static void kick(struct http *http)
{
    int running = 0;
    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    if (running < (int)http->running)
        (void)sd_event_source_set_enabled(http->ended, SD_EVENT_ONESHOT);
}

static void plan_unwatched(struct http *http)
{
    (void)sd_event_source_set_time_relative(http->unwatched_timer, UNWATCHED_US);
    (void)sd_event_source_set_enabled(
        http->unwatched_timer, http->unwatched_count ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* libcurl looks by itself whether something has come. */
static int on_unwatched(sd_event_source *source, uint64_t now, void *userdata)
{
    struct http *http = userdata;
    int running;
    (void)source, (void)now;
    for (size_t i = http->unwatched_count; i-- > 0;)
        if (i < http->unwatched_count) /* the call may take some away */
            curl_multi_socket_action(http->multi, http->unwatched[i], 0, &running);
    plan_unwatched(http);
    reap(http);
    return 0;
}

static void forget_unwatched(struct http *http, int fd)
{
    for (size_t i = 0; i < http->unwatched_count; i++)
        if (http->unwatched[i] == fd)
            http->unwatched[i] = http->unwatched[--http->unwatched_count];
}

static void leave_unwatched(struct http *http, int fd)
{
    forget_unwatched(http, fd);
    if (http->unwatched_count < sizeof(http->unwatched) / sizeof(*http->unwatched))
        http->unwatched[http->unwatched_count++] = fd;
    plan_unwatched(http);
}

/*
 * Never -1: libcurl would take the whole multi handle for dead, and no request would be made again
 * until the daemon's end. A socket that cannot be watched is asked after, again and again.
 */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *assigned)
{
    struct http *http = userdata;
    sd_event_source *source = assigned;
    uint32_t events = 0;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        forget_unwatched(http, fd);
        curl_multi_assign(http->multi, fd, NULL);
        sd_event_source_disable_unref(source);
        return 0;
    }
    if (what & CURL_POLL_IN)
        events |= EPOLLIN;
    if (what & CURL_POLL_OUT)
        events |= EPOLLOUT;
    bool watched = source
                       ? sd_event_source_set_io_events(source, events) >= 0
                       : sd_event_add_io(http->event, &source, fd, events, on_socket, http) >= 0;
    if (watched)
        curl_multi_assign(http->multi, fd, source);
    else
        leave_unwatched(http, fd);
    return 0;
}

/* Never -1, as above: each request has a deadline of its own in the loop. */
static int set_timer(CURLM *multi, long timeout_ms, void *userdata)
{
    struct http *http = userdata;
    (void)multi;
    if (timeout_ms >= 0)
        (void)sd_event_source_set_time_relative(http->timer, (uint64_t)timeout_ms * 1000U);
    (void)sd_event_source_set_enabled(
        http->timer, timeout_ms < 0 ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
    return 0;
}

static void destroy(struct http *http)
{
    if (http->multi)
        curl_multi_cleanup(http->multi);
    if (http->share)
        curl_share_cleanup(http->share);
    sd_event_source_disable_unref(http->timer);
    sd_event_source_disable_unref(http->ended);
    sd_event_source_disable_unref(http->unwatched_timer);
    sd_event_unref(http->event);
    free(http);
}

static bool set_up(struct http *http)
{
    if (sd_event_add_time_relative(
            http->event, &http->timer, CLOCK_MONOTONIC, 0, 1, on_timer, http) < 0 ||
        sd_event_source_set_enabled(http->timer, SD_EVENT_OFF) < 0 ||
        sd_event_add_time_relative(http->event, &http->unwatched_timer, CLOCK_MONOTONIC, 0, 1000,
            on_unwatched, http) < 0 ||
        sd_event_source_set_enabled(http->unwatched_timer, SD_EVENT_OFF) < 0 ||
        sd_event_add_defer(http->event, &http->ended, on_ended, http) < 0 ||
        sd_event_source_set_enabled(http->ended, SD_EVENT_OFF) < 0)
        return false;
    CURLM *multi = http->multi;
    return curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) ==
               CURLSHE_OK &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, STREAMS_MAX) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, HOST_CONNECTIONS_MAX) ==
               CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX) == CURLM_OK;
}

enum kc_status http_new(struct sd_event *event, struct http **ret_http)
{
    struct http *http = calloc(1, sizeof(*http));
    if (!http)
        return KC_NO_MEMORY;
    http->references = 1;
    http->event = sd_event_ref(event);
    http->multi = curl_multi_init();
    http->share = curl_share_init();
    bool memory = http->multi && http->share;
    if (!memory || !set_up(http)) {
        destroy(http);
        return memory ? KC_SYSTEM : KC_NO_MEMORY;
    }
    *ret_http = http;
    return KC_OK;
}

void http_unref(struct http *http)
{
    if (http && --http->references == 0)
        destroy(http);
}

void http_free(struct http *http)
{
    if (!http)
        return;
    while (http->requests)
        http_cancel(http->requests);
    http_unref(http);
}

enum kc_status http_start(struct http *http, const struct http_spec *spec, http_done *done,
    void *userdata, struct http_request **ret_request)
{
    struct http_request *request = NULL;
    if (http->running >= REQUESTS_MAX)
        return KC_BUSY;
    enum kc_status status = http_request_new(spec, http->share, &request);
    if (status == KC_OK)
        status = http_request_arm(request);
    if (status == KC_OK &&
        sd_event_add_time(http->event, &request->timer, CLOCK_MONOTONIC,
            request->deadline_us + DEADLINE_SLACK_US, 0, on_deadline, request) < 0)
        status = KC_NO_MEMORY;
    if (status == KC_OK && curl_multi_add_handle(http->multi, request->easy) != CURLM_OK)
        status = KC_SYSTEM;
    if (status != KC_OK) {
        if (request) /* the form goes with it: a request that was refused is not tried again */
            http_request_free(request);
        return status;
    }
    request->http = http;
    request->by_loop = true;
    request->done = done;
    request->userdata = userdata;
    request->next = http->requests;
    if (http->requests)
        http->requests->previous = request;
    http->requests = request;
    http->running++;
    http->references++;
    if (ret_request)
        *ret_request = request;
    kick(http);
    return KC_OK;
}

void http_cancel(struct http_request *request)
{
    struct http *http = request->http;
    unlink_request(request);
    http_request_free(request);
    http_unref(http);
}

size_t http_running(const struct http *http)
{
    return http->running;
}
