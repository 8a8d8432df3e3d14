/*
 * Asks the daemon what the snapshot does not know.
 * Used by passwd.c, group.c and initgroups.c after a miss.
 * Must never wait longer than KC_LOOKUP_MS, nor again and again for a daemon that is silent.
 */
#include "nss/ask.h"

#include "common/field.h"
#include "common/name.h"
#include "common/paths.h"

#include <stdatomic.h>
#include <unistd.h>

#define SILENCE_MS 60000 /* a daemon that did not answer is left alone */

/* When a silent daemon may be asked again, in kc_now_ms time; 0: at once. */
static _Atomic int64_t silent_until;

static enum kc_status exchange(const struct kc_wire_request *request, int64_t deadline,
    struct kc_secret *storage, struct kc_wire_reply *reply)
{
    const enum kc_socket socket = geteuid() == 0 ? KC_SOCKET_PRIVILEGED : KC_SOCKET_PUBLIC;
    KC_AUTO_CLIENT struct kc_client client = KC_CLIENT_INIT;
    enum kc_status status = kc_client_open(kc_path_run(), socket, kc_path_owner(), &client);
    if (status == KC_OK)
        status = kc_client_send(&client, request, -1, deadline, storage);
    if (status == KC_OK)
        status = kc_client_receive(&client, deadline, storage, reply);
    return status;
}

static bool is_field(struct kc_view field)
{
    return kc_field_valid((const char *)field.bytes, field.length);
}

static bool is_home(const struct kc_bounds *bounds, struct kc_view home)
{
    char path[KC_FIELD_MAX + 1];
    if (home.length > KC_FIELD_MAX)
        return false;
    memcpy(path, home.bytes, home.length);
    path[home.length] = '\0';
    return kc_field_home(path, bounds->home_prefix, kc_field_prefix(bounds->home_prefix));
}

static bool is_key(const struct nss_key *key, const char *name, uint32_t id)
{
    return key->name ? strlen(name) == key->length && memcmp(name, key->name, key->length) == 0
                     : id == key->id;
}

/* Whether a user or group is the one asked for, and one that a realm may have. */
static bool is_fitting(const struct kc_bounds *bounds, enum kc_wire_type type,
    const struct nss_key *key, const struct kc_wire_entry *entry)
{
    if (type == KC_WIRE_GIDS)
        return true; /* each gid is checked where it is used */
    if (type == KC_WIRE_GROUP)
        return kc_name_valid_group(entry->name, strlen(entry->name)) &&
               is_key(key, entry->name, entry->gid) && kc_bounds_id(bounds, entry->gid);
    return kc_name_valid_user(entry->name, strlen(entry->name)) &&
           is_key(key, entry->name, entry->uid) && kc_bounds_id(bounds, entry->uid) &&
           kc_bounds_id(bounds, entry->gid) && is_field(entry->gecos) &&
           is_home(bounds, entry->home) && is_field(entry->shell);
}

static enum kc_status take(const struct kc_bounds *bounds, const struct nss_key *key,
    enum kc_lookup_kind kind, const struct kc_wire_reply *reply, struct kc_wire_entry *ret_entry)
{
    static const enum kc_wire_type types[] = {
        [KC_LOOKUP_USER] = KC_WIRE_USER,
        [KC_LOOKUP_GROUP] = KC_WIRE_GROUP,
        [KC_LOOKUP_GIDS] = KC_WIRE_GIDS,
    };
    if (reply->type == KC_WIRE_DONE) {
        const enum kc_status status = kc_status_from_wire((unsigned)reply->class, reply->word);
        return status == KC_OK ? KC_PROTOCOL : status;
    }
    if (reply->type != types[kind] || !is_fitting(bounds, reply->type, key, &reply->entry))
        return KC_PROTOCOL;
    *ret_entry = reply->entry;
    return KC_OK;
}

/* Nobody is asked for what cannot be the realm's. */
static bool is_askable(
    const struct kc_bounds *bounds, enum kc_lookup_kind kind, const struct nss_key *key)
{
    if (!key->name)
        return kc_bounds_id(bounds, key->id);
    return kind == KC_LOOKUP_GROUP ? kc_name_valid_group(key->name, key->length)
                                   : kc_name_valid_user(key->name, key->length);
}

enum kc_status nss_ask(enum kc_lookup_kind kind, const struct nss_key *key, uint32_t skip,
    struct nss_answer *ret_answer)
{
    struct kc_wire_request request = {
        .type = KC_WIRE_LOOKUP,
        .lookup = {.kind = kind, .id = key->name ? 0 : key->id, .skip = skip},
    };
    struct kc_wire_reply reply;
    struct kc_conf_error error;
    KC_AUTO_BOUNDS struct kc_bounds *bounds = NULL;
    enum kc_status status = kc_bounds_load(kc_path_host_conf(), kc_path_owner(), &bounds, &error);
    if (status != KC_OK)
        return status;
    if (!is_askable(bounds, kind, key))
        return KC_NOT_OURS;
    if (kc_now_ms() < atomic_load_explicit(&silent_until, memory_order_relaxed))
        return KC_TIMED_OUT;
    if (key->name)
        memcpy(request.lookup.name, key->name, key->length);
    nss_answer_clear(ret_answer);
    if (ret_answer->deadline == 0)
        ret_answer->deadline = kc_now_ms() + KC_LOOKUP_MS;
    if (kc_now_ms() < ret_answer->deadline)
        status = exchange(&request, ret_answer->deadline, &ret_answer->storage, &reply);
    else
        status = KC_TIMED_OUT;
    if (status == KC_TIMED_OUT)
        atomic_store_explicit(&silent_until, kc_now_ms() + SILENCE_MS, memory_order_relaxed);
    return status == KC_OK ? take(bounds, key, kind, &reply, &ret_answer->entry) : status;
}
