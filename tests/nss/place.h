/*
 * A run folder of a test's own, with a snapshot in it, and what stands in it.
 * Used by the tests of the NSS module.
 */
#ifndef TESTS_NSS_PLACE_H
#define TESTS_NSS_PLACE_H

#include "daemon/snapshot.h"

#include <sys/types.h>

#define PLACE_PATH_MAX 128
#define PLACE_FIRST_ID 1879048192u

struct place {
    char run[PLACE_PATH_MAX];
    char folder[PLACE_PATH_MAX + 16];
    char file[PLACE_PATH_MAX + 32];
    char host_conf[PLACE_PATH_MAX + 16]; /* absent until somebody writes it */
    char passwd[PLACE_PATH_MAX + 16];    /* the host's own users: root */
    char group[PLACE_PATH_MAX + 16];     /* and groups: root */
    uid_t owner;
    struct snapshot *snapshot;
};

/* Makes it, owned by the caller; and removes it. */
void place_make(struct place *ret_place);
void place_remove(struct place *place);

/* The host's own users and groups, as the files say it. */
void place_local(struct place *place, const char *passwd, const char *group);

/* From now on the module looks there. */
void place_use(struct place *used);

/*
 * People and groups by number: user N is u0000N with uid FIRST+N, home /home/u0000N, gecos
 * "VERSION u0000N" and shell /bin/sh; the first group, of all of them, is `people` with gid FIRST,
 * and everybody is in it. Each entry is fresh for as long as the host runs.
 */
struct crowd {
    struct arena_user *users;
    struct arena_group groups[2];
    uint32_t *members;
    uint32_t count;
    char (*texts)[4][32];
    struct arena_content content;
};

void crowd_make(uint32_t count, unsigned version, struct crowd *ret_crowd);
void crowd_free(struct crowd *crowd);

/* Publishes a crowd. */
enum kc_status place_publish(struct place *place, const struct crowd *crowd);

#endif
