/*
 * Evidence while the realm is out: what it said last, and when that may be looked at.
 * Used by evidence.c; account.c judges how old it may be.
 * Must never take a realm for out that answers, however badly, nor believe a clock that was set
 * back.
 */
#include "daemon/clock.h"
#include "daemon/evidence_internal.h"
#include "daemon/realm.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define PROBE_US (3900 * 1000ull) /* of a finding's time: until then a probe is waited for */
#define LAST_US (200 * 1000ull)   /* for what is stored, after the time is over */
#define CLOCK_SLACK 60            /* seconds that the time of day may be behind itself */
#define UNKEPT_MAX 256u           /* users of whom the disk has not taken what was said last */

/* What was given to the disk, until a look there has shown it: else what is there is older. */
struct unkept {
    struct evidence *evidence;
    char id[PERSON_ID_MAX + 1];
    int64_t at;
    struct state_read *read; /* NULL: the disk did not take it */
    LIST_ENTRY(unkept) link;
};

/* No byte came from any server, or a proxy says that there is none behind it. */
static bool is_out(enum kc_status status)
{
    switch (status) {
    case KC_UNREACHABLE:
    case KC_SERVER_GATEWAY:
    case KC_SERVER_STARTING:
    case KC_SERVER_OVERLOADED:
        return true;
    default:
        return false;
    }
}

static int64_t boot_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec;
}

/* Whether the time of day is not behind what it was when the realm spoke last; before it has, the
 * start knows. */
static bool clock_is_sound(const struct evidence *evidence)
{
    const struct directory *directory = evidence->daemon->directory;
    const int64_t passed = boot_seconds() - evidence->seen_boot;
    if (evidence->seen_wall == 0)
        return directory && !directory_clock_set_back(directory);
    return (int64_t)time(NULL) + CLOCK_SLACK >= evidence->seen_wall + passed;
}

/* --- what the disk has not taken --- */

static struct unkept *find_unkept(const struct evidence *evidence, const char *id)
{
    struct unkept *unkept;
    LIST_FOREACH(unkept, &evidence->unkept, link)
    if (strcmp(unkept->id, id) == 0)
        return unkept;
    return NULL;
}

static void unkept_free(struct unkept *unkept)
{
    unkept->evidence->unkept_count--;
    LIST_REMOVE(unkept, link);
    if (unkept->read)
        state_read_cancel(unkept->read);
    free(unkept);
}

void outage_free(struct evidence *evidence)
{
    while (!LIST_EMPTY(&evidence->unkept))
        unkept_free(LIST_FIRST(&evidence->unkept));
}

static void on_shown(
    void *userdata, enum kc_status status, int64_t at, const char *text, size_t length)
{
    struct unkept *unkept = userdata;
    (void)text, (void)length;
    unkept->read = NULL;
    if (status == KC_OK && at >= unkept->at)
        unkept_free(unkept);
}

/* Looks whether the disk has it. Who cannot be remembered makes all that is stored doubtful. */
static void look_there(struct evidence *evidence, const char *id, int64_t at)
{
    struct unkept *unkept = find_unkept(evidence, id);
    if (!unkept) {
        unkept = evidence->unkept_count < UNKEPT_MAX ? calloc(1, sizeof *unkept) : NULL;
        if (!unkept) {
            evidence->doubtful = true;
            return;
        }
        unkept->evidence = evidence;
        snprintf(unkept->id, sizeof unkept->id, "%s", id);
        LIST_INSERT_HEAD(&evidence->unkept, unkept, link);
        evidence->unkept_count++;
    }
    unkept->at = at;
    if (unkept->read)
        state_read_cancel(KC_TAKE(unkept->read));
    (void)state_get(evidence->daemon->state, STATE_EVIDENCE, id, on_shown, unkept, &unkept->read);
}

static bool is_latest(const struct finding *finding, int64_t at)
{
    const struct evidence *evidence = finding->evidence;
    const char *id = evidence->daemon->directory
                         ? directory_user_id(evidence->daemon->directory, finding->name)
                         : NULL;
    const struct unkept *unkept = id ? find_unkept(evidence, id) : NULL;
    return id && !evidence->doubtful && (!unkept || at >= unkept->at);
}

/* --- reading --- */

static void on_read(
    void *userdata, enum kc_status status, int64_t at, const char *text, size_t length)
{
    struct finding *finding = userdata;
    finding->read = NULL;
    if (status == KC_OK && clock_is_sound(finding->evidence) && is_latest(finding, at) &&
        stored_decode(text, length, &finding->stored) == KC_OK) {
        finding->source = EVIDENCE_STORED;
        finding->at = at;
    }
    finding_finish(finding, finding->status, "");
}

/* Reads what is stored of this user, or ends without. */
static void read_stored(struct finding *finding, enum kc_status status)
{
    const struct daemon *daemon = finding->evidence->daemon;
    const struct directory *directory = daemon->directory;
    const char *id = directory && directory_is_user(directory, finding->name, finding->uid)
                         ? directory_user_id(directory, finding->name)
                         : NULL;
    finding->status = status;
    if (!id || !daemon->state ||
        state_get(daemon->state, STATE_EVIDENCE, id, on_read, finding, &finding->read) != KC_OK)
        finding_finish(finding, status, "");
}

/* A realm that answers the probe is there: what went wrong is what is said. */
static void on_probe(void *userdata, enum kc_status status, const char *detail)
{
    struct finding *finding = userdata;
    finding->realm_wait = NULL;
    if (is_out(status))
        read_stored(finding, status);
    else
        finding_finish(finding, finding->status, detail);
}

void outage_begin(struct finding *finding, enum kc_status status, const char *detail, bool probed)
{
    struct realm_wait *wait = NULL;
    if (is_out(status) && (probed || status == KC_UNREACHABLE)) {
        read_stored(finding, status);
        return;
    }
    finding->status = status;
    if (probed || realm_await_probe(finding->evidence->daemon->realm, finding->began_us + PROBE_US,
                      on_probe, finding, &wait) != KC_OK)
        finding_finish(finding, status, detail);
    else if (wait) /* else the callback has come, and the finding may be gone */
        finding->realm_wait = wait;
}

void outage_late(struct finding *finding)
{
    struct realm_report report;
    realm_status(finding->evidence->daemon->realm, &report);
    if (finding->late || report.reachable || !report.failing || !is_out(report.failure) ||
        sd_event_source_set_time(finding->timer, clock_us() + LAST_US) < 0 ||
        sd_event_source_set_enabled(finding->timer, SD_EVENT_ONESHOT) < 0) {
        finding_finish(finding, KC_TIMED_OUT, "");
        return;
    }
    finding->late = true;
    read_stored(finding, report.failure);
}

void outage_keep(struct evidence *evidence, const char *name, const struct stored *stored)
{
    const struct daemon *daemon = evidence->daemon;
    const char *id = daemon->directory ? directory_user_id(daemon->directory, name) : NULL;
    const int64_t now = (int64_t)time(NULL);
    KC_AUTO_FREE char *text = NULL;
    size_t length = 0;
    evidence->seen_wall = now;
    evidence->seen_boot = boot_seconds();
    if (!id || !daemon->state)
        return;
    if (stored_encode(stored, STATE_TEXT_MAX, &text, &length) == KC_OK)
        state_put(daemon->state, STATE_EVIDENCE, id, now, text, length);
    look_there(evidence, id, now);
}
