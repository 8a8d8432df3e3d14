/*
 * The snapshot as processes read it: entries, buffers of every size, ages, files that are not to
 * be trusted, damage, and a writer at work or killed (lessons 9, 29, 33, 40, 41). Runs once as the
 * caller; root, who reads and never maps, once more as somebody else, who maps.
 */
#include "nss/entry.h"
#include "tests/nss/place.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534

static struct place place;

static int set_up(void **state)
{
    (void)state;
    place_make(&place);
    place_use(&place);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    return 0;
}

static void publish(uint32_t count, unsigned version)
{
    struct crowd crowd;
    crowd_make(count, version, &crowd);
    assert_int_equal(place_publish(&place, &crowd), KC_OK);
    crowd_free(&crowd);
}

/* Looks a user up; its gecos, or the status as a number in text. */
static const char *gecos_of(const char *name)
{
    static char buffer[1024], text[32];
    struct passwd user;
    int error = 0;
    const enum nss_status status =
        _nss_keycloak_getpwnam_r(name, &user, buffer, sizeof buffer, &error);
    if (status == NSS_STATUS_SUCCESS)
        return user.pw_gecos;
    snprintf(text, sizeof text, "%d/%d", status, error);
    return text;
}

#define NOBODY_ANSWERS "-1/11" /* NSS_STATUS_UNAVAIL, EAGAIN: there is no daemon in these tests */

static void test_user(void **state)
{
    char buffer[256];
    struct passwd user;
    int error = 0;
    (void)state;
    publish(50, 1);
    assert_int_equal(
        _nss_keycloak_getpwuid_r(PLACE_FIRST_ID + 7, &user, buffer, sizeof buffer, &error),
        NSS_STATUS_SUCCESS);
    assert_string_equal(user.pw_name, "u00007");
    assert_string_equal(user.pw_passwd, "x");
    assert_string_equal(user.pw_gecos, "1 u00007");
    assert_string_equal(user.pw_dir, "/home/u00007");
    assert_string_equal(user.pw_shell, "/bin/sh");
    assert_int_equal(user.pw_uid, PLACE_FIRST_ID + 7);
    assert_int_equal(user.pw_gid, PLACE_FIRST_ID);
    for (unsigned i = 0; i < 50; i++) {
        char name[16];
        snprintf(name, sizeof name, "u%05u", i);
        assert_string_not_equal(gecos_of(name), NOBODY_ANSWERS);
    }
    assert_string_equal(gecos_of("u0000"), NOBODY_ANSWERS);
    assert_string_equal(gecos_of("u000070"), NOBODY_ANSWERS);
    assert_string_equal(gecos_of("U00007"), "0/2"); /* no realm's name: nobody is asked */
    assert_string_equal(gecos_of(""), "0/2");
    assert_string_equal(gecos_of("a-name-that-is-longer-than-32-bytes"), "0/2");
}

static void test_lesson_33_every_size_of_a_user_buffer(void **state)
{
    char buffer[128], *exact;
    struct passwd user;
    (void)state;
    publish(3, 1);
    for (size_t size = 0; size < sizeof buffer; size++) {
        int error = 0;
        const size_t needed = sizeof "u00001" + sizeof "x" + sizeof "1 u00001" +
                              sizeof "/home/u00001" + sizeof "/bin/sh";
        errno = 77;
        memset(buffer, '#', sizeof buffer);
        const enum nss_status status =
            _nss_keycloak_getpwnam_r("u00001", &user, buffer, size, &error);
        assert_int_equal(errno, 77);
        if (size < needed) {
            assert_int_equal(status, NSS_STATUS_TRYAGAIN);
            assert_int_equal(error, ERANGE);
        } else
            assert_int_equal(status, NSS_STATUS_SUCCESS);
        for (size_t i = size; i < sizeof buffer; i++)
            assert_int_equal(buffer[i], '#');
    }
    exact = malloc(1); /* a buffer at the end of its memory, for the sanitizer */
    int error = 0;
    assert_int_equal(
        _nss_keycloak_getpwnam_r("u00001", &user, exact, 1, &error), NSS_STATUS_TRYAGAIN);
    free(exact);
}

