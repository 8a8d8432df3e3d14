/*
 * The addresses of the issuer's host: checks before a grant, probes of bad ones in the background.
 * Used by the realm object.
 * Must never send anything but a GET of its own, nor ask a bad address more often than its backoff
 * and the checks have it.
 */
#include "daemon/endpoint.h"
#include "daemon/backoff.h"
#include "daemon/clock.h"
#include "daemon/oauth_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#define FRESH_US ((uint64_t)100000)        /* an answer so old still speaks for its address */
#define PATIENCE_US ((uint64_t)300000)     /* for the address in use, before others are asked */
#define LAST_PATIENCE_US (CLOCK_SECOND_US) /* before a troubled one will do */
#define TROUBLED_US (60 * CLOCK_SECOND_US) /* after a 5xx or no answer to a POST */

struct endpoint {
    struct endpoints *owner;
    const char *target[2]; /* the address, NULL */
    bool bad;              /* its last GET failed */
    enum kc_status failure;
    char detail[OAUTH_DETAIL_MAX];
    unsigned failures;    /* in a row */
    uint64_t answered_us; /* the last answer of use; 0: never */
    uint64_t troubled_us; /* until then others are preferred */
    struct http_request *request;
    sd_event_source *timer; /* the next probe of a bad one */
};

struct endpoints {
    sd_event *event;
    struct endpoint_calls calls;
    size_t count, current;
    bool checking, all_asked;
    uint64_t check_began_us;
    sd_event_source *timer; /* of a check: patience is over, or it has an end to tell */
    const char **order;
    struct endpoint at[];
};

static bool is_troubled(const struct endpoint *endpoint)
{
    return clock_us() < endpoint->troubled_us;
}

static unsigned rank(const struct endpoint *endpoint)
{
    return endpoint->bad ? 2 : is_troubled(endpoint) ? 1 : 0;
}

/* The best address, in the list's order from the one in use on. */
static size_t best(const struct endpoints *endpoints)
{
    size_t found = endpoints->current;
    for (size_t i = 1; i < endpoints->count; i++) {
        size_t index = (endpoints->current + i) % endpoints->count;
        if (rank(&endpoints->at[index]) < rank(&endpoints->at[found]))
            found = index;
    }
    return found;
}

static void note_good(struct endpoint *endpoint)
{
    struct endpoints *endpoints = endpoint->owner;
    bool was_bad = endpoint->bad;
    endpoint->bad = false;
    endpoint->failures = 0;
    endpoint->failure = KC_OK;
    endpoint->answered_us = clock_us();
    sd_event_source_set_enabled(endpoint->timer, SD_EVENT_OFF);
    if (was_bad)
        endpoints->calls.changed(endpoints->calls.userdata, *endpoint->target, KC_OK, "");
}

static void note_bad(struct endpoint *endpoint, enum kc_status status, const char *detail)
{
    struct endpoints *endpoints = endpoint->owner;
    bool changed = !endpoint->bad || endpoint->failure != status;
    endpoint->bad = true;
    endpoint->failure = status;
    snprintf(endpoint->detail, sizeof(endpoint->detail), "%s", detail);
    sd_event_source_set_time(endpoint->timer, clock_us() + backoff_us(endpoint->failures++));
    sd_event_source_set_enabled(endpoint->timer, SD_EVENT_ONESHOT);
    if (changed)
        endpoints->calls.changed(endpoints->calls.userdata, *endpoint->target, status, detail);
}

/* Any answer but a 5xx: whether it is the right one, a round finds out. */
static enum kc_status judge(
    enum kc_status status, const struct http_answer *answer, char detail[static OAUTH_DETAIL_MAX])
{
    snprintf(detail, OAUTH_DETAIL_MAX, "%s", answer->error);
    if (status == KC_UNANSWERED && answer->silent)
        return KC_UNREACHABLE;
    if (status != KC_OK || answer->status < 500)
        return status;
    status = oauth_error_read(answer, NULL, detail);
    if (!*detail)
        snprintf(detail, OAUTH_DETAIL_MAX, "HTTP %u", answer->status);
    return status;
}

/* Our own trouble says nothing of an address. */
static bool is_local(enum kc_status status)
{
    return status == KC_BUSY || status == KC_CONFIG_INVALID || status == KC_NO_MEMORY ||
           status == KC_NO_ROOM || status == KC_SYSTEM;
}

static void settle_soon(struct endpoints *endpoints, uint64_t at_us)
{
    sd_event_source_set_time(endpoints->timer, at_us);
    sd_event_source_set_enabled(endpoints->timer, SD_EVENT_ONESHOT);
}

