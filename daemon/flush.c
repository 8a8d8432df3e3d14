/*
 * Flush: what is known counts no longer without the realm being asked, and stays for an outage.
 * A part of the directory.
 * Must never forget whose a name or number is, nor what an outage would need.
 */
#include "daemon/directory_internal.h"

static void expire(struct directory *directory, struct known_user *user)
{
    const int64_t now = directory_now();
    if (user->until > now)
        user->until = now;
    if (user->gids_until > now)
        user->gids_until = now;
    if (user->fresh == PEOPLE_NO_WORDS)
        return;
    publish_fresh(directory, user->fresh, user->until);
    publish_fresh(directory, user->fresh + 1, user->gids_until);
}

static void expire_each(void *userdata, struct known_user *user)
{
    expire(userdata, user);
}

static void expire_groups(struct directory *directory)
{
    const int64_t now = directory_now();
    if (directory->groups_until > now)
        directory->groups_until = now;
    for (size_t i = 0; i < directory->groups.count; i++) {
        publish_fresh(directory, directory->groups.items[i].fresh, directory->groups_until);
        publish_fresh(directory, directory->groups.items[i].fresh + 1, directory->groups_until);
    }
}

size_t directory_flush(struct directory *directory, const char *name)
{
    struct known_user *user = name ? people_by_name(directory->people, name) : NULL;
    absent_clear(directory->absent);
    if (user)
        expire(directory, user);
    if (name)
        return user ? 1 : 0;
    people_walk(directory->people, expire_each, directory);
    expire_groups(directory);
    directory_sweep_now(directory);
    return people_count(directory->people);
}
