/*
 * Protocol mappers: what Keycloak's own ones write into a token.
 * Used by claims alone.
 * Never guesses: a mapper that is not in the table writes nothing.
 */
#include "realm/mappers.h"

#include "common/cleanup.h"
#include "realm/people.h"
#include "realm/roles.h"
#include "realm/text.h"

#include <stdlib.h>
#include <string.h>

struct run {
    const struct realm *realm;
    const struct realm_grant *grant;
    struct json_object *claims;
    bool *roles; /* those of the user's that the client may see */
};

static const char *claim_name(struct json_object *config)
{
    return realm_json_text(config, "claim.name", "");
}

/* The object that a dotted name leads to, made on the way, and its last part. */
static struct json_object *object_of(
    struct json_object *claims, const char *dotted, const char **ret_last)
{
    for (const char *dot = strchr(dotted, '.'); dot != NULL; dot = strchr(dotted, '.')) {
        char *part KC_AUTO_FREE = realm_text_format("%.*s", (int)(dot - dotted), dotted);
        struct json_object *next = realm_json_member(claims, part);
        if (next == NULL) {
            next = json_object_new_object();
            json_object_object_add(claims, part, next);
        }
        claims = next;
        dotted = dot + 1;
    }
    *ret_last = dotted;
    return claims;
}

/* Appends to a list, as Keycloak does where two mappers write the same claim. */
static void append_text(struct json_object *claims, const char *dotted, const char *value)
{
    const char *last = NULL;
    struct json_object *object = object_of(claims, dotted, &last);
    struct json_object *list = realm_json_member(object, last);
    if (!json_object_is_type(list, json_type_array)) {
        list = json_object_new_array();
        json_object_object_add(object, last, list);
    }
    json_object_array_add(list, json_object_new_string(value));
}

/* One audience is a text, several are a list, and none stands there twice. */
static void add_audience(struct json_object *claims, const char *audience)
{
    struct json_object *have = realm_json_member(claims, "aud");
    if (have == NULL) {
        realm_json_put_text(claims, "aud", audience);
        return;
    }
    if (json_object_is_type(have, json_type_string)) {
        if (realm_text_same(json_object_get_string(have), audience))
            return;
        struct json_object *list = json_object_new_array();
        json_object_array_add(list, json_object_get(have));
        json_object_array_add(list, json_object_new_string(audience));
        json_object_object_add(claims, "aud", list);
        return;
    }
    for (size_t i = 0; i < realm_json_length(have); i++)
        if (realm_text_same(json_object_get_string(json_object_array_get_idx(have, i)), audience))
            return;
    json_object_array_add(have, json_object_new_string(audience));
}

static void put_text(struct run *run, struct json_object *config, const char *value)
{
    const char *last = NULL;
    struct json_object *object = object_of(run->claims, claim_name(config), &last);
    if (value != NULL && *last != '\0')
        realm_json_put_text(object, last, value);
}

static void full_name(struct run *run, struct json_object *config)
{
    (void)config;
    const struct realm_user *user = run->grant->user;
    const char *first = user->first_name ? user->first_name : "";
    const char *second = user->last_name ? user->last_name : "";
    if (*first == '\0' && *second == '\0')
        return;
    char *name KC_AUTO_FREE =
        realm_text_format("%s%s%s", first, *first && *second ? " " : "", second);
    realm_json_put_text(run->claims, "name", name);
}

static void user_attribute(struct run *run, struct json_object *config)
{
    const struct realm_user *user = run->grant->user;
    const char *name = realm_json_text(config, "user.attribute", "");
    const char *value = NULL;
    if (realm_text_same(name, "username"))
        value = user->name;
    else if (realm_text_same(name, "email"))
        value = user->email;
    else if (realm_text_same(name, "firstName"))
        value = user->first_name;
    else if (realm_text_same(name, "lastName"))
        value = user->last_name;
    if (value != NULL) {
        put_text(run, config, value);
        return;
    }
    struct json_object *attributes REALM_AUTO_JSON = realm_user_attributes(user);
    struct json_object *list = realm_json_member(attributes, name);
    bool all = realm_json_flag(config, "multivalued", false);
    for (size_t i = 0; i < realm_json_length(list); i++) {
        const char *text = json_object_get_string(json_object_array_get_idx(list, i));
        if (all)
            append_text(run->claims, claim_name(config), text);
        else if (i == 0)
            put_text(run, config, text);
    }
}

static void user_property(struct run *run, struct json_object *config)
{
    if (realm_text_same(realm_json_text(config, "user.attribute", ""), "emailVerified"))
        realm_json_put_flag(run->claims, claim_name(config), run->grant->user->email_verified);
    else
        user_attribute(run, config);
}

static void realm_roles(struct run *run, struct json_object *config)
{
    for (size_t i = 0; i < run->realm->role_count; i++)
        if (run->roles[i] && run->realm->roles[i]->client == NULL)
            append_text(run->claims, claim_name(config), run->realm->roles[i]->name);
}

