/*
 * Evidence from within: evidence.c and stored.c are its parts.
 * Used by those alone; everybody else has evidence.h.
 * Must never hold a finding whose steps go on after it is over.
 */
#ifndef DAEMON_EVIDENCE_INTERNAL_H
#define DAEMON_EVIDENCE_INTERNAL_H

#include "common/limits.h"
#include "daemon/daemon.h"
#include "daemon/evidence.h"
#include "daemon/oauth_error.h"
#include "daemon/session_renew.h"
#include "daemon/standing.h"
#include "jose/jwt.h"

#include <sys/queue.h>

struct evidence_wait {
    evidence_found *found;
    void *userdata;
    LIST_ENTRY(evidence_wait) link;
};

enum finding_stage { FINDING_WAITS, FINDING_RUNS, FINDING_OVER };

/* One user's evidence: waiting for its turn, under way, or remembered for a while. */
struct finding {
    struct evidence *evidence;
    char name[KC_USER_MAX];
    uint32_t uid;
    enum finding_stage stage;
    uint64_t began_us, until_us;
    sd_event_source *kick;  /* its start, or what is remembered for one more who asks */
    sd_event_source *timer; /* the end of its time */
    struct realm_wait *realm_wait;
    struct session_renewal *renewal;
    struct standing *standing;
    enum kc_status status;
    char detail[OAUTH_DETAIL_MAX];
    enum evidence_source source;
    struct jose_jwt *jwt;       /* a session's token; or */
    struct json_object *claims; /* the directory's, or stored ones */
    char *scope;
    int64_t at;
    LIST_HEAD(, evidence_wait) waits;
    TAILQ_ENTRY(finding) link;
};

struct evidence {
    struct daemon *daemon;
    struct client_ids clients;
    TAILQ_HEAD(, finding) findings; /* the oldest first */
    unsigned count, running;
};

#endif
