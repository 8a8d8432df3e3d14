/*
 * Host bounds: host.conf and what follows from it.
 * Used by the modules and the daemon alike.
 * Must never list root, a system account or an account whose line cannot be read.
 */
#include "common/bounds.h"

#include "common/account.h"
#include "common/name.h"

#include <stdlib.h>
#include <string.h>

#define OPTIONS 4u

static const char *check_account(const char *item)
{
    bool group = item[0] == '@';
    if (strcmp(item, "root") == 0 || strcmp(item, "@root") == 0)
        return "root is never opened by a realm password";
    if (group ? !kc_name_valid_group(item + 1, strlen(item + 1))
              : !kc_name_valid_user(item, strlen(item)))
        return "must be user names and @group names of [a-z_][a-z0-9_.-]{0,31}";
    return NULL;
}

/* Called on a range that has been read. */
static const char *check_ids(const char *value)
{
    uint32_t first = 0, last = 0;
    const char *dash = strchr(value, '-');
    (void)kc_option_number(value, (size_t)(dash - value), &first);
    (void)kc_option_number(dash + 1, strlen(dash + 1), &last);
    if (first < KC_LOCAL_UID_MIN)
        return "must begin at 1000 or above: the ids below are the system's";
    if (last == UINT32_MAX)
        return "must end below 4294967295, which is no id";
    return NULL;
}

static const char *check_home(const char *path)
{
    return strcmp(path, "/") == 0 ? "must be a folder below /" : NULL;
}

static const struct kc_option rows[OPTIONS] = {
    {.name = "ids",
        .type = KC_OPTION_IDS,
        .offset = offsetof(struct kc_bounds, ids),
        .fallback = "1879048192-2147352575",
        .check = check_ids,
        .meaning = "The uids and gids that belong to the realm."},
    {.name = "allow_overlap",
        .type = KC_OPTION_BOOL,
        .offset = offsetof(struct kc_bounds, allow_overlap),
        .fallback = "no",
        .meaning = "Start although the range meets one of login.defs, subuid or subgid."},
    {.name = "home_prefix",
        .type = KC_OPTION_PATH,
        .offset = offsetof(struct kc_bounds, home_prefix),
        .fallback = "/home",
        .check = check_home,
        .meaning = "The folder below which homes of realm users lie."},
    {.name = "local_accounts",
        .type = KC_OPTION_WORDS,
        .offset = offsetof(struct kc_bounds, local_accounts),
        .check = check_account,
        .syntax = "user names and @group names, parted by blanks",
        .meaning = "Accounts of the host's own files that a realm password may open."},
};

const struct kc_option_table kc_bounds_options = {rows, OPTIONS};

struct load {
    struct kc_bounds *bounds;
    unsigned lines[OPTIONS];
};

static enum kc_status take_item(
    void *userdata, const struct kc_conf_item *item, struct kc_conf_error *ret_error)
{
    struct load *load = userdata;
    if (!item->key)
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "this file has no sections");
    return kc_option_take(&kc_bounds_options, load->bounds, load->lines, item, ret_error);
}

void kc_bounds_free(struct kc_bounds *bounds)
{
    if (bounds)
        kc_options_free(&kc_bounds_options, bounds);
    free(bounds);
}

enum kc_status kc_bounds_parse(const char *bytes, size_t length, struct kc_bounds **ret_bounds,
    struct kc_conf_error *ret_error)
{
    KC_AUTO_BOUNDS struct kc_bounds *bounds = calloc(1, sizeof *bounds);
    if (!bounds || kc_options_init(&kc_bounds_options, bounds) != KC_OK)
        return kc_conf_fail(ret_error, KC_NO_MEMORY, "no memory");
    struct load load = {.bounds = bounds};
    enum kc_status status = kc_conf_parse(bytes, length, take_item, &load, ret_error);
    if (status == KC_OK)
        *ret_bounds = KC_TAKE(bounds);
    return status;
}

enum kc_status kc_bounds_load(
    const char *path, uid_t owner, struct kc_bounds **ret_bounds, struct kc_conf_error *ret_error)
{
    KC_AUTO_FREE char *bytes = NULL;
    size_t length = 0;
    enum kc_status status = kc_conf_read(path, owner, KC_CONF_FILE_MAX, &bytes, &length, ret_error);
    if (status != KC_OK && status != KC_NOT_FOUND)
        return status;
    ret_error->text[0] = 0;
    return kc_bounds_parse(bytes, length, ret_bounds, ret_error);
}

bool kc_bounds_id(const struct kc_bounds *bounds, uint32_t id)
{
    return id >= bounds->ids.first && id <= bounds->ids.last && id != 0 && id != 65534 &&
           id != 65535 && id != UINT32_MAX;
}

static enum kc_status is_listed(const struct kc_bounds *bounds, const char *group, const char *name,
    gid_t gid, bool *ret_listed)
{
    bool listed = false;
    for (size_t i = 0; i < bounds->local_accounts.count && !listed; i++) {
        const char *item = bounds->local_accounts.items[i];
        enum kc_status status = KC_OK;
        if (item[0] == '@')
            status = kc_account_in_group(group, item + 1, name, gid, &listed);
        else
            listed = strcmp(item, name) == 0;
        if (status != KC_OK)
            return status;
    }
    *ret_listed = listed;
    return KC_OK;
}

enum kc_status kc_bounds_account(const struct kc_bounds *bounds, const char *passwd,
    const char *group, const char *name, enum kc_account_kind *ret_kind, uid_t *ret_uid)
{
    struct kc_account account;
    bool listed = false;
    enum kc_status status = kc_account_find(passwd, name, &account);
    if (status == KC_NOT_FOUND) {
        *ret_kind = KC_ACCOUNT_ABSENT;
        return KC_OK;
    }
    if (status != KC_OK)
        return status;
    if (account.sound && account.uid >= KC_LOCAL_UID_MIN && account.uid != 65534 &&
        account.uid != 65535 && account.uid != UINT32_MAX && kc_name_valid_user(name, strlen(name)))
        status = is_listed(bounds, group, name, account.gid, &listed);
    if (status != KC_OK)
        return status;
    *ret_kind = listed ? KC_ACCOUNT_LISTED : KC_ACCOUNT_LOCAL;
    if (listed && ret_uid)
        *ret_uid = account.uid;
    return KC_OK;
}
