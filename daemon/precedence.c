/*
 * Precedence: what the host's own files have by now, the realm has no more on this host.
 * Used by locals.c through the directory, whenever those files change.
 * Must never leave a realm user with a name, uid or gid of the host's own, be it for want of
 * memory.
 */
#include "daemon/directory_internal.h"

#define AT_ONCE 256u

/* Users who go. */
struct going {
    const struct locals *locals;
    struct known_user *users[AT_ONCE];
    size_t count;
};

static void note_user(void *userdata, struct known_user *user)
{
    struct going *going = userdata;
    if (going->count < AT_ONCE &&
        (locals_have_name(going->locals, user->name) || locals_have_uid(going->locals, user->uid) ||
            locals_have_gid(going->locals, user->gid)))
        going->users[going->count++] = user;
}

static void drop_users(struct directory *directory)
{
    struct going going = {.locals = directory->locals};
    do {
        going.count = 0;
        people_walk(directory->people, note_user, &going);
        for (size_t i = 0; i < going.count; i++)
            owner_release(directory, going.users[i]);
    } while (going.count == AT_ONCE);
}

static void drop_gids(void *userdata, struct known_user *user)
{
    struct directory *directory = userdata;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < user->gid_count; i++)
        if (!locals_have_gid(directory->locals, user->gids[i]))
            user->gids[kept++] = user->gids[i];
    if (kept < user->gid_count)
        publish_fresh(directory, user->fresh + 1, 0); /* until the shorter list is published */
    user->gid_count = kept;
}

static bool is_going(void *userdata, const struct known_group *group)
{
    struct directory *directory = userdata;
    const bool going = locals_have_name(directory->locals, group->name) ||
                       locals_have_gid(directory->locals, group->gid);
    if (going) {
        publish_fresh(directory, group->fresh, 0);
        publish_fresh(directory, group->fresh + 1, 0);
    }
    return going;
}

static bool is_nobody(void *userdata, uint32_t uid)
{
    const struct directory *directory = userdata;
    return !people_by_uid(directory->people, uid);
}

void precedence_apply(struct directory *directory)
{
    /* a sweep that is under way has judged by the old files */
    if (directory->sweep) {
        sweep_free(KC_TAKE(directory->sweep));
        directory_sweep_now(directory);
    }
    drop_users(directory);
    people_walk(directory->people, drop_gids, directory);
    groups_drop(&directory->groups, is_going, directory);
    groups_drop_members(&directory->groups, is_nobody, directory);
    publish_soon(directory);
}
