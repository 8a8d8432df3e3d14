/*
 * What connection.c, which speaks with one, and connections.c, which holds all, both see.
 * Used by these two.
 * Must never be seen by anybody else.
 */
#ifndef DAEMON_CONNECTION_INTERNAL_H
#define DAEMON_CONNECTION_INTERNAL_H

#include "daemon/connection.h"
#include "daemon/connections.h"

struct connection {
    struct connections *all;
    int fd;
    bool privileged;
    bool finished; /* hung up on: what still comes is not read */
    uid_t uid;     /* who connected */
    uint32_t pid;  /* who sent the last message */
    sd_event_source *readable;
    uint64_t heard_us; /* when something came, or a login ended */
    struct login *login;
    struct lookup *lookup;
    struct account *account;
    struct assignment *assignment;
    struct explanation *explanation;
    LIST_ENTRY(connection) link;
};

/* The loop's callback: a message may be there. */
int connection_on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata);

/* Ends it now; only from the loop, with nobody else in its code. */
void connection_close(struct connection *connection);

/* Closes a descriptor of a caller's connection, whatever the caller has put into it. */
void connections_let_go(struct connections *connections, int fd);

/* One line about a caller who is sent away, while there is room for it in the log. */
void connections_log_refusal(struct connections *connections, bool privileged, uid_t uid,
    uint32_t pid, enum kc_status status);

#endif
