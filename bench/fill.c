/*
 * Publishes a snapshot of so many users, as the daemon does and with its own code:
 *     fill FOLDER USERS
 * prints what it took, then publishes a changed `ada` for each line it reads, until the end. Or
 * writes the same people and groups as files `passwd` and `group`, with ada in their middle:
 *     fill --files FOLDER USERS
 * Used by bench/lookup. Must never be installed.
 */
#include "bench/crowd.h"
#include "common/cleanup.h"
#include "daemon/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EVER 4000000000u /* a second that no host's running time comes to */
#define CREW 100u        /* users of each further group */

struct crowd {
    struct arena_user *users;
    char (*texts)[3][CROWD_TEXT];
    struct arena_group *groups;
    char (*names)[16];
    uint32_t (*gids)[2];
    uint32_t ada_gids[CROWD_ADA_GROUPS];
    uint32_t hundred[CROWD_HUNDRED];
    uint32_t *members;
    struct arena_content content;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void *need(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        abort();
    return memory;
}

static void add_users(struct crowd *crowd, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        crowd_name(i, crowd->texts[i][0]);
        crowd_gecos(i, 0, crowd->texts[i][1]);
        crowd_home(i, crowd->texts[i][2]);
        crowd->gids[i][0] = crowd_gid(1 + CROWD_ADA_GROUPS + i / CREW);
        crowd->users[i] = (struct arena_user){
            .name = crowd->texts[i][0],
            .gecos = crowd->texts[i][1],
            .home = crowd->texts[i][2],
            .shell = "/bin/bash",
            .uid = crowd_uid(i),
            .gid = crowd_gid(0),
            .fresh = 2 * i,
            .gids = crowd->gids[i],
            .gid_count = 1,
        };
    }
    for (uint32_t i = 0; i < CROWD_ADA_GROUPS; i++)
        crowd->ada_gids[i] = crowd_gid(i + 1);
    crowd->users[0].gids = crowd->ada_gids;
    crowd->users[0].gid_count = CROWD_ADA_GROUPS;
}

/* In the order of their names: those of hundreds, those of ada, and the one of a hundred. */
static void add_groups(struct crowd *crowd, uint32_t users)
{
    static const uint32_t ada[] = {0};
    const uint32_t crews = (users + CREW - 1) / CREW;
    uint32_t count = 0;
    for (uint32_t i = 0; i < crews; i++, count++) {
        const uint32_t begin = i == 0 ? 1 : i * CREW; /* ada is in none of them */
        const uint32_t end = (i + 1) * CREW < users ? (i + 1) * CREW : users;
        snprintf(crowd->names[count], sizeof crowd->names[count], "c%06u", i);
        crowd->groups[count] = (struct arena_group){.name = crowd->names[count],
            .gid = crowd_gid(1 + CROWD_ADA_GROUPS + i),
            .members = crowd->members + begin,
            .member_count = end - begin};
    }
    for (uint32_t i = 0; i < CROWD_ADA_GROUPS; i++, count++) {
        snprintf(crowd->names[count], sizeof crowd->names[count], "g%02u", i);
        crowd->groups[count] = (struct arena_group){
            .name = crowd->names[count], .gid = crowd_gid(i + 1), .members = ada, .member_count = 1};
    }
    for (uint32_t i = 0; i < CROWD_HUNDRED; i++)
        crowd->hundred[i] = (uint32_t)((uint64_t)users * i / CROWD_HUNDRED);
    crowd->groups[count++] = (struct arena_group){.name = "hundred",
        .gid = crowd_gid(0),
        .members = crowd->hundred,
        .member_count = CROWD_HUNDRED};
    for (uint32_t i = 0; i < count; i++)
        crowd->groups[i].fresh = 2 * (users + i);
    crowd->content.group_count = count;
}

static void make(struct crowd *crowd, uint32_t users)
{
    const size_t groups = users / CREW + CROWD_ADA_GROUPS + 2;
    crowd->users = need(users, sizeof *crowd->users);
    crowd->texts = need(users, sizeof *crowd->texts);
    crowd->gids = need(users, sizeof *crowd->gids);
    crowd->members = need(users, sizeof *crowd->members);
    crowd->groups = need(groups, sizeof *crowd->groups);
    crowd->names = need(groups, sizeof *crowd->names);
    for (uint32_t i = 0; i < users; i++)
        crowd->members[i] = i;
    add_users(crowd, users);
    add_groups(crowd, users);
    crowd->content.users = crowd->users;
    crowd->content.user_count = users;
    crowd->content.groups = crowd->groups;
}

