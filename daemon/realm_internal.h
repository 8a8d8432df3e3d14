/*
 * The realm object from within: realm.c, refresh.c, await.c, logout.c and grant.c are its parts.
 * Used by those alone; everybody else has realm.h and grant.h.
 * Must never let one part free what another still waits for: every part gives back its own.
 */
#ifndef DAEMON_REALM_INTERNAL_H
#define DAEMON_REALM_INTERNAL_H

#include "daemon/client_auth.h"
#include "daemon/config.h"
#include "daemon/discovery.h"
#include "daemon/endpoint.h"
#include "daemon/http.h"
#include "daemon/realm.h"
#include "jose/jwks.h"

#include <sys/queue.h>
#include <systemd/sd-event.h>

#define REFRESH_PAUSE_US ((uint64_t)1000000) /* after a round that failed */

struct grant_table;
struct ending;

/* What is under way to refresh discovery and keys; at most one at a time. */
struct refresh {
    sd_event_source *timer; /* for the next thing to do */
    struct http_request *request;
    struct discovery *fetched; /* of this round, not in force before its keys are there */
    bool checks;               /* the round waits for an address that answers */
    bool whole;                /* discovery and keys, not keys alone */
    bool probe;                /* a person's failure asked for it */
    bool wanted;               /* a whole round, as soon as the last one is a second old */
    uint64_t began_us;         /* of the last round; 0: none yet */
    uint64_t keys_began_us;    /* of the last fetch of keys */
    uint64_t keys_number;      /* fetches of keys begun so far */
    uint64_t failed_us;        /* end of the last round, if it failed; 0: it did not */
    uint64_t next_us;          /* when the next round is due by itself */
    unsigned failures;         /* in a row */
};

struct realm {
    sd_event *event;
    struct config *config;
    struct http *http;
    struct client_auth *client;
    const char **connect_to; /* the configuration's, NULL-terminated */
    struct endpoints *endpoints; /* the same */
    struct discovery *discovery;
    struct jose_jwks *keys;
    uint64_t keys_us; /* when they were fetched */
    bool down;        /* a probe failed; logins wait for the next one */
    uint64_t held_us; /* a probe's Retry-After; until then nobody is asked for */
    struct refresh refresh;
    struct realm_wait *waits;
    size_t wait_count;
    uint64_t wait_number;
    struct realm_report report;
    realm_changed *changed;
    void *changed_userdata;
    realm_address_changed *address_changed;
    void *address_userdata;
    struct ending *endings;
    size_t ending_count;
    struct grant_table *grants;
    LIST_HEAD(, renewal) renewals;
    unsigned renewal_count;
};

/* How the realm's server is spoken to under the configuration in force; good until the loop goes on. */
struct http_peer realm_peer(const struct realm *realm);

/* refresh.c */
enum kc_status refresh_init(struct realm *realm);
void refresh_restart(struct realm *realm); /* drops the round under way and begins a new one */
void refresh_plan(struct realm *realm);    /* arms the timer for what is due next */
void refresh_free(struct realm *realm);
bool refresh_runs(const struct realm *realm); /* a round, or its check of addresses, is under way */
endpoint_ask refresh_ask;         /* the endpoints' calls; their userdata is the realm */
endpoint_checked refresh_checked;
/* True of what stops logins: an answer that came, such as a firewall's 403, does not. */
bool refresh_means_down(enum kc_status status);

/* await.c */
bool waits_want_keys(const struct realm *realm);
/* Ends the waits for fetches of keys up to `keys_number`, and with `round` those for a round. */
void waits_end(struct realm *realm, bool round, uint64_t keys_number, enum kc_status status,
    const char *detail);
/* Ends the waits for an address; where the realm is not usable any more they wait for a round. */
void waits_end_address(struct realm *realm, enum kc_status status, const char *detail);
bool waits_want_address(const struct realm *realm);
void waits_free(struct realm *realm); /* without their callbacks */

/* logout.c: whose session, and as whom; a grant ends its own under what it began with. */
struct ending_target {
    struct discovery *discovery; /* NULL: nothing is known yet */
    struct client_auth *client;
    const struct kc_secret *refresh_token; /* this, or where it is empty */
    const struct kc_secret *access_token;  /* this */
};
enum kc_status ending_start(
    struct realm *realm, const struct ending_target *target, realm_ended *ended, void *userdata);
void ending_free_all(struct realm *realm);

/* renewal.c */
void renewal_end_all(struct realm *realm); /* KC_CANCELLED, at the end of everything */

/* grant.c */
enum kc_status grant_table_new(struct realm *realm, struct grant_table **ret_table);
size_t grant_table_count(const struct grant_table *table); /* grants that wait or run */
void grant_table_free(struct grant_table *table); /* grants end without their callbacks */

#endif