/* The name of the claim has a hole for the client: resource_access.${client_id}.roles. */
static void client_roles(struct run *run, struct json_object *config)
{
    static const char hole[] = "${client_id}";
    const char *name = claim_name(config), *at = strstr(name, hole);
    const char *tail = at ? at + strlen(hole) : NULL;
    for (size_t i = 0; i < run->realm->role_count; i++) {
        const struct realm_role *role = run->realm->roles[i];
        if (!run->roles[i] || role->client == NULL || at == NULL || *tail != '.')
            continue;
        char *top KC_AUTO_FREE = realm_text_format("%.*s", (int)(at - name - 1), name);
        struct json_object *all = realm_json_member(run->claims, top);
        if (all == NULL)
            json_object_object_add(run->claims, top, all = json_object_new_object());
        struct json_object *one = realm_json_member(all, role->client->id);
        if (one == NULL)
            json_object_object_add(all, role->client->id, one = json_object_new_object());
        append_text(one, tail + 1, role->name);
    }
}

/* Every client of which the user holds a role, save the one that asks. */
static void audience_resolve(struct run *run, struct json_object *config)
{
    (void)config;
    for (size_t i = run->realm->role_count; i-- > 0;) {
        const struct realm_client *client = run->realm->roles[i]->client;
        if (run->roles[i] && client != NULL && client != run->grant->client)
            add_audience(run->claims, client->id);
    }
}

static void audience(struct run *run, struct json_object *config)
{
    const char *client = realm_json_text(config, "included.client.audience", "");
    const char *custom = realm_json_text(config, "included.custom.audience", "");
    if (*client != '\0' || *custom != '\0')
        add_audience(run->claims, *client ? client : custom);
}

static void acr(struct run *run, struct json_object *config)
{
    (void)config;
    realm_json_put_text(run->claims, "acr", "1");
}

static void subject(struct run *run, struct json_object *config)
{
    (void)config;
    realm_json_put_text(run->claims, "sub", run->grant->user->uuid);
}

static void groups(struct run *run, struct json_object *config)
{
    bool full = realm_json_flag(config, "full.path", true);
    for (size_t i = 0; i < run->grant->user->group_count; i++)
        append_text(run->claims, claim_name(config),
            full ? run->grant->user->groups[i]->path : run->grant->user->groups[i]->name);
}

static void hardcoded(struct run *run, struct json_object *config)
{
    put_text(run, config, realm_json_text(config, "claim.value", NULL));
}

static const struct {
    const char *name;
    void (*write)(struct run *run, struct json_object *config);
    bool since_25; /* 24 writes it itself */
} mappers[] = {
    {"oidc-full-name-mapper", full_name, false},
    {"oidc-usermodel-attribute-mapper", user_attribute, false},
    {"oidc-usermodel-property-mapper", user_property, false},
    {"oidc-usermodel-realm-role-mapper", realm_roles, false},
    {"oidc-usermodel-client-role-mapper", client_roles, false},
    {"oidc-audience-resolve-mapper", audience_resolve, false},
    {"oidc-audience-mapper", audience, false},
    {"oidc-acr-mapper", acr, false},
    {"oidc-sub-mapper", subject, true},
    {"oidc-group-membership-mapper", groups, false},
    {"oidc-hardcoded-claim-mapper", hardcoded, false},
};

static void run_list(struct run *run, struct json_object *list, const char *setting, bool otherwise)
{
    for (size_t i = 0; i < realm_json_length(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        struct json_object *config = realm_json_member(entry, "config");
        const char *name = realm_json_text(entry, "protocolMapper", "");
        for (size_t j = 0; j < sizeof(mappers) / sizeof(*mappers); j++)
            if (realm_text_same(mappers[j].name, name) &&
                realm_json_flag(config, setting, otherwise) &&
                !(mappers[j].since_25 && run->realm->like == REALM_LIKE_24))
                mappers[j].write(run, config);
    }
}

/* Without full scope a client sees its own roles, and those that its scopes name. */
static void visible_roles(struct run *run)
{
    const struct realm_client *client = run->grant->client;
    for (size_t i = 0; i < run->realm->role_count; i++)
        run->roles[i] = client->full_scope || run->realm->roles[i]->client == client;
    for (size_t i = 0; i < run->grant->scope_count; i++)
        for (size_t j = 0; j < run->grant->scopes[i]->role_count; j++)
            run->roles[run->grant->scopes[i]->roles[j]->index] = true;
    for (size_t i = 0; i < run->realm->role_count; i++)
        run->roles[i] = run->roles[i] && run->grant->user->roles[i];
}

void realm_mappers_run(const struct realm *realm, const struct realm_grant *grant,
    struct json_object *claims, enum realm_claims_for where, bool light)
{
    struct run run = {realm, grant, claims, realm_text_room(realm->role_count, sizeof(bool))};
    const char *setting = where == REALM_CLAIMS_ID ? "id.token.claim"
                          : light                  ? "lightweight.claim"
                                                   : "access.token.claim";
    visible_roles(&run);
    run_list(&run, grant->client->mappers, setting, false);
    for (size_t i = 0; i < grant->scope_count; i++)
        run_list(&run, grant->scopes[i]->mappers, setting, false);
    free(run.roles);
}
