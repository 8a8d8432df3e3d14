/*
 * A grant from within.
 * Used by grant.c and grant_queue.c alone.
 * Must never outlive its place in the queue.
 */
#ifndef DAEMON_GRANT_INTERNAL_H
#define DAEMON_GRANT_INTERNAL_H

#include "daemon/grant.h"
#include "daemon/grant_queue.h"
#include "daemon/realm_internal.h"
#include "daemon/token_answer.h"

struct grant {
    struct realm *realm;
    struct grant_user *user;
    struct grant *previous, *next; /* in the user's queue */
    bool has_turn;
    uint64_t deadline_us;
    uint64_t shortest_us;   /* with less time left nothing is sent */
    sd_event_source *timer; /* the deadline, while it waits for its turn */
    char *client_address;
    struct kc_secret password, code;
    struct realm_wait *wait;
    struct http_request *request;
    /* what it was sent under; a reload meanwhile changes nothing for it */
    struct config *config;
    struct discovery *discovery;
    struct client_auth *client;
    struct token_answer answer;
    bool refetched; /* the keys, for this token */
    grant_admit *admit;
    grant_done *done; /* NULL: cancelled */
    void *userdata;
};

#endif
