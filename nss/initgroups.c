/*
 * initgroups: the groups of a user who logs in.
 * Used by glibc, for the host's own users too.
 * Must never add a group to a user whose primary group is not the realm's.
 */
#include "common/paths.h"
#include "nss/ask.h"
#include "nss/entry.h"
#include "nss/result.h"

#include <arpa/inet.h>
#include <errno.h>

/* Whether a gid is the realm's, by host.conf. */
static bool is_ours(gid_t gid)
{
    struct kc_conf_error error;
    KC_AUTO_BOUNDS struct kc_bounds *bounds = NULL;
    return kc_bounds_load(kc_path_host_conf(), kc_path_owner(), &bounds, &error) == KC_OK &&
           kc_bounds_id(bounds, gid);
}

static bool add_page(struct nss_gids *gids, const struct kc_wire_entry *entry)
{
    const uint8_t *bytes = entry->list.bytes;
    struct kc_conf_error error;
    KC_AUTO_BOUNDS struct kc_bounds *bounds = NULL;
    if (kc_bounds_load(kc_path_host_conf(), kc_path_owner(), &bounds, &error) != KC_OK)
        return false;
    for (uint32_t i = 0; i < entry->count; i++) {
        uint32_t gid;
        memcpy(&gid, bytes + (size_t)i * sizeof gid, sizeof gid);
        if (!kc_bounds_id(bounds, ntohl(gid)) || !nss_gids_add(gids, ntohl(gid)))
            return false;
    }
    return true;
}

static enum kc_status ask_pages(const struct nss_key *key, struct nss_gids *gids)
{
    NSS_AUTO_ANSWER struct nss_answer answer = NSS_ANSWER_INIT;
    uint32_t done = 0;
    enum kc_status status = nss_ask(KC_LOOKUP_GIDS, key, 0, &answer);
    while (status == KC_OK) {
        if (!add_page(gids, &answer.entry))
            return KC_PROTOCOL;
        done += answer.entry.count;
        if (done >= answer.entry.total || answer.entry.count == 0 || done > KC_SNAPSHOT_GROUPS_MAX)
            break;
        status = nss_ask(KC_LOOKUP_GIDS, key, done, &answer);
    }
    return status;
}

static enum nss_status ask_gids(const struct nss_key *key, struct nss_gids *gids, int *errnop)
{
    const long before = *gids->count;
    const enum kc_status status = ask_pages(key, gids);
    if (status == KC_OK)
        return NSS_STATUS_SUCCESS;
    *gids->count = before;
    if (nss_is_outage(status) && nss_find_groups(key, NSS_WITHIN_GRACE, gids) == NSS_FOUND)
        return NSS_STATUS_SUCCESS;
    return nss_result(status, errnop);
}

static enum nss_status get_gids(const struct nss_key *key, struct nss_gids *gids, int *errnop)
{
    switch (nss_find_groups(key, NSS_FRESH, gids)) {
    case NSS_FOUND:
        return NSS_STATUS_SUCCESS;
    case NSS_LOCAL:
        return nss_result(KC_NOT_OURS, errnop);
    case NSS_NO_ROOM:
        *errnop = ENOMEM;
        return NSS_STATUS_TRYAGAIN;
    default:
        return is_ours(gids->primary) ? ask_gids(key, gids, errnop)
                                      : nss_result(KC_NOT_OURS, errnop);
    }
}

enum nss_status _nss_keycloak_initgroups_dyn(const char *user, gid_t primary, long int *start,
    long int *size, gid_t **groups, long int limit, int *errnop)
{
    const int before = errno;
    struct nss_key key;
    struct nss_gids gids = {
        .array = groups,
        .count = start,
        .size = size,
        .limit = limit,
        .primary = primary,
    };
    enum nss_status status;
    if (!nss_key_by_name(user, &key))
        return nss_result(KC_USER_UNKNOWN, errnop);
    status = get_gids(&key, &gids, errnop);
    if (errnop != &errno || status == NSS_STATUS_SUCCESS)
        errno = before;
    return status;
}
