/*
 * The sweep from within: the lists that it reads, and where it is.
 * Used by sweep.c, which decides what is read next, and sweep_list.c, which reads it.
 * Must never be seen by anybody else.
 */
#ifndef DAEMON_SWEEP_INTERNAL_H
#define DAEMON_SWEEP_INTERNAL_H

#include "daemon/directory_internal.h"

struct sweep;

enum list_kind {
    LIST_GROUP,    /* one group, by its path */
    LIST_CHILDREN, /* of a group, by its id */
    LIST_MEMBERS,  /* likewise */
    LIST_USERS,    /* all of the realm */
};

/* A list that is read, or waits for its turn, page by page. */
struct list {
    struct sweep *sweep;
    enum list_kind kind;
    bool children; /* LIST_GROUP: not itself, but its children */
    bool prefetch; /* LIST_GROUP: not served, its members are to be known */
    unsigned first, page;
    struct allocate_request *request; /* NULL: it waits */
    STAILQ_ENTRY(list) next;          /* while it waits */
    LIST_ENTRY(list) link;            /* while it is read */
    char id[];                        /* the realm's id, or the path */
};

struct sweep {
    struct directory *directory;
    uint32_t begun; /* seconds of CLOCK_MONOTONIC */
    struct sight_wait sight;
    bool members_stage;         /* all groups are known; now who is in them */
    size_t next;                /* of the groups, then the links, whose members come next */
    bool users_asked;           /* the list of all users has begun */
    bool missed;                /* something was not there */
    struct known_groups groups; /* so far */
    STAILQ_HEAD(, list) waiting;
    LIST_HEAD(, list) running;
    unsigned running_count;
};

/* Makes a list that has not begun. KC_NO_MEMORY. */
enum kc_status list_new(
    struct sweep *sweep, enum list_kind kind, const char *id, struct list **ret_list);
void list_free(struct list *list); /* its request ends without its callback */

/* The same, and it waits for its turn. */
enum kc_status list_wait(
    struct sweep *sweep, enum list_kind kind, const char *id, bool children, bool prefetch);

/* The path of the next page, with its query. KC_TOO_LARGE. */
enum kc_status list_path(const struct list *list, char *path, size_t size);

/* Takes in what came of it. KC_OK, with whether the list has ended; else the sweep has. */
enum kc_status list_take(
    struct list *list, enum kc_status status, const struct json_object *answer, bool *ret_last);

#endif
