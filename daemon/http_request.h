/*
 * One HTTP request: its libcurl handle, its limits, what came of it.
 * Used by http.c alone; the loop's side is there.
 * Must never let a body start twice.
 */
#ifndef DAEMON_HTTP_REQUEST_H
#define DAEMON_HTTP_REQUEST_H

#include "daemon/http.h"

#include <curl/curl.h>

#define HTTP_HEADERS_MAX 128
#define HTTP_HEADER_BYTES_MAX ((size_t)64 * 1024)
#define HTTP_INTERIM_MAX 8 /* 1xx answers before the answer */
#define HTTP_TARGETS_MAX 16

struct http_request {
    struct http *http;
    struct http_request *previous, *next; /* in http's list */
    CURL *easy;
    struct curl_slist *headers, *target;
    char **targets; /* connect_to; NULL-terminated; owned */
    size_t target_count, target_tried;
    enum kc_status earlier; /* what came of the targets before; not plain silence where one was not */
    uint64_t deadline_us; /* CLOCK_MONOTONIC */
    struct sd_event_source *timer; /* the same, for a request that libcurl lets wait */
    bool by_loop;         /* the multi handle holds it */

    struct kc_secret form;
    bool is_post;
    bool form_started;
    bool sent_again; /* libcurl would have */
    size_t form_sent;

    struct http_wire wire;
    size_t header_count, header_bytes, answers;
    size_t wire_bytes; /* of answers, as they came */
    size_t body_limit;
    int64_t retry_after;
    struct kc_secret body;
    char error[CURL_ERROR_SIZE];

    http_done *done;
    void *userdata;
};

/* Makes the handle with all its options; takes the form. Starts nothing. Errors of http_start. */
enum kc_status http_request_new(
    const struct http_spec *spec, CURLSH *share, struct http_request **ret_request);

/* Sets the time that is left for this attempt and its target. KC_TIMED_OUT: none is left. */
enum kc_status http_request_arm(struct http_request *request);

/* Makes ready for the next target after `status`, where nothing was sent and one is left. */
bool http_request_rearm(struct http_request *request, enum kc_status status);

/* After the end: whether a byte of an answer came of which libcurl told nothing, for it was none. */
void http_request_note_first_byte(struct http_request *request, CURLcode code);
/* Of http_memory.c: whether libcurl has asked for memory in vain since this was asked last. */
bool http_refused_memory(void);

/* What libcurl's code means for this request. */
enum kc_status http_request_judge(struct http_request *request, int curl_code);

/* Fills in the answer after the handle is done; the body moves. */
void http_request_collect(struct http_request *request, struct http_answer *ret_answer);

void http_request_free(struct http_request *request);

#endif
