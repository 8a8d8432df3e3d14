/*
 * Those who wait for a round of the realm's refresh, each with a deadline.
 * Used by grant.c through realm.h; refresh.c ends the waits.
 * Must never let somebody wait while what is known will do.
 */
#include "daemon/clock.h"
#include "daemon/realm_internal.h"

#define WAITS_MAX 1024
#define OPEN_WAIT_US ((uint64_t)200000)      /* for a probe, while the realm is down */
#define KEYS_OLD_US (3600 * CLOCK_SECOND_US) /* older ones are as good as none */

struct realm_wait {
    struct realm *realm;
    struct realm_wait *previous, *next;
    uint64_t number;
    bool address;         /* waits for an address that answers, then not for a round */
    uint64_t keys_number; /* which fetch of keys is waited for; 0: a whole round */
    sd_event_source *timer;
    realm_ready *ready;
    void *userdata;
};

static bool is_usable(const struct realm *realm)
{
    return realm->discovery && realm->keys && clock_us() - realm->keys_us < KEYS_OLD_US;
}

bool waits_want_keys(const struct realm *realm)
{
    for (const struct realm_wait *wait = realm->waits; wait; wait = wait->next)
        if (wait->keys_number)
            return true;
    return false;
}

static void wait_unlink(struct realm_wait *wait)
{
    struct realm *realm = wait->realm;
    if (wait->previous)
        wait->previous->next = wait->next;
    else
        realm->waits = wait->next;
    if (wait->next)
        wait->next->previous = wait->previous;
    realm->wait_count--;
}

static void wait_free(struct realm_wait *wait)
{
    sd_event_source_disable_unref(wait->timer);
    free(wait);
}

static void wait_end(struct realm_wait *wait, enum kc_status status, const char *detail)
{
    wait_unlink(wait);
    wait->ready(wait->userdata, status, detail);
    wait_free(wait);
}

void waits_end(struct realm *realm, bool round, uint64_t keys_number, enum kc_status status,
    const char *detail)
{
    uint64_t last = realm->wait_number;
    for (struct realm_wait *wait = realm->waits; wait;) {
        bool ends = wait->keys_number ? wait->keys_number <= keys_number : round && !wait->address;
        if (!ends || wait->number > last) {
            wait = wait->next;
            continue;
        }
        wait_end(wait, status, detail);
        wait = realm->waits; /* the callback may have changed the list anywhere */
    }
}

void waits_free(struct realm *realm)
{
    while (realm->waits)
        realm_wait_cancel(realm->waits);
}

bool waits_want_address(const struct realm *realm)
{
    for (const struct realm_wait *wait = realm->waits; wait; wait = wait->next)
        if (wait->address)
            return true;
    return false;
}

void waits_end_address(struct realm *realm, enum kc_status status, const char *detail)
{
    uint64_t last = realm->wait_number;
    for (struct realm_wait *wait = realm->waits; wait;) {
        if (!wait->address || wait->number > last) {
            wait = wait->next;
        } else if (status == KC_OK && !is_usable(realm)) {
            wait->address = false; /* a reload to another issuer came between */
            realm->refresh.wanted = realm->refresh.wanted || !refresh_runs(realm);
            refresh_plan(realm);
            wait = wait->next;
        } else {
            wait_end(wait, status, detail);
            wait = realm->waits; /* as above */
        }
    }
}

/* What is known of a realm that is down says more than that the next probe is not back yet. */
static int on_deadline(sd_event_source *source, uint64_t now, void *userdata)
{
    struct realm_wait *wait = userdata;
    const struct realm *realm = wait->realm;
    (void)source;
    (void)now;
    if (realm->down && !wait->keys_number) {
        wait_end(wait, realm->report.failure, realm->report.detail);
        return 0;
    }
    wait_end(wait, KC_TIMED_OUT, "the realm's discovery did not come in time");
    return 0;
}

