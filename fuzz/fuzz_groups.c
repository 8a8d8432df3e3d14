/*
 * Fuzz target: a group of the Admin API, and a page of children, as the sweep reads them.
 * The first byte says which, and with which options. Each group that comes of it has a Linux name,
 * a gid in range, and is found again by name, gid and id.
 */
#include "common/name.h"
#include "daemon/bindings.h"
#include "daemon/sweep_internal.h"
#include "fuzz/target.h"
#include "jose/json.h"

#include <string.h>

static struct daemon host;
static struct directory directory;

static void set_up(void)
{
    static const char text[] =
        "[realm]\nissuer = https://idp.example.org/realms/linux\n"
        "client_id = linux-pam\nclient_auth = none\n"
        "[groups]\nserve = /linux-users /engineering /engineering/* /a/* /c\n"
        "name.night = /night shift/late\n";
    struct kc_conf_error error;
    struct sd_event *event = NULL;
    FUZZ_MUST(config_parse(text, sizeof text - 1, &host.config, &error) == KC_OK);
    FUZZ_MUST(kc_bounds_parse("", 0, &host.bounds, &error) == KC_OK);
    FUZZ_MUST(sd_event_new(&event) >= 0);
    directory.daemon = &host;
    directory.judged_by = &directory.groups;
    FUZZ_MUST(bindings_new(&directory.bindings) == KC_OK && people_new(&directory.people) == KC_OK);
    FUZZ_MUST(locals_new(event, "/dev/null", "/dev/null", NULL, NULL, &directory.locals) == KC_OK);
}

static void check(struct known_groups *groups)
{
    struct known_group *found[GROUP_DEPTH_MAX];
    FUZZ_MUST(groups_settle(groups) == KC_OK);
    for (size_t i = 0; i < groups->count; i++) {
        const struct known_group *group = &groups->items[i];
        FUZZ_MUST(kc_name_valid_group(group->name, strlen(group->name)));
        FUZZ_MUST(kc_bounds_id(host.bounds, group->gid));
        FUZZ_MUST(group_by_name(groups, group->name) == group);
        FUZZ_MUST(group_by_gid(groups, group->gid) == group);
        FUZZ_MUST(group_by_id(groups, group->id) == group);
        FUZZ_MUST(groups_of_member(groups, group->id, found) >= 1 && found[0] == group);
    }
    for (size_t i = 0; i < groups->link_count; i++)
        FUZZ_MUST(groups_has_link(groups, groups->links[i].id));
}

static void forget(struct sweep *sweep)
{
    struct list *list;
    while ((list = STAILQ_FIRST(&sweep->waiting))) {
        STAILQ_REMOVE_HEAD(&sweep->waiting, next);
        list_free(list);
    }
    groups_clear(&sweep->groups);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    JOSE_AUTO_JSON struct json_object *answer = NULL;
    struct sweep sweep = {.directory = &directory};
    struct list *list = NULL;
    bool last = false;
    if (!host.config)
        set_up();
    STAILQ_INIT(&sweep.waiting);
    if (length < 1 ||
        jose_json_parse(bytes + 1, length - 1, &jose_json_answer_limits, &answer) != KC_OK)
        return 0;
    host.config->groups.parents = bytes[0] & 1;
    FUZZ_MUST(
        list_new(&sweep, bytes[0] & 2 ? LIST_CHILDREN : LIST_GROUP, "parent", &list) == KC_OK);
    list->children = bytes[0] & 4;
    list->prefetch = bytes[0] & 8;
    if (list_take(list, KC_OK, answer, &last) == KC_OK)
        check(&sweep.groups);
    list_free(list);
    forget(&sweep);
    return 0;
}