static void on_probe(void *userdata, enum kc_status status, struct http_answer *answer)
{
    struct endpoint *endpoint = userdata;
    char detail[OAUTH_DETAIL_MAX];
    endpoint->request = NULL;
    status = judge(status, answer, detail);
    if (status == KC_OK)
        note_good(endpoint);
    else if (!is_local(status))
        note_bad(endpoint, status, detail);
    else if (endpoint->bad)
        note_bad(endpoint, endpoint->failure, endpoint->detail);
    if (endpoint->owner->checking)
        settle_soon(endpoint->owner, 0);
}

static void probe(struct endpoint *endpoint)
{
    const struct endpoint_calls *calls = &endpoint->owner->calls;
    if (endpoint->request)
        return;
    (void)calls->ask(calls->userdata, endpoint->target, on_probe, endpoint, &endpoint->request);
}

static int on_retry(sd_event_source *source, uint64_t now, void *userdata)
{
    struct endpoint *endpoint = userdata;
    (void)now;
    probe(endpoint);
    if (!endpoint->request) { /* our own trouble */
        sd_event_source_set_time(source, clock_us() + backoff_us(endpoint->failures));
        sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    }
    return 0;
}

/* Who has answered since the check began; one that is troubled counts where no other may come. */
static struct endpoint *answering(struct endpoints *endpoints, bool *ret_open)
{
    struct endpoint *found = NULL;
    *ret_open = false;
    for (size_t i = 0; i < endpoints->count; i++) {
        struct endpoint *endpoint = &endpoints->at[(endpoints->current + i) % endpoints->count];
        if (endpoint->request)
            *ret_open = true;
        else if (!endpoint->bad && endpoint->answered_us >= endpoints->check_began_us &&
                 (!found || (is_troubled(found) && !is_troubled(endpoint))))
            found = endpoint;
    }
    return found;
}

/* The address nearest to an answer: one that is not bad, or at least not silent. */
static const struct endpoint *telling(const struct endpoints *endpoints)
{
    const struct endpoint *found = &endpoints->at[0];
    for (size_t i = 1; i < endpoints->count && found->bad; i++)
        if (!endpoints->at[i].bad || found->failure == KC_UNREACHABLE)
            found = &endpoints->at[i];
    return found;
}

static void check_ends(struct endpoints *endpoints, enum kc_status status, const char *detail)
{
    endpoints->checking = false;
    sd_event_source_set_enabled(endpoints->timer, SD_EVENT_OFF);
    endpoints->calls.checked(endpoints->calls.userdata, status, detail);
}

static void ask_all(struct endpoints *endpoints)
{
    endpoints->all_asked = true;
    for (size_t i = 0; i < endpoints->count; i++)
        if (endpoints->at[i].answered_us < endpoints->check_began_us && i != endpoints->current)
            probe(&endpoints->at[i]);
}

/* From the loop: somebody answered or failed, or patience is over. */
static int on_settle(sd_event_source *source, uint64_t now, void *userdata)
{
    struct endpoints *endpoints = userdata;
    uint64_t last_us = endpoints->check_began_us + LAST_PATIENCE_US;
    bool open;
    (void)source;
    (void)now;
    struct endpoint *found = answering(endpoints, &open);
    bool good = found && !is_troubled(found);
    if (!good && !endpoints->all_asked) {
        ask_all(endpoints);
        found = answering(endpoints, &open);
    }
    if (endpoints->count < 2) {
        check_ends(endpoints, KC_OK, "");
    } else if (found && (good || !open || clock_us() >= last_us)) {
        endpoints->current = (size_t)(found - endpoints->at);
        check_ends(endpoints, KC_OK, "");
    } else if (!open) {
        const struct endpoint *last = telling(endpoints);
        endpoints->current = best(endpoints);
        check_ends(endpoints, last->bad ? last->failure : KC_OK, last->detail);
    } else if (found) {
        settle_soon(endpoints, last_us);
    }
    return 0;
}

void endpoints_check(struct endpoints *endpoints)
{
    if (endpoints->checking)
        return;
    endpoints->checking = true;
    endpoints->all_asked = false;
    endpoints->check_began_us = clock_us();
    endpoints->current = best(endpoints);
    if (endpoints->count > 1)
        probe(&endpoints->at[endpoints->current]);
    bool asked = endpoints->count > 1 && endpoints->at[endpoints->current].request;
    settle_soon(endpoints, asked ? endpoints->check_began_us + PATIENCE_US : 0);
}

bool endpoints_fresh(const struct endpoints *endpoints)
{
    if (endpoints->count < 2)
        return true;
    const struct endpoint *endpoint = &endpoints->at[endpoints->current];
    return rank(endpoint) == 0 && endpoint->answered_us &&
           clock_us() - endpoint->answered_us < FRESH_US;
}

