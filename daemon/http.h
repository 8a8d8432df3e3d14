/*
 * HTTP requests over one libcurl multi handle in the daemon's event loop; nothing here blocks.
 * Used by realm.c, grant.c and whoever else speaks to the realm; the only room that knows libcurl.
 * Must never send a body twice, follow a redirect, or obey a proxy, a cookie or the environment.
 */
#ifndef DAEMON_HTTP_H
#define DAEMON_HTTP_H

#include "common/secret.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sd_event;
struct http;
struct http_request;

/* libcurl's start, with an allocator that wipes; once a process, before any thread and any other
 * call here. The caller has cleared the environment (SSLKEYLOGFILE, OPENSSL_CONF) before.
 * KC_NO_MEMORY, KC_SYSTEM. */
enum kc_status http_global_init(void);

/* How a server is spoken to. Everything is copied when the request starts. */
struct http_peer {
    bool allow_http;               /* http:// as well; loopback issuers only */
    const char *ca_file;           /* PEM; NULL: the system's */
    const char *certificate_file;  /* PEM, for mutual TLS; NULL: none */
    const struct kc_secret *key;   /* PEM of the certificate's private key; NULL with it */
    const char *const *connect_to; /* "host:port"; the next where one takes no connection;
                                    * NULL-terminated, or NULL */
};

/* One request. `form` and `authorization` are moved on KC_OK, and the caller's left empty. */
struct http_spec {
    const char *url;
    struct kc_secret *form;          /* NULL: GET; else POST application/x-www-form-urlencoded */
    bool put;                        /* PUT instead, and `form` is application/json */
    struct kc_secret *authorization; /* the Authorization header's value; NULL or empty: none */
    const char *forwarded_for;       /* an IP literal for X-Forwarded-For; NULL: none */
    bool multiplex;            /* HTTP/2 where an https server has it, many on one connection; never
                                * for a form, which must not be sent again */
    const struct http_peer *peer;
    unsigned deadline_ms; /* for all of it, name resolution included; not 0 */
    size_t body_limit;    /* bytes of answer taken */
};

/* A whole answer, whatever its HTTP status. */
struct http_answer {
    unsigned status;       /* 200, 401, ...; 0 when there is none */
    struct kc_secret body; /* the callee may take it */
    bool json;             /* Content-Type is application/json or application/...+json */
    int64_t retry_after;   /* seconds; -1: absent or not a plain number */
    const char *error;     /* libcurl's words when there is no answer; else "" */
    const char *target;    /* of connect_to, the one that was tried last; NULL: none is given */
    size_t passed_over;    /* those before it, which took no connection */
    bool silent;           /* not a byte came on a connection made for this request */
};

/*
 * The end of a request, from the event loop, never from within http_start.
 * KC_OK: a whole answer came. KC_UNREACHABLE: no byte came from any server and the request was not
 * sent. KC_TLS_FAILED. KC_UNANSWERED: (a part of) the request was sent and no whole answer came,
 * the server may have acted on it. KC_BUSY: no connection was free in time, nothing was sent.
 * KC_ANSWER_TOO_LARGE: body, headers or interim answers.
 * KC_NO_MEMORY, KC_CONFIG_INVALID (the URL or a file that libcurl cannot use), KC_SYSTEM.
 */
typedef void http_done(void *userdata, enum kc_status status, struct http_answer *answer);

/* One multi handle in `event`, with its own kept connections and TLS sessions. KC_NO_MEMORY,
 * KC_SYSTEM. The caller holds the one reference. */
enum kc_status http_new(struct sd_event *event, struct http **ret_http);

/* Drops the reference. Requests that run go on to their end and their callbacks still come. */
void http_unref(struct http *http);

/* Aborts every request without its callback, then drops the reference. Not from a callback. */
void http_free(struct http *http);

/* Starts a request. `ret_request` may be NULL; it is valid until the callback or http_cancel.
 * KC_BUSY (too many run already), KC_NO_MEMORY, KC_CONFIG_INVALID (URL or scheme), KC_SYSTEM. */
enum kc_status http_start(struct http *http, const struct http_spec *spec, http_done *done,
    void *userdata, struct http_request **ret_request);

/* Aborts a request; its callback will not come. */
void http_cancel(struct http_request *request);

/* Of connect_to, where the request goes or went; NULL: none is given. */
const char *http_target(const struct http_request *request);

/* True for an https URL, or http where allowed and the host is the loopback by name or number;
 * never with user information or a fragment. */
enum kc_status http_url_check(const char *url, bool allow_http);

/* Requests now running or waiting for a connection. */
size_t http_running(const struct http *http);

/* libcurl's code as a status, given what went over the wire; for http_done and its test. */
struct http_wire {
    bool sent;      /* a byte of a request left */
    bool received;  /* a byte came, of TLS or of an answer */
    bool too_large; /* a limit of ours ended it */
    bool no_room;   /* this host had no descriptor or thread for it */
};
enum kc_status http_translate(int curl_code, const struct http_wire *wire);

#endif