static void test_group(void **state)
{
    struct group group;
    char *buffer = NULL;
    size_t size = 0;
    enum nss_status status;
    int error;
    (void)state;
    publish(101, 1);
    do {
        error = 0;
        free(buffer);
        buffer = malloc(++size + 1);
        /* one byte in: the pointers must be aligned all the same */
        status = _nss_keycloak_getgrnam_r("people", &group, buffer + 1, size, &error);
        if (status != NSS_STATUS_SUCCESS)
            assert_int_equal(error, ERANGE);
    } while (status == NSS_STATUS_TRYAGAIN);
    assert_int_equal(status, NSS_STATUS_SUCCESS);
    assert_string_equal(group.gr_name, "people");
    assert_string_equal(group.gr_passwd, "x");
    assert_int_equal(group.gr_gid, PLACE_FIRST_ID);
    for (unsigned i = 0; i < 101; i++) {
        char name[16];
        snprintf(name, sizeof name, "u%05u", i);
        assert_string_equal(group.gr_mem[i], name);
    }
    assert_null(group.gr_mem[101]);
    assert_int_equal(_nss_keycloak_getgrgid_r(PLACE_FIRST_ID, &group, buffer + 1, size, &error),
        NSS_STATUS_SUCCESS);
    assert_string_equal(group.gr_name, "people");
    free(buffer);
}

static enum nss_status groups_of(const char *user, gid_t primary, long limit, long *ret_count)
{
    long count = 1, size = 1;
    gid_t *gids = malloc(sizeof *gids);
    int error = 0;
    assert_non_null(gids);
    gids[0] = primary;
    const enum nss_status status =
        _nss_keycloak_initgroups_dyn(user, primary, &count, &size, &gids, limit, &error);
    for (long i = 1; i < count; i++)
        if (gids[i] < PLACE_FIRST_ID)
            _exit(1);
    *ret_count = count;
    free(gids);
    return status;
}

/* The first gid that was added for u00003. */
static gid_t first_group(void)
{
    long count = 0, size = 0;
    gid_t *gids = NULL;
    int error = 0;
    if (_nss_keycloak_initgroups_dyn(
            "u00003", PLACE_FIRST_ID + 9, &count, &size, &gids, 0, &error) != NSS_STATUS_SUCCESS ||
        count < 1)
        return 0;
    const gid_t first = gids[0];
    free(gids);
    return first;
}

static void test_initgroups_is_for_realm_users_alone(void **state)
{
    long count;
    (void)state;
    publish(5, 1);
    assert_int_equal(groups_of("u00003", PLACE_FIRST_ID + 9, 0, &count), NSS_STATUS_SUCCESS);
    assert_int_equal(count, 2);
    assert_int_equal(first_group(), PLACE_FIRST_ID);
    assert_int_equal(groups_of("u00003", PLACE_FIRST_ID, 0, &count), NSS_STATUS_SUCCESS);
    assert_int_equal(count, 1); /* the primary group is there already */
    assert_int_equal(groups_of("u00003", PLACE_FIRST_ID + 9, 1, &count), NSS_STATUS_SUCCESS);
    assert_int_equal(count, 1); /* no more than the limit */
    assert_int_equal(groups_of("u00003", 1000, 0, &count), NSS_STATUS_NOTFOUND);
    assert_int_equal(count, 1); /* a local user of that name */
    assert_int_equal(groups_of("somebody", 1000, 0, &count), NSS_STATUS_NOTFOUND);
    /* nscd does not tell the primary group: then the host's files are looked at */
    assert_int_equal(groups_of("u00003", (gid_t)-1, 0, &count), NSS_STATUS_SUCCESS);
    assert_int_equal(count, 2);
    place_local(&place, "u00003:x:1000:1000::/:/bin/sh\n", "");
    assert_int_equal(groups_of("u00003", (gid_t)-1, 0, &count), NSS_STATUS_NOTFOUND);
    assert_int_equal(count, 1);
}

