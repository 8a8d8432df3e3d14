/*
 * Evidence of a user without a login of this moment: the order in which it is looked for.
 * Used by account.c and explain.c.
 * Must never make up an answer that the realm did not give.
 */
#include "daemon/evidence_internal.h"

#include "daemon/clock.h"
#include "daemon/config.h"
#include "daemon/realm.h"
#include "jose/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define FINDINGS_MAX 1024u
#define AT_ONCE 16u /* under way: logins and lookups have the rest of the connections */
#define KEPT_MAX_US (5 * CLOCK_SECOND_US)
#define END_US (4200 * 1000ull)     /* of everything; whoever asks waits for five seconds */
#define ASK_US (3800 * 1000ull)     /* of what the realm is asked, from the beginning */
#define SESSION_US (1800 * 1000ull) /* of a renewal, so that time for the directory is left */

static void stop_steps(struct finding *finding)
{
    if (finding->realm_wait)
        realm_wait_cancel(KC_TAKE(finding->realm_wait));
    if (finding->renewal)
        session_renew_cancel(KC_TAKE(finding->renewal));
    if (finding->standing)
        standing_cancel(KC_TAKE(finding->standing));
    if (finding->read)
        state_read_cancel(KC_TAKE(finding->read));
}

static void forget_answer(struct finding *finding)
{
    json_object_put(KC_TAKE(finding->claims));
    jose_jwt_free(KC_TAKE(finding->jwt));
    free(KC_TAKE(finding->scope));
    stored_clear(&finding->stored);
    finding->source = EVIDENCE_NONE;
}

static void finding_free(struct finding *finding)
{
    struct evidence *evidence = finding->evidence;
    struct evidence_wait *wait;
    while ((wait = LIST_FIRST(&finding->waits)))
        evidence_wait_cancel(wait);
    TAILQ_REMOVE(&evidence->findings, finding, link);
    evidence->count--;
    evidence->running -= finding->stage == FINDING_RUNS;
    stop_steps(finding);
    sd_event_source_disable_unref(finding->kick);
    sd_event_source_disable_unref(finding->timer);
    forget_answer(finding);
    free(finding);
}

/* --- the end of a finding --- */

/* Borrowed, and read alone. */
static struct json_object *claims_of(const struct jose_jwt *jwt)
{
    return (struct json_object *)(uintptr_t)jose_jwt_claims(jwt);
}

/* What the realm has said now, borrowed. */
static struct stored fresh_of(const struct finding *finding)
{
    return (struct stored){.status = finding->status,
        .claims = finding->jwt ? claims_of(finding->jwt) : finding->claims,
        .scope = finding->scope,
        .partial = !finding->jwt};
}

static void deliver(struct finding *finding)
{
    struct evidence_wait *wait;
    const bool is_stored = finding->source == EVIDENCE_STORED;
    const struct stored fresh = fresh_of(finding);
    const struct stored *said = is_stored ? &finding->stored : &fresh;
    const struct evidence_answer answer = {.status = finding->status,
        .detail = finding->detail,
        .source = finding->source,
        .claims = said->claims,
        .scope = said->scope,
        .partial = said->partial,
        .stored = said->status,
        .at = finding->at};
    while ((wait = LIST_FIRST(&finding->waits))) {
        evidence_found *found = wait->found;
        void *userdata = wait->userdata;
        evidence_wait_cancel(wait);
        found(userdata, &answer);
    }
}

/* The realm's own word, which is good for a while; a failure is not. */
static bool is_answer(enum kc_status status)
{
    const enum kc_class class = kc_status_class(status);
    return class == KC_CLASS_OK || class == KC_CLASS_EXPIRED || class == KC_CLASS_UNKNOWN ||
           class == KC_CLASS_NOT_OURS || class == KC_CLASS_FORBIDDEN;
}

/* What is worth keeping: the realm's word on the user, not the host's on the entry. */
static bool is_said(enum kc_status status)
{
    return status == KC_OK || status == KC_ACCOUNT_DISABLED || status == KC_USER_UNKNOWN;
}

static uint64_t kept_us(const struct evidence *evidence)
{
    const uint64_t ttl =
        (uint64_t)evidence->daemon->config->directory.found_ttl * CLOCK_SECOND_US;
    return ttl < KEPT_MAX_US ? ttl : KEPT_MAX_US;
}

static void pump(struct evidence *evidence);

void finding_finish(struct finding *finding, enum kc_status status, const char *detail)
{
    struct evidence *evidence = finding->evidence;
    stop_steps(finding);
    evidence->running -= finding->stage == FINDING_RUNS;
    finding->stage = FINDING_OVER;
    finding->status = status;
    if (finding->source != EVIDENCE_STORED)
        finding->at = (int64_t)time(NULL);
    snprintf(finding->detail, sizeof finding->detail, "%s", detail);
    finding->until_us = clock_us() + (is_answer(status) ? kept_us(evidence) : 0);
    if (sd_event_source_set_time(finding->timer, finding->until_us) < 0 ||
        sd_event_source_set_enabled(finding->timer, SD_EVENT_ONESHOT) < 0)
        finding->until_us = 0;
    if (is_said(status)) {
        const struct stored said = fresh_of(finding);
        outage_keep(evidence, finding->name, &said);
    }
    deliver(finding);
    if (finding->until_us <= clock_us())
        finding_free(finding);
    pump(evidence);
}

