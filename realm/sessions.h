/*
 * Sessions: who is logged in through which client, until when.
 * Used by the grants, logout, revocation, introspection and control.
 * Never keeps more than a fixed number of them: the oldest goes.
 */
#ifndef REALM_SESSIONS_H
#define REALM_SESSIONS_H

#include "realm/realm.h"

struct realm_session {
    struct realm_session *next;
    char id[40];
    struct realm_user *user;
    struct realm_client *client;
    bool offline;
    char *scope_asked; /* the scope parameter of the grant; NULL */
    int64_t started, refreshed;
};

/* A new session; the realm owns it. */
struct realm_session *realm_session_open(struct realm *realm, struct realm_user *user,
    struct realm_client *client, const char *scope, bool offline);

/* A live one by its id; NULL where it has ended, by logout or by its own age. */
struct realm_session *realm_session_find(struct realm *realm, const char *id, bool offline);

void realm_session_close(struct realm *realm, const char *id, bool offline);
void realm_session_close_all(struct realm *realm);

#endif