static uint32_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint32_t)now.tv_sec;
}

static void test_age(void **state)
{
    (void)state;
    publish(5, 1);
    snapshot_set_policy(place.snapshot, false, 0, 0);
    snapshot_set_fresh(place.snapshot, 2 * 3 + 2, seconds());
    assert_string_equal(gecos_of("u00003"), NOBODY_ANSWERS);
    assert_string_equal(gecos_of("u00002"), "1 u00002");
    /* within its grace an old entry is better than none, where nobody answers */
    snapshot_set_policy(place.snapshot, false, 3600, 0);
    assert_string_equal(gecos_of("u00003"), "1 u00003");
    /* what was taken back has no grace */
    snapshot_set_fresh(place.snapshot, 2 * 3 + 2, 0);
    assert_string_equal(gecos_of("u00003"), NOBODY_ANSWERS);
    snapshot_set_policy(place.snapshot, false, 0, 0);
    snapshot_expire_all(place.snapshot);
    assert_string_equal(gecos_of("u00002"), NOBODY_ANSWERS);
    /* what the host slept is a part of the grace */
    snapshot_set_policy(place.snapshot, false, 3600, 0);
    snapshot_set_fresh(place.snapshot, 2 * 2 + 2, seconds() + 10000);
    snapshot_set_fresh(place.snapshot, 2 * 3 + 2, 5);
    snapshot_age(place.snapshot, 9000);
    assert_string_equal(gecos_of("u00002"), "1 u00002");
    snapshot_age(place.snapshot, 4500);
    assert_string_equal(gecos_of("u00002"), "1 u00002");
    snapshot_age(place.snapshot, 4500);
    assert_string_equal(gecos_of("u00002"), NOBODY_ANSWERS);
    snapshot_age(place.snapshot, INT64_MAX);
    assert_string_equal(gecos_of("u00003"), NOBODY_ANSWERS);
}

static void test_listing(void **state)
{
    char buffer[256];
    struct passwd user;
    int error = 0;
    unsigned seen = 0;
    (void)state;
    publish(40, 1);
    _nss_keycloak_setpwent(0);
    assert_int_equal(
        _nss_keycloak_getpwent_r(&user, buffer, sizeof buffer, &error), NSS_STATUS_NOTFOUND);
    snapshot_set_policy(place.snapshot, true, 0, 0);
    _nss_keycloak_setpwent(0);
    while (_nss_keycloak_getpwent_r(&user, buffer, sizeof buffer, &error) == NSS_STATUS_SUCCESS) {
        char name[16];
        snprintf(name, sizeof name, "u%05u", seen++);
        assert_string_equal(user.pw_name, name);
        /* too small a buffer: the same one comes again */
        if (seen == 10)
            assert_int_equal(
                _nss_keycloak_getpwent_r(&user, buffer, 5, &error), NSS_STATUS_TRYAGAIN);
        if (seen == 20)
            publish(40, 2); /* in the middle of it */
    }
    assert_int_equal(seen, 40);
    _nss_keycloak_endpwent();
}

