/*
 * The realm's own ids of clients: roles at a client are asked for by it, and rules name the other.
 * Used by standing.c, which learns them from whatever the realm shows; evidence.c keeps one.
 * Must never hold more clients than a configuration can name.
 */
#include "daemon/client_ids.h"

#include "daemon/access.h"
#include "jose/json.h"

#include <stdio.h>
#include <string.h>

struct client_id *client_ids_find(struct client_ids *ids, const char *name)
{
    for (size_t i = 0; i < ids->count; i++)
        if (strcmp(ids->items[i].name, name) == 0)
            return &ids->items[i];
    return NULL;
}

struct change {
    struct client_ids before, after;
};

static void want(void *userdata, const char *client)
{
    struct change *change = userdata;
    struct client_ids *ids = &change->after;
    const struct client_id *known = client_ids_find(&change->before, client);
    if (client_ids_find(ids, client) || ids->count >= CLIENT_IDS_MAX)
        return;
    struct client_id *item = &ids->items[ids->count++];
    if (known)
        *item = *known;
    else
        snprintf(item->name, sizeof item->name, "%s", client);
}

void client_ids_renew(struct client_ids *ids, const struct config *config)
{
    struct change change = {.before = *ids};
    access_clients(config, want, &change);
    *ids = change.after;
}

void client_ids_learn(struct client_ids *ids, const struct json_object *mappings)
{
    for (size_t i = 0; i < ids->count; i++) {
        struct json_object *mapping;
        const char *id;
        if (jose_json_object(mappings, ids->items[i].name, &mapping) == KC_OK &&
            jose_json_string(mapping, "id", PERSON_ID_MAX, &id, NULL) == KC_OK)
            snprintf(ids->items[i].id, sizeof ids->items[i].id, "%s", id);
    }
}
