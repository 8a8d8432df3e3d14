/*
 * Evidence of a user without a login of this moment: what the realm says now, from where it says it
 * best. First an open session's renewed token, then the directory; while the realm is out, what it
 * said last. Whoever asks for the same user shares one finding, for a few seconds.
 * Used by account.c and explain.c. Must never make up an answer that the realm did not give.
 */
#ifndef DAEMON_EVIDENCE_H
#define DAEMON_EVIDENCE_H

#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

struct daemon;
struct evidence;
struct evidence_wait;
struct jose_jwt;
struct json_object;

enum evidence_source { EVIDENCE_NONE, EVIDENCE_SESSION, EVIDENCE_DIRECTORY, EVIDENCE_STORED };

/* What was found; borrowed during the call. */
struct evidence_answer {
    /* KC_OK: there are claims. Of class unknown, expired and forbidden, and KC_NOT_OURS: the realm's
     * or the host's own answer. All others: it cannot be known just now; with EVIDENCE_STORED the
     * realm is out, and claims (or KC_ACCOUNT_DISABLED in `stored`) are what it said at `at`. */
    enum kc_status status;
    const char *detail; /* for the log; may be "" */
    enum evidence_source source;
    const struct json_object *claims; /* NULL: none */
    const char *scope;                /* of a token endpoint's answer; NULL: absent */
    bool partial;                     /* as access_question has it */
    enum kc_status stored;
    int64_t at; /* epoch seconds: when the realm said it */
};

typedef void evidence_found(void *userdata, const struct evidence_answer *answer);

/* `daemon` must outlive it; its realm, sessions and directory are borrowed. KC_NO_MEMORY. */
enum kc_status evidence_new(struct daemon *daemon, struct evidence **ret_evidence);
void evidence_free(struct evidence *evidence); /* waits end without their callbacks */

/* At a reload, before the directory's: nothing is remembered; who waits is asked for anew. */
void evidence_reload(struct evidence *evidence);

/* What was found and waits for nobody is found anew by the next who asks. */
void evidence_flush(struct evidence *evidence);

/*
 * Finds evidence of the user `name` who has `uid` on this host; the answer comes from the loop,
 * within 4.5 s. `may_ask`: where the realm would have to be asked and may not be, KC_BUSY. KC_BUSY
 * also where too many are asked for; KC_NO_MEMORY, KC_SYSTEM.
 */
enum kc_status evidence_await(struct evidence *evidence, const char *name, uint32_t uid,
    bool may_ask, evidence_found *found, void *userdata, struct evidence_wait **ret_wait);

void evidence_wait_cancel(struct evidence_wait *wait);

/*
 * What a login has shown, so that it is there when the realm is not: its verified token and the
 * answer's scope (NULL: absent), or a refusal (KC_ACCOUNT_DISABLED; others are no answer about the
 * user, and left out). A finding that is remembered gives way.
 */
void evidence_note(struct evidence *evidence, const char *name, enum kc_status status,
    const struct jose_jwt *jwt, const char *scope);

#endif