static void test_lesson_9_ids_out_of_range(void **state)
{
    static const uint32_t wrong[] = {0, 1, 27, 1000, 65534, PLACE_FIRST_ID - 1, UINT32_MAX};
    struct crowd crowd;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        crowd_make(3, 1, &crowd);
        crowd.users[1].uid = wrong[i];
        crowd.users[2].gid = wrong[i];
        crowd.groups[0].gid = wrong[i];
        assert_int_equal(place_publish(&place, &crowd), KC_OK);
        crowd_free(&crowd);
        assert_string_equal(gecos_of("u00000"), "1 u00000");
        assert_string_equal(gecos_of("u00001"), NOBODY_ANSWERS);
        assert_string_equal(gecos_of("u00002"), NOBODY_ANSWERS);
        struct group group;
        char buffer[512];
        int error = 0;
        assert_int_equal(_nss_keycloak_getgrnam_r("people", &group, buffer, sizeof buffer, &error),
            NSS_STATUS_UNAVAIL);
    }
}

static const char *gecos_with(const char *gecos, const char *home)
{
    struct crowd crowd;
    crowd_make(3, 1, &crowd);
    crowd.users[1].gecos = gecos;
    crowd.users[1].home = home;
    assert_int_equal(place_publish(&place, &crowd), KC_OK);
    crowd_free(&crowd);
    return gecos_of("u00001");
}

/* Whoever writes the snapshot cannot make a home out of the bounds, or another line of passwd. */
static void test_lesson_11_fields_that_no_realm_user_has(void **state)
{
    (void)state;
    assert_string_equal(gecos_with("Ada", "/home/ada"), "Ada");
    assert_string_equal(gecos_with("Ada", "/home/a/b..c/.d"), "Ada");
    static const char *const homes[] = {"/root", "/", "/home", "/home/", "/homeless", "home/ada",
        "", "/home/../etc", "/home/ada/..", "/home/./ada", "/home//ada", "/home/ada/",
        "/home/a:da", "/home/a\nda", "/etc/systemd/system-generators"};
    for (size_t i = 0; i < sizeof homes / sizeof *homes; i++)
        assert_string_equal(gecos_with("Ada", homes[i]), NOBODY_ANSWERS);
    if (geteuid() == 0) { /* who is root looks at the other fields too */
        assert_string_equal(gecos_with("Ada:0:0", "/home/ada"), "-1/111");
        assert_string_equal(gecos_with("Ada\nroot::0", "/home/ada"), "-1/111");
    }
}

static void test_names_of_the_host(void **state)
{
    static const char *const users[] = {"root", "www-data"};
    static const char *const groups[] = {"sudo"};
    struct crowd crowd;
    struct group group;
    char buffer[64];
    int error = 0;
    (void)state;
    crowd_make(2, 1, &crowd);
    crowd.content.local_users = users;
    crowd.content.local_user_count = 2;
    crowd.content.local_groups = groups;
    crowd.content.local_group_count = 1;
    assert_int_equal(place_publish(&place, &crowd), KC_OK);
    crowd_free(&crowd);
    assert_string_equal(gecos_of("root"), "0/2");
    assert_string_equal(gecos_of("www-data"), "0/2");
    assert_int_equal(_nss_keycloak_getgrnam_r("sudo", &group, buffer, sizeof buffer, &error),
        NSS_STATUS_NOTFOUND);
}

/* By id, a root's process is told no name of the host's own, whatever the snapshot says (lesson 6).
 */
static void test_lesson_6_a_local_name_behind_an_id(void **state)
{
    char buffer[1024];
    struct passwd user;
    struct group group;
    int error = 0;
    const bool privileged = geteuid() == 0;
    (void)state;
    publish(5, 1);
    place_local(&place, "root:x:0:0::/:/bin/sh\nu00002:x:1002:1002::/:/bin/sh\n",
        "root:x:0:\npeople:x:27:u00001\n");
    assert_int_equal(
        _nss_keycloak_getpwuid_r(PLACE_FIRST_ID + 2, &user, buffer, sizeof buffer, &error),
        privileged ? NSS_STATUS_UNAVAIL : NSS_STATUS_SUCCESS);
    assert_int_equal(
        _nss_keycloak_getpwuid_r(PLACE_FIRST_ID + 1, &user, buffer, sizeof buffer, &error),
        NSS_STATUS_SUCCESS);
    assert_int_equal(
        _nss_keycloak_getgrgid_r(PLACE_FIRST_ID, &group, buffer, sizeof buffer, &error),
        privileged ? NSS_STATUS_UNAVAIL : NSS_STATUS_SUCCESS);
}

