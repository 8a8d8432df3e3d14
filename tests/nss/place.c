/*
 * A run folder of a test's own, with a snapshot in it, and what stands in it.
 * Used by the tests of the NSS module.
 */
#include "tests/nss/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVER 4000000000u /* a second that no host's running time comes to */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

void place_local(struct place *place, const char *passwd, const char *group)
{
    write_file(place->passwd, passwd);
    write_file(place->group, group);
}

void place_make(struct place *ret_place)
{
    struct place place = {.owner = geteuid()};
    snprintf(place.run, sizeof place.run, "/tmp/kclogin-nss.XXXXXX");
    if (!mkdtemp(place.run) || chmod(place.run, 0755) < 0)
        abort();
    snprintf(place.folder, sizeof place.folder, "%s/snapshot", place.run);
    snprintf(place.file, sizeof place.file, "%s/" KC_SNAPSHOT_NAME, place.folder);
    snprintf(place.host_conf, sizeof place.host_conf, "%s/host.conf", place.run);
    snprintf(place.passwd, sizeof place.passwd, "%s/passwd", place.run);
    snprintf(place.group, sizeof place.group, "%s/group", place.run);
    write_file(place.passwd, "root:x:0:0:root:/root:/bin/bash\n");
    write_file(place.group, "root:x:0:\n");
    if (mkdir(place.folder, 0755) < 0 || snapshot_open(place.folder, &place.snapshot) != KC_OK)
        abort();
    *ret_place = place;
}

static void remove_in(const struct place *place, const char *name)
{
    char path[sizeof place->folder + 32];
    snprintf(path, sizeof path, "%s/%s", place->folder, name);
    unlink(path);
}

void place_remove(struct place *place)
{
    snapshot_close(place->snapshot);
    remove_in(place, KC_SNAPSHOT_NAME);
    remove_in(place, KC_SNAPSHOT_NAME ".new");
    remove_in(place, "writer.lock");
    unlink(place->host_conf);
    unlink(place->passwd);
    unlink(place->group);
    rmdir(place->folder);
    rmdir(place->run);
}

void crowd_make(uint32_t count, unsigned version, struct crowd *ret_crowd)
{
    static const uint32_t gids[] = {PLACE_FIRST_ID};
    struct crowd crowd = {
        .users = calloc(count, sizeof *crowd.users),
        .members = calloc(count, sizeof *crowd.members),
        .texts = calloc(count, sizeof *crowd.texts),
        .count = count,
    };
    if (!crowd.users || !crowd.members || !crowd.texts)
        abort();
    for (uint32_t i = 0; i < count; i++) {
        snprintf(crowd.texts[i][0], sizeof crowd.texts[i][0], "u%05u", i);
        snprintf(crowd.texts[i][1], sizeof crowd.texts[i][1], "%u u%05u", version, i);
        snprintf(crowd.texts[i][2], sizeof crowd.texts[i][2], "/home/u%05u", i);
        crowd.members[i] = i;
        crowd.users[i] = (struct arena_user){
            .name = crowd.texts[i][0],
            .gecos = crowd.texts[i][1],
            .home = crowd.texts[i][2],
            .shell = "/bin/sh",
            .uid = PLACE_FIRST_ID + i,
            .gid = PLACE_FIRST_ID,
            .fresh = 2 * i + 2,
            .gids = gids,
            .gid_count = 1,
        };
    }
    crowd.groups[0] = (struct arena_group){
        .name = "people",
        .gid = PLACE_FIRST_ID,
        .fresh = 0,
        .members = crowd.members,
        .member_count = count,
    };
    *ret_crowd = crowd;
    ret_crowd->content = (struct arena_content){
        .users = ret_crowd->users,
        .user_count = count,
        .groups = ret_crowd->groups,
        .group_count = 1,
    };
}

void crowd_free(struct crowd *crowd)
{
    free(crowd->users);
    free(crowd->members);
    free(crowd->texts);
}

enum kc_status place_publish(struct place *place, const struct crowd *crowd)
{
    enum kc_status status = KC_OK;
    for (uint32_t word = 0; word < 2 * crowd->count + 2 && status == KC_OK; word++)
        status = snapshot_set_fresh(place->snapshot, word, EVER);
    return status == KC_OK ? snapshot_publish(place->snapshot, &crowd->content) : status;
}
