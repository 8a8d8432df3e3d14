/*
 * Evidence from within: evidence.c and outage.c are its parts.
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
#include "daemon/state.h"
#include "daemon/stored.h"
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
    struct state_read *read; /* of what is stored */
    bool late;               /* its time is over, and what is stored is read */
    enum kc_status status;
    char detail[OAUTH_DETAIL_MAX];
    enum evidence_source source;
    struct jose_jwt *jwt;       /* a session's token; or */
    struct json_object *claims; /* the directory's */
    char *scope;
    struct stored stored; /* with EVIDENCE_STORED */
    int64_t at;
    LIST_HEAD(, evidence_wait) waits;
    TAILQ_ENTRY(finding) link;
};

struct evidence {
    struct daemon *daemon;
    struct client_ids clients;
    TAILQ_HEAD(, finding) findings; /* the oldest first */
    unsigned count, running;
    int64_t seen_wall; /* epoch seconds when the realm spoke last, and at that time */
    int64_t seen_boot; /* seconds of CLOCK_BOOTTIME */
    LIST_HEAD(, unkept) unkept;
    unsigned unkept_count;
    bool doubtful; /* nothing that is stored counts */
};

/* evidence.c: the end of a finding, which tells whoever waits. */
void finding_finish(struct finding *finding, enum kc_status status, const char *detail);

/*
 * outage.c: what to do where the realm could not be asked (`status`). `probed`: a probe said so.
 * Where the realm is out, what it said last is read, and the finding ends then; else it ends here.
 */
void outage_begin(struct finding *finding, enum kc_status status, const char *detail, bool probed);

/* At the end of a finding's time: the same by what is known already. */
void outage_late(struct finding *finding);

void outage_free(struct evidence *evidence);

/* Keeps what the realm has just said of this user, for an outage. */
void outage_keep(struct evidence *evidence, const char *name, const struct stored *stored);

#endif