/* In a child: a mapping that this process has published already would hide what is tried. */
static void in_child(void (*function)(void))
{
    int status;
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        function();
        exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void expect_nothing(void)
{
    if (strcmp(gecos_of("u00001"), NOBODY_ANSWERS) != 0)
        _exit(1);
}

static void expect_entry(void)
{
    if (strcmp(gecos_of("u00001"), "1 u00001") != 0)
        _exit(1);
}

static void test_lesson_20_files_that_are_not_trusted(void **state)
{
    char elsewhere[PLACE_PATH_MAX + 64];
    (void)state;
    publish(3, 1);
    in_child(expect_entry);
    chmod(place.file, 0664);
    in_child(expect_nothing);
    chmod(place.file, 0646);
    in_child(expect_nothing);
    chmod(place.file, 0644);
    chmod(place.folder, 0777);
    in_child(expect_nothing);
    chmod(place.folder, 0755);
    chmod(place.run, 0775);
    in_child(expect_nothing);
    chmod(place.run, 0755);
    in_child(expect_entry);
    place.owner++; /* the run folder is another's */
    in_child(expect_nothing);
    place.owner--;
    snprintf(elsewhere, sizeof elsewhere, "%s/real", place.folder);
    assert_int_equal(rename(place.file, elsewhere), 0);
    in_child(expect_nothing);
    assert_int_equal(symlink(elsewhere, place.file), 0);
    in_child(expect_nothing);
    unlink(place.file);
    assert_int_equal(mkfifo(place.file, 0644), 0);
    in_child(expect_nothing);
    unlink(place.file);
    assert_int_equal(rename(elsewhere, place.file), 0);
    in_child(expect_entry);
    if (geteuid() == 0) { /* the folder's owner alone may have written it */
        assert_int_equal(chown(place.file, NOBODY, NOBODY), 0);
        in_child(expect_nothing);
        assert_int_equal(chown(place.file, 0, 0), 0);
    }
}

/* A daemon's client or a shell may have closed them; the module must not take their places. */
static void look_without_standard_descriptors(void)
{
    close(0);
    close(1);
    close(2);
    expect_entry();
    if (fcntl(0, F_GETFD) >= 0 || fcntl(1, F_GETFD) >= 0 || fcntl(2, F_GETFD) >= 0)
        _exit(1);
}

/* Where a file cannot be mapped it is read. */
static void look_without_room_for_a_mapping(void)
{
#ifndef __SANITIZE_ADDRESS__
    struct rlimit limit = {0, 0};
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file || fscanf(file, "%ld", &pages) != 1)
        _exit(1);
    fclose(file);
    limit.rlim_cur = limit.rlim_max = (rlim_t)(pages + 50) * 4096;
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        _exit(1);
#endif
    expect_entry();
}

static void test_processes_that_lack_something(void **state)
{
    char elsewhere[PLACE_PATH_MAX + 64];
    (void)state;
    publish(3, 1);
    in_child(look_without_standard_descriptors);
    in_child(look_without_room_for_a_mapping);
    snprintf(elsewhere, sizeof elsewhere, "%s/gone", place.run);
    assert_int_equal(rename(place.folder, elsewhere), 0);
    in_child(expect_nothing);
    assert_int_equal(rename(elsewhere, place.folder), 0);
    place.run[strlen(place.run) - 1]++;
    in_child(expect_nothing);
    place.run[strlen(place.run) - 1]--;
    in_child(expect_entry);
}

static void overwrite(off_t offset, const void *bytes, size_t length)
{
    const int fd = open(place.file, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, length, offset), length);
    close(fd);
}