static enum kc_status wait_new(struct realm *realm, uint64_t deadline_us, uint64_t keys_number,
    realm_ready *ready, void *userdata, struct realm_wait **ret_wait)
{
    if (realm->wait_count >= WAITS_MAX)
        return KC_BUSY;
    struct realm_wait *wait = calloc(1, sizeof(*wait));
    if (!wait)
        return KC_NO_MEMORY;
    if (sd_event_add_time(realm->event, &wait->timer, CLOCK_MONOTONIC, deadline_us, 1000,
            on_deadline, wait) < 0) {
        free(wait);
        return KC_NO_MEMORY;
    }
    wait->realm = realm;
    wait->number = ++realm->wait_number;
    wait->keys_number = keys_number;
    wait->ready = ready;
    wait->userdata = userdata;
    wait->next = realm->waits;
    if (realm->waits)
        realm->waits->previous = wait;
    realm->waits = wait;
    realm->wait_count++;
    *ret_wait = wait;
    return KC_OK;
}

void realm_wait_cancel(struct realm_wait *wait)
{
    wait_unlink(wait);
    wait_free(wait);
}

/* A grant is POSTed once: of more addresses than one it goes to one that answers a GET now. */
static enum kc_status await_address(struct realm *realm, uint64_t deadline_us, realm_ready *ready,
    void *userdata, struct realm_wait **ret_wait)
{
    if (endpoints_fresh(realm->endpoints)) {
        ready(userdata, KC_OK, "");
        return KC_OK;
    }
    enum kc_status status = wait_new(realm, deadline_us, 0, ready, userdata, ret_wait);
    if (status == KC_OK) {
        (*ret_wait)->address = true;
        endpoints_check(realm->endpoints);
    }
    return status;
}

enum kc_status realm_await(struct realm *realm, uint64_t deadline_us, realm_ready *ready,
    void *userdata, struct realm_wait **ret_wait)
{
    struct refresh *refresh = &realm->refresh;
    uint64_t now = clock_us();
    *ret_wait = NULL;
    if (now < realm->held_us) {
        ready(userdata, KC_HTTP_TOO_MANY_REQUESTS, "the realm asked this host to wait");
        return KC_OK;
    }
    if (is_usable(realm) && !realm->down)
        return await_address(realm, deadline_us, ready, userdata, ret_wait);
    if (!refresh_runs(realm) && refresh->failed_us && now - refresh->failed_us < REFRESH_PAUSE_US) {
        ready(userdata, realm->report.failure, realm->report.detail);
        return KC_OK;
    }
    if (realm->down && deadline_us > now + OPEN_WAIT_US)
        deadline_us = now + OPEN_WAIT_US;
    enum kc_status status = wait_new(realm, deadline_us, 0, ready, userdata, ret_wait);
    if (status == KC_OK) {
        refresh->wanted = refresh->wanted || !refresh_runs(realm) || !refresh->whole;
        refresh_plan(realm);
    }
    return status;
}

enum kc_status realm_await_keys(struct realm *realm, uint64_t deadline_us, realm_ready *ready,
    void *userdata, struct realm_wait **ret_wait)
{
    *ret_wait = NULL;
    enum kc_status status =
        wait_new(realm, deadline_us, realm->refresh.keys_number + 1, ready, userdata, ret_wait);
    if (status == KC_OK)
        refresh_plan(realm);
    return status;
}

enum kc_status realm_await_probe(struct realm *realm, uint64_t deadline_us, realm_ready *ready,
    void *userdata, struct realm_wait **ret_wait)
{
    const struct refresh *refresh = &realm->refresh;
    const uint64_t last = refresh->failed_us ? refresh->failed_us : refresh->began_us;
    *ret_wait = NULL;
    if (!refresh_runs(realm) && last && clock_us() - last < REFRESH_PAUSE_US) {
        ready(userdata, refresh->failed_us ? realm->report.failure : KC_OK, realm->report.detail);
        return KC_OK;
    }
    enum kc_status status = wait_new(realm, deadline_us, 0, ready, userdata, ret_wait);
    if (status == KC_OK)
        realm_probe(realm);
    return status;
}
