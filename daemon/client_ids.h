/*
 * The realm's own ids of clients: roles at a client are asked for by it, and rules name the other.
 * Used by standing.c, which learns them from whatever the realm shows; evidence.c keeps one.
 * Must never hold more clients than a configuration can name.
 */
#ifndef DAEMON_CLIENT_IDS_H
#define DAEMON_CLIENT_IDS_H

#include "daemon/access_rule.h"
#include "daemon/person.h"

#include <stdint.h>

#define CLIENT_IDS_MAX 16u /* clients that the rules name; of others no role is known */

struct client_id {
    char name[ACCESS_NAME_MAX + 1]; /* clientId */
    char id[PERSON_ID_MAX + 1];     /* "" while it is not known */
    uint64_t hidden_us; /* CLOCK_MONOTONIC: until then the list of clients is not asked for it */
};

struct client_ids {
    struct client_id items[CLIENT_IDS_MAX];
    size_t count;
};

/* Holds each client that a rule names, and no other; what is known of them already stays. */
struct config;
void client_ids_renew(struct client_ids *ids, const struct config *config);

/* NULL: no rule names it. */
struct client_id *client_ids_find(struct client_ids *ids, const char *name);

/* From `clientMappings` of users or groups: NAME: {"id": ID}. What is of another form is left out. */
struct json_object;
void client_ids_learn(struct client_ids *ids, const struct json_object *mappings);

#endif