/* Whatever it says, an answer has ids in range, and nothing crashes. */
static void read_noise(void)
{
    char buffer[8192];
    struct passwd user;
    struct group group;
    int error;
    for (unsigned i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "u%05u", i);
        if (_nss_keycloak_getpwnam_r(name, &user, buffer, sizeof buffer, &error) ==
                NSS_STATUS_SUCCESS &&
            (user.pw_uid < PLACE_FIRST_ID || user.pw_gid < PLACE_FIRST_ID ||
                strcmp(user.pw_name, name) != 0))
            _exit(1);
        if (_nss_keycloak_getpwuid_r(PLACE_FIRST_ID + i, &user, buffer, sizeof buffer, &error) ==
                NSS_STATUS_SUCCESS &&
            user.pw_uid != PLACE_FIRST_ID + i)
            _exit(1);
    }
    if (_nss_keycloak_getgrnam_r("people", &group, buffer, sizeof buffer, &error) ==
            NSS_STATUS_SUCCESS &&
        group.gr_gid < PLACE_FIRST_ID)
        _exit(1);
    long count;
    groups_of("u00001", PLACE_FIRST_ID, 0, &count);
    while (_nss_keycloak_getpwent_r(&user, buffer, sizeof buffer, &error) == NSS_STATUS_SUCCESS)
        if (user.pw_uid < PLACE_FIRST_ID)
            _exit(1);
}

static void test_damaged_heads(void **state)
{
    static const uint64_t values[] = {0, 1, 7, 4095, 4096, UINT32_MAX, UINT64_MAX, 1ull << 63};
    struct kc_snapshot_head head;
    struct stat stat_before;
    (void)state;
    publish(3, 1);
    const int fd = open(place.file, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, &head, sizeof head, 0), sizeof head);
    assert_int_equal(fstat(fd, &stat_before), 0);
    close(fd);
    for (size_t word = 0; word < offsetof(struct kc_snapshot_head, state) / 8 - 1; word++)
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            uint64_t before;
            memcpy(&before, (const char *)&head + word * 8, 8);
            if (values[i] == before || (word == 3 && values[i] < before))
                continue; /* fewer words of freshness are no harm */
            overwrite((off_t)word * 8, &values[i], 8);
            /* an arena elsewhere in the file, or a smaller one, is noise */
            in_child(word >= 4 ? read_noise : expect_nothing);
            overwrite((off_t)word * 8, &before, 8);
        }
    in_child(expect_entry);
}

static void test_noise(void **state)
{
    struct kc_snapshot_head head;
    unsigned char byte[16];
    (void)state;
    publish(20, 1);
    snapshot_set_policy(place.snapshot, true, 0, 0);
    publish(20, 1);
    const int fd = open(place.file, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, &head, sizeof head, 0), sizeof head);
    close(fd);
    srandom(1);
    const uint64_t arena = head.arena_offset[head.state.generation % 2];
    for (unsigned round = 0; round < 400; round++) {
        for (unsigned i = 0; i < 8; i++) {
            for (size_t j = 0; j < sizeof byte; j++)
                byte[j] = (unsigned char)(random() % 4 ? random() : 0xff);
            overwrite((off_t)(arena + (uint64_t)random() % 4096), byte,
                1 + (size_t)random() % sizeof byte);
        }
        in_child(read_noise);
        if (round % 20 == 0)
            publish(20, 1);
    }
}

/* A mapping that is there already, and a file that is cut under it: only its owner can do that. */
static void test_a_file_that_is_too_short(void **state)
{
    (void)state;
    publish(3, 1);
    assert_int_equal(truncate(place.file, 8192), 0);
    in_child(expect_nothing);
    assert_int_equal(truncate(place.file, 0), 0);
    in_child(expect_nothing);
}