const char *const *endpoints_order(struct endpoints *endpoints)
{
    size_t length = 0;
    if (!endpoints->count)
        return NULL;
    endpoints->current = best(endpoints);
    for (unsigned wanted = 0; wanted < 3 && (wanted < 2 || !length); wanted++) {
        for (size_t i = 0; i < endpoints->count; i++) {
            size_t index = (endpoints->current + i) % endpoints->count;
            if (rank(&endpoints->at[index]) == wanted)
                endpoints->order[length++] = *endpoints->at[index].target;
        }
    }
    endpoints->order[length] = NULL;
    return endpoints->order;
}

static struct endpoint *find(struct endpoints *endpoints, const char *address)
{
    for (size_t i = 0; address && i < endpoints->count; i++)
        if (strcmp(*endpoints->at[i].target, address) == 0)
            return &endpoints->at[i];
    return NULL;
}

void endpoints_answered(
    struct endpoints *endpoints, const struct http_answer *answer, bool was_post)
{
    struct endpoint *endpoint = find(endpoints, answer->target);
    if (!endpoint)
        return;
    note_good(endpoint);
    if (was_post)
        endpoint->troubled_us = 0;
    if (!answer->passed_over || endpoint == &endpoints->at[endpoints->current])
        return;
    /* the one in use took no connection: what is wrong with it, a GET finds out */
    struct endpoint *passed = &endpoints->at[endpoints->current];
    endpoints->current = (size_t)(endpoint - endpoints->at);
    probe(passed);
}

void endpoints_troubled(struct endpoints *endpoints, const char *address)
{
    struct endpoint *endpoint = find(endpoints, address);
    if (!endpoint || endpoints->count < 2)
        return;
    endpoint->troubled_us = clock_us() + TROUBLED_US;
    endpoints->current = best(endpoints);
}

enum kc_status endpoints_strict(const struct endpoints *endpoints, enum kc_status status)
{
    for (size_t i = 0; i < endpoints->count && status == KC_UNREACHABLE; i++)
        if (endpoints->at[i].bad)
            status = endpoints->at[i].failure;
    return status;
}

bool endpoints_report(
    const struct endpoints *endpoints, size_t index, struct endpoint_report *ret_report)
{
    if (index >= endpoints->count)
        return false;
    const struct endpoint *endpoint = &endpoints->at[index];
    *ret_report = (struct endpoint_report){.address = *endpoint->target,
        .in_use = index == endpoints->current,
        .failure = endpoint->bad ? endpoint->failure : KC_OK};
    return true;
}

void endpoints_free(struct endpoints *endpoints)
{
    if (!endpoints)
        return;
    for (size_t i = 0; i < endpoints->count; i++) {
        if (endpoints->at[i].request)
            http_cancel(endpoints->at[i].request);
        sd_event_source_disable_unref(endpoints->at[i].timer);
    }
    sd_event_source_disable_unref(endpoints->timer);
    sd_event_unref(endpoints->event);
    free(endpoints->order);
    free(endpoints);
}

static enum kc_status timer_new(
    sd_event *event, sd_event_time_handler_t handler, void *userdata, sd_event_source **ret_timer)
{
    sd_event_source *timer = NULL;
    if (sd_event_add_time(event, &timer, CLOCK_MONOTONIC, 0, 1000, handler, userdata) < 0)
        return KC_NO_MEMORY;
    sd_event_source_set_enabled(timer, SD_EVENT_OFF);
    *ret_timer = timer;
    return KC_OK;
}

enum kc_status endpoints_new(struct sd_event *event, const char *const *addresses,
    const struct endpoint_calls *calls, struct endpoints **ret_endpoints)
{
    size_t count = 0;
    while (addresses[count])
        count++;
    struct endpoints *endpoints = calloc(1, sizeof(*endpoints) + count * sizeof(struct endpoint));
    if (!endpoints)
        return KC_NO_MEMORY;
    endpoints->event = sd_event_ref(event);
    endpoints->calls = *calls;
    endpoints->count = count;
    endpoints->order = calloc(count + 1, sizeof(*endpoints->order));
    enum kc_status status = endpoints->order ? KC_OK : KC_NO_MEMORY;
    if (status == KC_OK)
        status = timer_new(event, on_settle, endpoints, &endpoints->timer);
    for (size_t i = 0; i < count && status == KC_OK; i++) {
        endpoints->at[i].owner = endpoints;
        endpoints->at[i].target[0] = addresses[i];
        status = timer_new(event, on_retry, &endpoints->at[i], &endpoints->at[i].timer);
    }
    if (status != KC_OK) {
        endpoints_free(endpoints);
        return status;
    }
    *ret_endpoints = endpoints;
    return KC_OK;
}