/* --- the steps --- */

static void on_standing(
    void *userdata, enum kc_status status, const char *detail, struct json_object *claims)
{
    struct finding *finding = userdata;
    finding->standing = NULL;
    if (status == KC_OK) {
        finding->claims = json_object_get(claims);
        finding->source = EVIDENCE_DIRECTORY;
    }
    if (is_answer(status) || kc_status_class(status) == KC_CLASS_MISCONFIGURED)
        finding_finish(finding, status, detail);
    else
        outage_begin(finding, status, detail, false);
}

static void ask_directory(struct finding *finding)
{
    struct evidence *evidence = finding->evidence;
    if (!evidence->daemon->directory) {
        finding_finish(finding, KC_NO_EVIDENCE, "");
        return;
    }
    const struct standing_request request = {.directory = evidence->daemon->directory,
        .clients = &evidence->clients,
        .user = finding->name,
        .uid = finding->uid,
        .deadline_us = finding->began_us + ASK_US};
    const enum kc_status status =
        standing_begin(&request, on_standing, finding, &finding->standing);
    if (status != KC_OK)
        finding_finish(finding, status, "");
}

/* A token of another user of that name: the one who had it before, or has it now. */
static bool is_about(const struct finding *finding, const struct jose_jwt *jwt)
{
    const struct directory *directory = finding->evidence->daemon->directory;
    return !directory || directory_may_be(directory, finding->name, jose_jwt_subject(jwt));
}

static void on_renewed(
    void *userdata, enum kc_status status, const char *detail, struct grant_answer *answer)
{
    struct finding *finding = userdata;
    finding->renewal = NULL;
    if (status == KC_OK && is_about(finding, answer->jwt)) {
        finding->jwt = KC_TAKE(answer->jwt);
        finding->scope = KC_TAKE(answer->scope);
        finding->source = EVIDENCE_SESSION;
        finding_finish(finding, KC_OK, "");
    } else if (status == KC_ACCOUNT_DISABLED) {
        finding_finish(finding, status, detail);
    } else {
        ask_directory(finding);
    }
}

static void on_realm(void *userdata, enum kc_status status, const char *detail)
{
    struct finding *finding = userdata;
    struct daemon *daemon = finding->evidence->daemon;
    finding->realm_wait = NULL;
    if (status != KC_OK) {
        outage_begin(finding, status, detail, true);
        return;
    }
    if (session_renew(daemon->sessions, finding->name, finding->uid, SESSION_US / 1000, on_renewed,
            finding, &finding->renewal) != KC_OK)
        ask_directory(finding);
}

static void start(struct finding *finding)
{
    struct daemon *daemon = finding->evidence->daemon;
    struct realm_wait *wait = NULL;
    enum kc_status status = KC_NO_EVIDENCE; /* where nobody could be asked */
    finding->stage = FINDING_RUNS;
    finding->evidence->running++;
    if (daemon->directory || session_renewable(daemon->sessions, finding->name, finding->uid))
        status = realm_await(
            daemon->realm, finding->began_us + ASK_US, on_realm, finding, &wait);
    if (status != KC_OK)
        finding_finish(finding, status, "");
    else if (wait) /* else the callback has come, and the finding may be gone */
        finding->realm_wait = wait;
}

/* Begins those whose turn it is. A start may end at once and come here again. */
static void pump(struct evidence *evidence)
{
    struct finding *finding;
    TAILQ_FOREACH(finding, &evidence->findings, link)
    if (finding->stage == FINDING_WAITS && evidence->running < AT_ONCE &&
        sd_event_source_set_enabled(finding->kick, SD_EVENT_ONESHOT) < 0)
        finding->until_us = 0; /* its timer ends it */
}

/* --- findings --- */

static int on_kick(sd_event_source *source, void *userdata)
{
    struct finding *finding = userdata;
    (void)source;
    if (finding->stage == FINDING_OVER)
        deliver(finding);
    else if (finding->stage == FINDING_WAITS && finding->evidence->running < AT_ONCE)
        start(finding);
    return 0;
}

/* Of one under way, the end of its time; of one that is over, the end of its use. */
static int on_timer(sd_event_source *source, uint64_t now, void *userdata)
{
    struct finding *finding = userdata;
    (void)source;
    (void)now;
    if (finding->stage != FINDING_OVER) {
        stop_steps(finding);
        outage_late(finding);
        return 0;
    }
    deliver(finding);
    finding_free(finding);
    return 0;
}

static struct finding *find(const struct evidence *evidence, const char *name, uint32_t uid)
{
    struct finding *finding;
    TAILQ_FOREACH(finding, &evidence->findings, link)
    if (finding->uid == uid && strcmp(finding->name, name) == 0 &&
        (finding->stage != FINDING_OVER || clock_us() < finding->until_us))
        return finding;
    return NULL;
}

