/*
 * initgroups: the groups of a user who logs in.
 * Used by glibc, for the host's own users too.
 * Must never add a group to a user whose primary group is not the realm's.
 */
#include "common/account.h"
#include "common/paths.h"
#include "nss/ask.h"
#include "nss/entry.h"
#include "nss/lookup.h"

#include <arpa/inet.h>

#define NOT_TOLD ((gid_t)-1) /* nscd asks so, before it knows the user's passwd entry */

/* Whether the host's own files do not have the user. */
static bool is_stranger(const char *user)
{
    struct kc_account account;
    return kc_account_find(kc_path_passwd(), user, &account) == KC_NOT_FOUND;
}

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

/* Nothing of an answer that did not come whole is kept. */
static enum kc_status ask_gids(const struct nss_key *key, const struct nss_target *target)
{
    const long before = *target->gids->count;
    const enum kc_status status =
        target->gids->stranger || is_ours(target->gids->primary) ? ask_pages(key, target->gids)
                                                                 : KC_NOT_OURS;
    if (status != KC_OK)
        *target->gids->count = before;
    return status;
}

enum nss_status _nss_keycloak_initgroups_dyn(const char *user, gid_t primary, long int *start,
    long int *size, gid_t **groups, long int limit, int *errnop)
{
    struct nss_gids gids = {
        .array = groups,
        .count = start,
        .size = size,
        .limit = limit,
        .primary = primary,
        .stranger = primary == NOT_TOLD && is_stranger(user),
    };
    const struct nss_target target = {.gids = &gids};
    return nss_look_up_name(user, &target, ask_gids, errnop);
}