/* Reads until it is killed; each answer is of one version. */
static void read_on(void)
{
    for (;;) {
        char buffer[256];
        struct passwd user;
        int error = 0;
        const enum nss_status status =
            _nss_keycloak_getpwnam_r("u00003", &user, buffer, sizeof buffer, &error);
        if (status == NSS_STATUS_SUCCESS && strcmp(strchr(user.pw_gecos, ' '), " u00003") != 0)
            _exit(1);
        if (status != NSS_STATUS_SUCCESS && status != NSS_STATUS_UNAVAIL)
            _exit(2);
    }
}

/* Takes the snapshot up and publishes until it is killed, larger and larger ones now and then. */
static void write_on(void)
{
    struct snapshot *snapshot = NULL;
    if (snapshot_open(place.folder, &snapshot) != KC_OK)
        _exit(3);
    place.snapshot = snapshot;
    for (unsigned version = 1;; version++) {
        struct crowd crowd;
        crowd_make(10 + version % 50 * 40, version, &crowd);
        if (place_publish(&place, &crowd) != KC_OK)
            _exit(4);
        crowd_free(&crowd);
    }
}

static pid_t start(void (*function)(void))
{
    const pid_t child = fork();
    if (child == 0) {
        function();
        _exit(0);
    }
    return child;
}

static void test_lesson_29_a_writer_killed_anywhere(void **state)
{
    int status;
    (void)state;
    publish(10, 1);
    snapshot_close(place.snapshot);
    place.snapshot = NULL;
    const pid_t reader = start(read_on);
    srandom(2);
    for (unsigned i = 0; i < 200; i++) {
        const pid_t writer = start(write_on);
        usleep((useconds_t)(random() % 20000));
        kill(writer, SIGKILL);
        assert_int_equal(waitpid(writer, &status, 0), writer);
        assert_true(WIFSIGNALED(status));
    }
    assert_int_equal(waitpid(reader, &status, WNOHANG), 0); /* it has lived through all of it */
    kill(reader, SIGKILL);
    waitpid(reader, &status, 0);
    assert_int_equal(snapshot_open(place.folder, &place.snapshot), KC_OK);
    publish(10, 7);
    assert_string_equal(gecos_of("u00003"), "7 u00003");
}

/* Publishes the same names, in a file twice as large now and then, until it is killed. */
static void write_same_names(void)
{
    for (unsigned version = 1;; version++) {
        struct crowd crowd;
        crowd_make(500, version, &crowd);
        if (place_publish(&place, &crowd) != KC_OK)
            _exit(4);
        crowd_free(&crowd);
    }
}

/* A listing goes on where it was, however often it is overtaken: all of them, none of them twice. */
static void test_listing_beside_a_writer(void **state)
{
    char buffer[256], name[16];
    struct passwd user;
    int error = 0;
    (void)state;
    snapshot_set_policy(place.snapshot, true, 0, 0);
    publish(500, 1);
    const pid_t writer = start(write_same_names);
    for (unsigned round = 0; round < 20; round++) {
        unsigned seen = 0;
        _nss_keycloak_setpwent(0);
        while (
            _nss_keycloak_getpwent_r(&user, buffer, sizeof buffer, &error) == NSS_STATUS_SUCCESS) {
            snprintf(name, sizeof name, "u%05u", seen++);
            assert_string_equal(user.pw_name, name);
        }
        assert_int_equal(seen, 500);
        assert_int_equal(error, ENOENT);
    }
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
}

/* The place that a listing has come to means nothing in another file. */
static void test_listing_across_a_growth(void **state)
{
    char buffer[256], name[16];
    struct passwd user;
    int error = 0;
    unsigned seen = 0;
    (void)state;
    snapshot_set_policy(place.snapshot, true, 0, 0);
    publish(40, 1);
    _nss_keycloak_setpwent(0);
    while (_nss_keycloak_getpwent_r(&user, buffer, sizeof buffer, &error) == NSS_STATUS_SUCCESS) {
        snprintf(name, sizeof name, "u%05u", seen++);
        assert_string_equal(user.pw_name, name);
        if (seen == 10)
            publish(9000, 2);
    }
    assert_int_equal(seen, 9000);
}

