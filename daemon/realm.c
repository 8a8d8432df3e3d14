/*
 * The realm object: made, reloaded, asked about.
 * Used by main.c, login.c, account.c, session_end.c, phases.c, grant.c; refresh.c keeps it fresh.
 * Must never be left half way between two configurations.
 */
#include "daemon/realm_internal.h"

#include <string.h>

/* What a configuration is turned into; made whole before anything of it is put in force. */
struct parts {
    struct http *http;
    struct client_auth *client;
    const char **connect_to;
    struct endpoints *endpoints;
};

static void parts_clear(struct parts *parts)
{
    endpoints_free(parts->endpoints);
    http_unref(parts->http);
    client_auth_unref(parts->client);
    free(parts->connect_to);
}

static void on_address_changed(
    void *userdata, const char *address, enum kc_status status, const char *detail)
{
    struct realm *realm = userdata;
    if (status == KC_OK && realm->down)
        realm_probe(realm); /* who waits for better days need not wait for the next round */
    if (realm->address_changed)
        realm->address_changed(realm->address_userdata, address, status, detail);
}

static enum kc_status parts_make(
    struct realm *realm, const struct config *config, struct parts *ret_parts)
{
    const struct config_client *client = &config->realm.client;
    const struct kc_list *list = &config->realm.connect_to;
    if (!config->realm.issuer || !*config->realm.issuer || !client->client_id)
        return KC_CONFIG_INVALID;
    KC_CLEANUP(parts_clear) struct parts parts = {NULL, NULL, NULL, NULL};
    struct client_auth_setting setting = {.method = client->auth,
        .client_id = client->client_id,
        .secret = &client->secret,
        .key = &client->key,
        .certificate_file = client->certificate_file};
    enum kc_status status = client_auth_new(&setting, &parts.client);
    if (status == KC_OK)
        status = http_new(realm->event, &parts.http);
    if (status != KC_OK)
        return status;
    parts.connect_to = calloc(list->count + 1, sizeof(*parts.connect_to));
    if (!parts.connect_to)
        return KC_NO_MEMORY;
    for (size_t i = 0; i < list->count; i++)
        parts.connect_to[i] = list->items[i];
    struct endpoint_calls calls = {refresh_ask, refresh_checked, on_address_changed, realm};
    status = endpoints_new(realm->event, parts.connect_to, &calls, &parts.endpoints);
    if (status != KC_OK)
        return status;
    *ret_parts = parts;
    parts = (struct parts){NULL, NULL, NULL, NULL};
    return KC_OK;
}

static void put_in_force(struct realm *realm, struct config *config, struct parts *parts)
{
    struct parts old = {realm->http, realm->client, realm->connect_to, realm->endpoints};
    struct config *old_config = realm->config;
    realm->http = parts->http;
    realm->client = parts->client;
    realm->connect_to = parts->connect_to;
    realm->endpoints = parts->endpoints;
    realm->config = config_ref(config);
    parts_clear(&old);
    config_unref(old_config);
}

static void forget(struct realm *realm)
{
    discovery_unref(KC_TAKE(realm->discovery));
    jose_jwks_unref(KC_TAKE(realm->keys));
    realm->keys_us = 0;
    realm->down = false;
    realm->held_us = 0;
    realm->report = (struct realm_report){.failure = KC_OK};
}

enum kc_status realm_new(struct sd_event *event, struct config *config, struct realm **ret_realm)
{
    struct parts parts;
    struct realm *realm = calloc(1, sizeof(*realm));
    if (!realm)
        return KC_NO_MEMORY;
    realm->event = sd_event_ref(event);
    enum kc_status status = parts_make(realm, config, &parts);
    if (status == KC_OK) {
        put_in_force(realm, config, &parts);
        status = grant_table_new(realm, &realm->grants);
    }
    if (status == KC_OK)
        status = refresh_init(realm);
    if (status != KC_OK) {
        realm_free(realm);
        return status;
    }
    *ret_realm = realm;
    return KC_OK;
}

void realm_free(struct realm *realm)
{
    if (!realm)
        return;
    grant_table_free(realm->grants);
    ending_free_all(realm);
    renewal_end_all(realm);
    refresh_free(realm);
    waits_free(realm);
    forget(realm);
    struct parts parts = {realm->http, realm->client, realm->connect_to, realm->endpoints};
    parts_clear(&parts);
    config_unref(realm->config);
    sd_event_unref(realm->event);
    free(realm);
}

enum kc_status realm_reload(struct realm *realm, struct config *config)
{
    struct parts parts;
    enum kc_status status = parts_make(realm, config, &parts);
    if (status != KC_OK)
        return status;
    bool same = strcmp(realm->config->realm.issuer, config->realm.issuer) == 0;
    put_in_force(realm, config, &parts);
    if (!same)
        forget(realm);
    refresh_restart(realm);
    if (waits_want_address(realm))
        endpoints_check(realm->endpoints);
    return KC_OK;
}

struct http_peer realm_peer(const struct realm *realm)
{
    const struct config_realm *config = &realm->config->realm;
    return (struct http_peer){.allow_http = config->allow_http,
        .ca_file = config->ca_file,
        .certificate_file = client_auth_certificate_file(realm->client),
        .key = client_auth_key(realm->client),
        .connect_to = endpoints_order(realm->endpoints)};
}

void realm_status(const struct realm *realm, struct realm_report *ret_report)
{
    *ret_report = realm->report;
    ret_report->ready = realm->discovery && realm->keys;
    ret_report->keys = realm->keys ? jose_jwks_count(realm->keys) : 0;
}

void realm_watch(struct realm *realm, realm_changed *changed, void *userdata)
{
    realm->changed = changed;
    realm->changed_userdata = userdata;
}

void realm_watch_addresses(struct realm *realm, realm_address_changed *changed, void *userdata)
{
    realm->address_changed = changed;
    realm->address_userdata = userdata;
}

bool realm_address(const struct realm *realm, size_t index, struct endpoint_report *ret_report)
{
    return endpoints_report(realm->endpoints, index, ret_report);
}

struct discovery *realm_discovery(const struct realm *realm)
{
    return realm->discovery;
}

const struct jose_jwks *realm_keys(const struct realm *realm)
{
    return realm->keys;
}

struct config *realm_config(const struct realm *realm)
{
    return realm->config;
}

struct client_auth *realm_client(const struct realm *realm)
{
    return realm->client;
}
