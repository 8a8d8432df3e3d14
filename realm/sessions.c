/*
 * Sessions: who is logged in through which client, until when.
 * Used by the grants, logout, revocation, introspection and control.
 * Never keeps more than a fixed number of them: the oldest goes.
 */
#include "realm/sessions.h"

#include "realm/text.h"

#include <stdlib.h>

enum { SESSION_LIMIT = 10000 };

static void drop(struct realm *realm, struct realm_session **at)
{
    struct realm_session *session = *at;
    *at = session->next;
    realm->session_count--;
    free(session->scope_asked);
    free(session);
}

/* The oldest goes where there are too many. */
static void make_room(struct realm *realm)
{
    struct realm_session **at = &realm->sessions;
    if (realm->session_count < SESSION_LIMIT)
        return;
    while ((*at)->next != NULL)
        at = &(*at)->next;
    drop(realm, at);
}

struct realm_session *realm_session_open(struct realm *realm, struct realm_user *user,
    struct realm_client *client, const char *scope, bool offline)
{
    make_room(realm);
    struct realm_session *session = realm_text_room(1, sizeof(*session));
    if (realm->like == REALM_LIKE_24)
        realm_text_uuid(session->id);
    else
        realm_text_random(session->id, 24);
    session->user = user;
    session->client = client;
    session->offline = offline;
    session->scope_asked = scope ? realm_text_copy(scope) : NULL;
    session->started = session->refreshed = realm_now(realm);
    session->next = realm->sessions;
    realm->sessions = session;
    realm->session_count++;
    return session;
}

static bool dead(const struct realm *realm, const struct realm_session *session)
{
    int64_t now = realm_now(realm);
    return !session->offline && (now - session->refreshed > realm->policy.session_idle ||
                                    now - session->started > realm->policy.session_max);
}

struct realm_session *realm_session_find(struct realm *realm, const char *id, bool offline)
{
    for (struct realm_session **at = &realm->sessions; *at != NULL;) {
        if (dead(realm, *at)) {
            drop(realm, at);
            continue;
        }
        if ((*at)->offline == offline && realm_text_same((*at)->id, id))
            return *at;
        at = &(*at)->next;
    }
    return NULL;
}

void realm_session_close(struct realm *realm, const char *id, bool offline)
{
    for (struct realm_session **at = &realm->sessions; *at != NULL; at = &(*at)->next) {
        if ((*at)->offline == offline && realm_text_same((*at)->id, id)) {
            drop(realm, at);
            return;
        }
    }
}

void realm_session_close_all(struct realm *realm)
{
    while (realm->sessions != NULL)
        drop(realm, &realm->sessions);
}