static void test_one_writer(void **state)
{
    struct snapshot *other;
    (void)state;
    assert_int_equal(snapshot_open(place.folder, &other), KC_BUSY);
}

/* A process that keeps its mapping sees what is published after, in a new file too. */
static void test_growth(void **state)
{
    (void)state;
    publish(3, 1);
    assert_string_equal(gecos_of("u00001"), "1 u00001");
    for (unsigned version = 2; version < 40; version++) {
        char expected[32];
        publish(version * version * 10, version);
        snprintf(expected, sizeof expected, "%u u00001", version);
        assert_string_equal(gecos_of("u00001"), expected);
        snprintf(expected, sizeof expected, "u%05u", version * version * 10 - 1);
        assert_string_not_equal(gecos_of(expected), NOBODY_ANSWERS);
    }
}

/* Bytes on the file system that somebody's descriptors hold. */
static uint64_t held(const int *files, unsigned count)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < count; i++) {
        struct stat stat;
        assert_int_equal(fstat(files[i], &stat), 0);
        bytes += (uint64_t)stat.st_blocks * 512;
    }
    return bytes;
}

/* A file is replaced only by one twice its size, so all old ones together are less than the new. */
static void test_lesson_40_who_holds_old_files_holds_little(void **state)
{
    int files[40];
    unsigned count = 0;
    ino_t inode = 0;
    struct stat stat;
    (void)state;
    for (unsigned version = 1; version < 40; version++) {
        for (unsigned again = 0; again < 3; again++) {
            publish(version * 400, version);
            assert_int_equal(lstat(place.file, &stat), 0);
            if (stat.st_ino == inode)
                continue;
            assert_int_equal(again, 0); /* the same people again need no other file */
            inode = stat.st_ino;
            files[count++] = open(place.file, O_RDONLY | O_CLOEXEC);
        }
    }
    assert_true(count > 2);
    assert_true(held(files, count) <= 2 * held(files + count - 1, 1));
    while (count > 0)
        close(files[--count]);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
static const struct CMUnitTest cases[] = {
    CASE(test_user),
    CASE(test_lesson_33_every_size_of_a_user_buffer),
    CASE(test_group),
    CASE(test_initgroups_is_for_realm_users_alone),
    CASE(test_age),
    CASE(test_listing),
    CASE(test_lesson_9_ids_out_of_range),
    CASE(test_lesson_11_fields_that_no_realm_user_has),
    CASE(test_names_of_the_host),
    CASE(test_lesson_6_a_local_name_behind_an_id),
    CASE(test_lesson_20_files_that_are_not_trusted),
    CASE(test_processes_that_lack_something),
    CASE(test_damaged_heads),
    CASE(test_noise),
    CASE(test_a_file_that_is_too_short),
    CASE(test_lesson_29_a_writer_killed_anywhere),
    CASE(test_listing_beside_a_writer),
    CASE(test_listing_across_a_growth),
    CASE(test_one_writer),
    CASE(test_growth),
    CASE(test_lesson_40_who_holds_old_files_holds_little),
};

/* One case in a process of its own: the module keeps what it has mapped once. */
static bool passes(const struct CMUnitTest *test, bool as_nobody)
{
    int status;
    const pid_t child = fork();
    if (child == 0) {
        const struct CMUnitTest tests[] = {*test};
        if (as_nobody && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
            exit(1);
        exit(cmocka_run_group_tests_name(test->name, tests, NULL, NULL));
    }
    return waitpid(child, &status, 0) == child && status == 0;
}

int main(void)
{
    bool passed = true;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        passed &= passes(&cases[i], false);
        if (geteuid() == 0)
            passed &= passes(&cases[i], true);
    }
    return !passed;
}