/* The oldest that is over makes room. */
static bool has_room(struct evidence *evidence)
{
    struct finding *finding;
    if (evidence->count < FINDINGS_MAX)
        return true;
    TAILQ_FOREACH(finding, &evidence->findings, link)
    if (finding->stage == FINDING_OVER && LIST_EMPTY(&finding->waits)) {
        finding_free(finding);
        return true;
    }
    return false;
}

static enum kc_status add(
    struct evidence *evidence, const char *name, uint32_t uid, struct finding **ret_finding)
{
    if (!has_room(evidence))
        return KC_BUSY;
    struct finding *finding = calloc(1, sizeof *finding);
    if (!finding)
        return KC_NO_MEMORY;
    finding->evidence = evidence;
    finding->uid = uid;
    finding->began_us = clock_us();
    snprintf(finding->name, sizeof finding->name, "%s", name);
    TAILQ_INSERT_TAIL(&evidence->findings, finding, link);
    evidence->count++;
    sd_event *event = evidence->daemon->event;
    if (sd_event_add_defer(event, &finding->kick, on_kick, finding) < 0 ||
        sd_event_add_time(event, &finding->timer, CLOCK_MONOTONIC, finding->began_us + END_US,
            1000, on_timer, finding) < 0) {
        finding_free(finding);
        return KC_NO_MEMORY;
    }
    *ret_finding = finding;
    return KC_OK;
}

enum kc_status evidence_await(struct evidence *evidence, const char *name, uint32_t uid,
    bool may_ask, evidence_found *found, void *userdata, struct evidence_wait **ret_wait)
{
    struct finding *finding = find(evidence, name, uid);
    if (!finding && !may_ask)
        return KC_BUSY;
    struct evidence_wait *wait = calloc(1, sizeof *wait);
    enum kc_status status = wait ? KC_OK : KC_NO_MEMORY;
    if (status == KC_OK && !finding)
        status = add(evidence, name, uid, &finding);
    if (status == KC_OK && finding->stage == FINDING_OVER &&
        sd_event_source_set_enabled(finding->kick, SD_EVENT_ONESHOT) < 0)
        status = KC_SYSTEM;
    if (status != KC_OK) {
        free(wait);
        return status;
    }
    wait->found = found;
    wait->userdata = userdata;
    LIST_INSERT_HEAD(&finding->waits, wait, link);
    *ret_wait = wait;
    return KC_OK;
}

void evidence_wait_cancel(struct evidence_wait *wait)
{
    LIST_REMOVE(wait, link);
    free(wait);
}

/* --- the object --- */

enum kc_status evidence_new(struct daemon *daemon, struct evidence **ret_evidence)
{
    struct evidence *evidence = calloc(1, sizeof *evidence);
    if (!evidence)
        return KC_NO_MEMORY;
    evidence->daemon = daemon;
    TAILQ_INIT(&evidence->findings);
    client_ids_renew(&evidence->clients, daemon->config);
    *ret_evidence = evidence;
    return KC_OK;
}

void evidence_free(struct evidence *evidence)
{
    if (!evidence)
        return;
    while (!TAILQ_EMPTY(&evidence->findings))
        finding_free(TAILQ_FIRST(&evidence->findings));
    outage_free(evidence);
    free(evidence);
}

void evidence_note(struct evidence *evidence, const char *name, enum kc_status status,
    const struct jose_jwt *jwt, const char *scope)
{
    struct finding *finding, *next;
    if (!is_said(status))
        return;
    const struct stored said = {.status = status,
        .claims = jwt ? claims_of(jwt) : NULL,
        .scope = (char *)(uintptr_t)scope};
    outage_keep(evidence, name, &said);
    for (finding = TAILQ_FIRST(&evidence->findings); finding; finding = next) {
        next = TAILQ_NEXT(finding, link);
        if (finding->stage == FINDING_OVER && LIST_EMPTY(&finding->waits) &&
            strcmp(finding->name, name) == 0)
            finding_free(finding);
    }
}

void evidence_flush(struct evidence *evidence)
{
    struct finding *finding, *next;
    for (finding = TAILQ_FIRST(&evidence->findings); finding; finding = next) {
        next = TAILQ_NEXT(finding, link);
        if (finding->stage == FINDING_OVER && LIST_EMPTY(&finding->waits))
            finding_free(finding);
    }
}

/* What the old configuration found counts no longer; what is under way begins once more. */
void evidence_reload(struct evidence *evidence)
{
    struct finding *finding, *next;
    for (finding = TAILQ_FIRST(&evidence->findings); finding; finding = next) {
        next = TAILQ_NEXT(finding, link);
        if (finding->stage == FINDING_OVER && LIST_EMPTY(&finding->waits)) {
            finding_free(finding);
            continue;
        }
        stop_steps(finding);
        forget_answer(finding);
        evidence->running -= finding->stage == FINDING_RUNS;
        finding->stage = FINDING_WAITS;
        (void)sd_event_source_set_enabled(finding->kick, SD_EVENT_ONESHOT);
    }
    client_ids_renew(&evidence->clients, evidence->daemon->config);
}