/* Bytes of the arena alone, a user and a membership; a user's freshness words come in addition. */
static void tell_sizes(const struct crowd *crowd)
{
    struct arena_content bare = crowd->content;
    struct arena_user *users = need(bare.user_count, sizeof *users);
    struct arena_group *groups = need(bare.group_count, sizeof *groups);
    uint64_t memberships = 0;
    for (uint32_t i = 0; i < bare.user_count; i++) {
        users[i] = bare.users[i];
        users[i].gid_count = 0;
    }
    for (uint32_t i = 0; i < bare.group_count; i++) {
        groups[i] = bare.groups[i];
        memberships += groups[i].member_count;
        groups[i].member_count = 0;
    }
    bare.users = users;
    bare.groups = groups;
    const uint64_t without = arena_size(&bare);
    bare.group_count = 0;
    const uint64_t alone = arena_size(&bare);
    printf("user_bytes %.1f\n", (double)alone / bare.user_count + 2 * sizeof(uint32_t));
    printf("membership_bytes %.2f\n",
        (double)(arena_size(&crowd->content) - without) / (double)memberships);
    free(users);
    free(groups);
}

/* What a publishing does before anybody sees it. */
static void tell_build(const struct crowd *crowd)
{
    const uint64_t size = arena_size(&crowd->content);
    void *arena = malloc(size);
    const int64_t before = now_ns();
    if (!arena || arena_build(&crowd->content, arena, size) != KC_OK)
        abort();
    printf("build_ns %" PRId64 "\n", now_ns() - before);
    free(arena);
}

static void publish(struct snapshot *snapshot, const struct crowd *crowd)
{
    if (snapshot_publish(snapshot, &crowd->content) != KC_OK)
        abort();
}

static FILE *open_in(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    if (!file)
        abort();
    return file;
}

/* Who would come first comes in the middle: files are read from their beginning. */
static uint32_t in_the_middle(uint32_t i, uint32_t count)
{
    return i < count / 2 ? i + 1 : i == count / 2 ? 0 : i;
}

static int write_files(const struct crowd *crowd, const char *folder)
{
    FILE *passwd = open_in(folder, "passwd"), *group = open_in(folder, "group");
    const struct arena_content *content = &crowd->content;
    for (uint32_t i = 0; i < content->user_count; i++) {
        const struct arena_user *user = &content->users[in_the_middle(i, content->user_count)];
        fprintf(passwd, "%s:x:%u:%u:%s:%s:%s\n", user->name, user->uid, user->gid, user->gecos,
            user->home, user->shell);
    }
    for (uint32_t i = 0; i < content->group_count; i++) {
        const struct arena_group *one = &content->groups[i];
        fprintf(group, "%s:x:%u:", one->name, one->gid);
        for (uint32_t j = 0; j < one->member_count; j++)
            fprintf(group, "%s%s", j > 0 ? "," : "", content->users[one->members[j]].name);
        fputc('\n', group);
    }
    return fclose(passwd) == 0 && fclose(group) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct snapshot *snapshot = NULL;
    struct crowd crowd = {0};
    char line[16];
    if (argc == 4 && strcmp(argv[1], "--files") == 0) {
        make(&crowd, (uint32_t)strtoul(argv[3], NULL, 10));
        return write_files(&crowd, argv[2]);
    }
    if (argc != 3 || strtoul(argv[2], NULL, 10) < CROWD_HUNDRED)
        return 2;
    make(&crowd, (uint32_t)strtoul(argv[2], NULL, 10));
    if (snapshot_open(argv[1], &snapshot) != KC_OK)
        return 1;
    const uint32_t words = 2 * (crowd.content.user_count + crowd.content.group_count);
    for (uint32_t i = 0; i < words; i++)
        if (snapshot_set_fresh(snapshot, i, EVER) != KC_OK)
            return 1;
    publish(snapshot, &crowd);
    tell_sizes(&crowd);
    tell_build(&crowd);
    puts("ready");
    for (uint32_t version = 1; fflush(stdout) == 0 && fgets(line, sizeof line, stdin); version++) {
        crowd_gecos(0, version, crowd.texts[0][1]);
        const int64_t before = now_ns();
        publish(snapshot, &crowd);
        printf("publish_ns %" PRId64 " from %" PRId64 "\n", now_ns() - before, before);
    }
    snapshot_close(snapshot);
    return 0;
}
