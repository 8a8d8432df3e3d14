/*
 * A server on the loopback that answers as it is told, well or badly, and counts.
 * Used by the daemon's tests; a child process with a thread a connection, told through shared
 * memory. Must never be kinder than a real server: what it counts is what came over the wire.
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum peer_mode {
    PEER_REPLY,           /* status, type, extra headers, body */
    PEER_CUT,             /* closes after the whole request */
    PEER_CUT_KEPT,        /* the same, but only where the connection served a request before */
    PEER_HANG,            /* never answers */
    PEER_HALF,            /* promises more than it sends, then closes */
    PEER_ENDLESS_BODY,    /* chunks for ever */
    PEER_ENDLESS_HEADERS, /* headers for ever */
    PEER_ENDLESS_INTERIM, /* 103 for ever */
};

struct peer_reply {
    enum peer_mode mode;
    int status;
    unsigned delay_ms;
    char type[64];   /* Content-Type; "": none */
    char extra[512]; /* whole header lines, each with CRLF */
    char body[32768];
    atomic_uint requests; /* whole requests that came */
    char form[16384];     /* the last body that came */
    char head[4096];      /* the last head that came */
};

enum peer_place {
    PEER_DISCOVERY,
    PEER_KEYS,
    PEER_TOKEN,
    PEER_LOGOUT,
    PEER_REVOKE,
    PEER_ELSE,
    PEER_PLACES
};

struct peer {
    pid_t pid;
    int port;
    atomic_uint connections;
    atomic_uint at_once, most_at_once; /* token requests between their end and their answer */
    struct peer_reply at[PEER_PLACES];
};

/* Starts the server on a free port; NULL on failure. */
struct peer *peer_start(void);

/* The same on a port of one's own; 0: a free one. */
struct peer *peer_start_at(int port);

/* A socket that has the port and does not listen: whoever connects is refused. -1 on failure. */
int peer_hold(int port);

/* The process stops, its sockets stay: connections are taken, and nothing is answered. */
void peer_freeze(struct peer *peer);
void peer_thaw(struct peer *peer);

void peer_stop(struct peer *peer);

/* What a place answers from now on; resets its count. */
void peer_set(
    struct peer *peer, enum peer_place place, int status, const char *type, const char *body);

unsigned peer_count(struct peer *peer, enum peer_place place);

#endif
