/*
 * Grants and sessions: who may claim what, for how long, and what a restart leaves.
 * The realm is replaced by two functions that count; folders, processes and the loop are real.
 */
#include "daemon/process.h"
#include "daemon/realm.h"
#include "daemon/sessions.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#define ISSUER "https://sso.example/realms/x"
#define CLIENT "linux-pam"

static unsigned logouts, revocations;
static enum kc_status next_end = KC_OK;
static char last_refresh[64];

enum kc_status realm_logout(struct realm *realm, const struct realm_origin *origin,
    const struct kc_secret *token, realm_ended *ended, void *userdata)
{
    (void)realm;
    assert_string_equal(origin->issuer, ISSUER);
    assert_string_equal(origin->client_id, CLIENT);
    logouts++;
    snprintf(last_refresh, sizeof last_refresh, "%s", kc_secret_text(token));
    if (next_end != KC_OK)
        return next_end;
    ended(userdata, KC_OK, "");
    return KC_OK;
}

enum kc_status realm_revoke(struct realm *realm, const struct realm_origin *origin,
    const struct kc_secret *token, realm_ended *ended, void *userdata)
{
    (void)realm, (void)token;
    assert_string_equal(origin->issuer, ISSUER);
    assert_string_equal(origin->client_id, CLIENT);
    revocations++;
    ended(userdata, KC_OK, "");
    return KC_OK;
}

/* Discovered, as far as these tests are concerned, but where one says otherwise. */
static bool discovered = true;
static realm_ready *when_known;
static void *when_known_userdata;

struct discovery *realm_discovery(const struct realm *realm)
{
    (void)realm;
    return discovered ? (struct discovery *)&discovered : NULL;
}

enum kc_status realm_await(struct realm *realm, uint64_t deadline_us, realm_ready *ready,
    void *userdata, struct realm_wait **ret_wait)
{
    (void)realm, (void)deadline_us, (void)ret_wait;
    assert_null(when_known);
    when_known = ready;
    when_known_userdata = userdata;
    return KC_OK;
}

struct bed {
    char dir[64];
    sd_event *event;
    struct sessions *sessions;
};

static const struct kc_wire_login ada = {
    .uid = 1001, .service = "sshd", .user = "ada", .rhost = "192.0.2.7"};

static int set_up(void **state)
{
    struct bed *bed = calloc(1, sizeof *bed);
    snprintf(bed->dir, sizeof bed->dir, "/tmp/test-sessions-XXXXXX");
    assert_non_null(mkdtemp(bed->dir));
    assert_true(sd_event_new(&bed->event) >= 0);
    assert_int_equal(sessions_new(bed->event, NULL, bed->dir, &bed->sessions), KC_OK);
    logouts = revocations = 0;
    next_end = KC_OK;
    *state = bed;
    return 0;
}

static unsigned files(const struct bed *bed, bool remove)
{
    unsigned count = 0;
    DIR *folder = opendir(bed->dir);
    for (struct dirent *item; (item = readdir(folder));)
        if (item->d_name[0] != '.') {
            count++;
            if (remove)
                unlinkat(dirfd(folder), item->d_name, 0);
        }
    closedir(folder);
    return count;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    sessions_free(bed->sessions);
    sd_event_unref(bed->event);
    files(bed, true);
    rmdir(bed->dir);
    free(bed);
    return 0;
}

static void restart(struct bed *bed)
{
    sessions_free(bed->sessions);
    assert_int_equal(sessions_new(bed->event, NULL, bed->dir, &bed->sessions), KC_OK);
}

static pid_t holder(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    return pid;
}

static void end_holder(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void log_in_from(
    struct bed *bed, pid_t process, const char *refresh, uint8_t key[KC_KEY_SIZE])
{
    struct grant_answer answer = {
        .expires_at = 4711, .issuer = ISSUER, .client_id = CLIENT, .scope = (char *)"openid"};
    assert_int_equal(kc_secret_set(&answer.access_token, "access", 6), KC_OK);
    if (refresh)
        assert_int_equal(kc_secret_set(&answer.refresh_token, refresh, strlen(refresh)), KC_OK);
    assert_int_equal(sessions_grant(bed->sessions, &ada, (uint32_t)process, &answer, key), KC_OK);
    kc_secret_wipe(&answer.access_token);
    kc_secret_wipe(&answer.refresh_token);
}

/* As sshd's child does: the process that logs in is not the one that opens the session. */
static void log_in(struct bed *bed, const char *refresh, uint8_t key[KC_KEY_SIZE])
{
    pid_t child = holder();
    log_in_from(bed, child, refresh, key);
    end_holder(child);
}

static enum kc_status open_as(struct bed *bed, const uint8_t *key, const struct kc_wire_login *who,
    pid_t pid, uint8_t *handle)
{
    SESSION_AUTO_RECORD struct session_record record = {0};
    enum kc_status status =
        sessions_open(bed->sessions, key, who, -1, (uint32_t)pid, &record, handle);
    if (status == KC_OK) {
        assert_string_equal(kc_secret_text(&record.access_token), "access");
        assert_int_equal(record.expires, 4711);
    }
    return status;
}

static void test_a_claim_opens_a_session_once(void **state)
{
    struct bed *bed = *state;
    uint8_t key[KC_KEY_SIZE], handle[KC_KEY_SIZE];
    log_in(bed, "refresh", key);
    assert_int_equal(open_as(bed, key, &ada, getpid(), handle), KC_OK);
    assert_memory_not_equal(key, handle, sizeof key);
    assert_int_equal(open_as(bed, key, &ada, getpid(), handle), KC_TRANSACTION_UNKNOWN);
    assert_int_equal(sessions_count(bed->sessions).open, 1);
    assert_int_equal(logouts, 0);
    assert_int_equal(sessions_close(bed->sessions, key), KC_NOT_FOUND);
    assert_int_equal(sessions_close(bed->sessions, handle), KC_OK);
    assert_int_equal(logouts, 1);
    assert_string_equal(last_refresh, "refresh");
    assert_int_equal(files(bed, false), 0);
    assert_int_equal(sessions_close(bed->sessions, handle), KC_NOT_FOUND);
}

static void test_another_login_gets_nothing_and_ends_the_grant(void **state)
{
    struct bed *bed = *state;
    struct kc_wire_login others[5] = {ada, ada, ada, ada, ada};
    snprintf(others[0].user, sizeof others[0].user, "root");
    snprintf(others[1].service, sizeof others[1].service, "sudo");
    snprintf(others[2].rhost, sizeof others[2].rhost, "192.0.2.77");
    others[3].uid = 0;
    others[4].uid = KC_WIRE_NO_UID;
    for (unsigned i = 0; i < 5; i++) {
        uint8_t key[KC_KEY_SIZE], handle[KC_KEY_SIZE];
        log_in(bed, "refresh", key);
        assert_int_equal(open_as(bed, key, &others[i], getpid(), handle), KC_TRANSACTION_MISMATCH);
        assert_int_equal(logouts, i + 1);
        assert_int_equal(open_as(bed, key, &ada, getpid(), handle), KC_TRANSACTION_UNKNOWN);
    }
    assert_int_equal(files(bed, false), 0);
}

/* sudo: one process, at first the one who types the password, then the target. */
static void test_the_process_that_logged_in_becomes_another_user(void **state)
{
    struct bed *bed = *state;
    uint8_t key[KC_KEY_SIZE], handle[KC_KEY_SIZE];
    struct kc_wire_login root = ada, elsewhere, renumbered = ada;
    snprintf(root.user, sizeof root.user, "root");
    root.uid = 0;
    elsewhere = root;
    snprintf(elsewhere.service, sizeof elsewhere.service, "su");
    renumbered.uid = 0;
    pid_t other = holder();
    const struct {
        const struct kc_wire_login *who;
        pid_t by;
        enum kc_status status;
    } claims[] = {
        {&root, getpid(), KC_USER_SWITCHED},
        {&root, other, KC_TRANSACTION_MISMATCH},
        {&elsewhere, getpid(), KC_TRANSACTION_MISMATCH},
        {&renumbered, getpid(), KC_TRANSACTION_MISMATCH},
    };
    for (unsigned i = 0; i < sizeof claims / sizeof *claims; i++) {
        log_in_from(bed, getpid(), "refresh", key);
        assert_int_equal(open_as(bed, key, claims[i].who, claims[i].by, handle), claims[i].status);
        assert_int_equal(logouts, i + 1);
        assert_int_equal(open_as(bed, key, &ada, getpid(), handle), KC_TRANSACTION_UNKNOWN);
    }
    end_holder(other);
    assert_int_equal(files(bed, false), 0);
}

static void test_the_account_phase_looks_and_leaves_it(void **state)
{
    struct bed *bed = *state;
    uint8_t key[KC_KEY_SIZE], handle[KC_KEY_SIZE];
    SESSION_AUTO_RECORD struct session_record record = {0};
    log_in(bed, "refresh", key);
    assert_int_equal(sessions_peek(bed->sessions, key, &ada, &record), KC_OK);
    assert_string_equal(record.scope, "openid");
    struct kc_wire_login bob = ada;
    snprintf(bob.user, sizeof bob.user, "bob");
    struct session_record none = {0};
    assert_int_equal(sessions_peek(bed->sessions, key, &bob, &none), KC_TRANSACTION_MISMATCH);
    key[0] ^= 1;
    assert_int_equal(sessions_peek(bed->sessions, key, &ada, &none), KC_TRANSACTION_UNKNOWN);
    key[0] ^= 1;
    assert_int_equal(open_as(bed, key, &ada, getpid(), handle), KC_OK);
}

static void test_the_death_of_the_holder_ends_the_session(void **state)
{
    struct bed *bed = *state;
    uint8_t key[KC_KEY_SIZE], handle[KC_KEY_SIZE];
    pid_t pid = holder();
    log_in(bed, "refresh", key);
    assert_int_equal(open_as(bed, key, &ada, pid, handle), KC_OK);
    assert_int_equal(sd_event_run(bed->event, 0), 0);
    assert_int_equal(logouts, 0);
    end_holder(pid);
    assert_true(sd_event_run(bed->event, 2000000) > 0);
    assert_int_equal(logouts, 1);
    assert_int_equal(files(bed, false), 0);
}

static void test_a_restart_takes_up_what_lives_and_ends_what_died(void **state)
{
    struct bed *bed = *state;
    uint8_t key[KC_KEY_SIZE], living[KC_KEY_SIZE], dead[KC_KEY_SIZE], unclaimed[KC_KEY_SIZE];
    pid_t lives = holder(), dies = holder();
    log_in(bed, "living", key);
    assert_int_equal(open_as(bed, key, &ada, lives, living), KC_OK);
    log_in(bed, "dead", key);
    assert_int_equal(open_as(bed, key, &ada, dies, dead), KC_OK);
    log_in(bed, "unclaimed", unclaimed);
    end_holder(dies);
    restart(bed);
    assert_int_equal(sessions_recover(bed->sessions), 3);
    assert_int_equal(logouts, 1);
    assert_string_equal(last_refresh, "dead");
    assert_int_equal(sessions_count(bed->sessions).open, 1);
    assert_int_equal(sessions_count(bed->sessions).grants, 1);
    uint8_t handle[KC_KEY_SIZE];
    assert_int_equal(open_as(bed, unclaimed, &ada, getpid(), handle), KC_OK);
    assert_int_equal(sessions_close(bed->sessions, living), KC_OK);
    end_holder(lives);
}

static void test_a_logout_that_fails_is_tried_again_after_a_restart(void **state)
{
    struct bed *bed = *state;
    uint8_t key[KC_KEY_SIZE], handle[KC_KEY_SIZE];
    log_in(bed, "refresh", key);
    assert_int_equal(open_as(bed, key, &ada, getpid(), handle), KC_OK);
    next_end = KC_NOT_READY;
    assert_int_equal(sessions_close(bed->sessions, handle), KC_OK);
    assert_int_equal(logouts, 1);
    assert_int_equal(files(bed, false), 1);
    restart(bed);
    next_end = KC_OK;
    sessions_recover(bed->sessions);
    assert_int_equal(logouts, 2);
    assert_int_equal(files(bed, false), 0);
}

/* A start finds what is over before it knows the realm: the log-out comes as soon as it does. */
static void test_lesson_29_after_a_start_log_outs_wait_for_the_realm_alone(void **state)
{
    struct bed *bed = *state;
    uint8_t key[KC_KEY_SIZE], handle[KC_KEY_SIZE];
    for (unsigned i = 0; i < 3; i++) {
        log_in(bed, "refresh", key);
        assert_int_equal(open_as(bed, key, &ada, getpid(), handle), KC_OK);
        discovered = false;
        assert_int_equal(sessions_close(bed->sessions, handle), KC_OK);
        discovered = true;
    }
    assert_int_equal(logouts, 0);
    assert_non_null(when_known);
    realm_ready *ready = when_known;
    when_known = NULL;
    ready(when_known_userdata, KC_OK, "");
    assert_int_equal(logouts, 3);
    assert_int_equal(files(bed, false), 0);
    log_in(bed, "refresh", key);
    assert_int_equal(open_as(bed, key, &ada, getpid(), handle), KC_OK);
    discovered = false;
    assert_int_equal(sessions_close(bed->sessions, handle), KC_OK);
    discovered = true;
    ready = when_known;
    when_known = NULL;
    ready(when_known_userdata, KC_UNREACHABLE, "no");
    assert_int_equal(logouts, 3);
    assert_true(sd_event_run(bed->event, 3000000) > 0);
    assert_int_equal(logouts, 4);
}

static void test_without_refresh_token_the_access_token_is_revoked(void **state)
{
    struct bed *bed = *state;
    uint8_t key[KC_KEY_SIZE], handle[KC_KEY_SIZE];
    log_in(bed, NULL, key);
    assert_int_equal(open_as(bed, key, &ada, getpid(), handle), KC_OK);
    assert_int_equal(sessions_close(bed->sessions, handle), KC_OK);
    assert_int_equal(revocations, 1);
    assert_int_equal(logouts, 0);
}

/* What the rules refuse is given back, whatever fills the room of those who wait. */
static void test_a_discarded_grant_is_ended_and_not_kept(void **state)
{
    struct bed *bed = *state;
    struct grant_answer answer = {.issuer = ISSUER, .client_id = CLIENT};
    assert_int_equal(kc_secret_set(&answer.access_token, "access", 6), KC_OK);
    assert_int_equal(kc_secret_set(&answer.refresh_token, "discarded", 9), KC_OK);
    sessions_discard(bed->sessions, &ada, &answer);
    assert_int_equal(logouts, 1);
    assert_string_equal(last_refresh, "discarded");
    assert_int_equal(files(bed, false), 0);
    uint8_t key[KC_KEY_SIZE];
    struct kc_wire_login other = ada;
    for (unsigned user = 0; user < 16; user++)
        for (unsigned i = 0; i < 256; i++) {
            snprintf(other.user, sizeof other.user, "user%u", user);
            assert_int_equal(sessions_grant(bed->sessions, &other, 0, &answer, key), KC_OK);
        }
    assert_int_equal(sessions_grant(bed->sessions, &ada, 0, &answer, key), KC_BUSY);
    sessions_discard(bed->sessions, &ada, &answer);
    assert_int_equal(logouts, 2);
    kc_secret_wipe(&answer.access_token);
    kc_secret_wipe(&answer.refresh_token);
}

/* Unclaimed grants of one account, made on purpose, keep nobody else out. */
static void test_one_user_does_not_fill_the_room(void **state)
{
    struct bed *bed = *state;
    uint8_t key[KC_KEY_SIZE], handle[KC_KEY_SIZE];
    struct grant_answer answer = {.issuer = ISSUER, .client_id = CLIENT};
    assert_int_equal(kc_secret_set(&answer.access_token, "access", 6), KC_OK);
    for (unsigned i = 0; i < 256; i++)
        log_in(bed, "refresh", key);
    for (unsigned start = 0; start < 2; start++) {
        assert_int_equal(sessions_grant(bed->sessions, &ada, 0, &answer, handle), KC_BUSY);
        restart(bed);
        assert_int_equal(sessions_recover(bed->sessions), 256);
    }
    struct kc_wire_login bob = ada;
    snprintf(bob.user, sizeof bob.user, "bob");
    assert_int_equal(sessions_grant(bed->sessions, &bob, 0, &answer, handle), KC_OK);
    assert_int_equal(open_as(bed, key, &ada, getpid(), handle), KC_OK);
    log_in(bed, "refresh", key);
    kc_secret_wipe(&answer.access_token);
}

static void test_foreign_and_damaged_files_are_removed(void **state)
{
    struct bed *bed = *state;
    uint8_t key[KC_KEY_SIZE];
    log_in(bed, "refresh", key);
    char path[256];
    snprintf(path, sizeof path, "%s/rubbish", bed->dir);
    assert_int_equal(mkdir(path, 0700) || rmdir(path), 0);
    FILE *file = fopen(path, "w");
    fputs("x", file);
    fclose(file);
    snprintf(path, sizeof path, "%s/g-%064d", bed->dir, 0);
    file = fopen(path, "w");
    fputs("KCS2 and then nothing", file);
    fclose(file);
    chmod(path, 0600);
    restart(bed);
    assert_int_equal(sessions_recover(bed->sessions), 1);
    assert_int_equal(files(bed, false), 1);
    assert_int_equal(logouts, 0);
}

/* Out of descriptors for a moment: the session must still be there for the next start. */
static void test_a_file_that_cannot_be_read_now_is_kept(void **state)
{
    struct bed *bed = *state;
    uint8_t key[KC_KEY_SIZE];
    struct rlimit before, few;
    log_in(bed, "refresh", key);
    restart(bed);
    int free_fd = open("/dev/null", O_RDONLY);
    assert_true(free_fd >= 0);
    close(free_fd);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)free_fd + 1; /* the folder opens, its files do not */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    size_t found = sessions_recover(bed->sessions);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(found, 0);
    assert_int_equal(files(bed, false), 1);
    assert_int_equal(sessions_recover(bed->sessions), 1);
}

/* Lowers the limit so far that only `more` descriptors beyond those in use are to be had. */
static struct rlimit leave_descriptors(unsigned more)
{
    struct rlimit before, few;
    int next = open("/dev/null", O_RDONLY);
    assert_true(next >= 0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)next + more;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    return before;
}

/* Whichever descriptor is the first that is not to be had, a session that lives is not ended, and
 * it is found again without a restart. */
static void test_lesson_29_a_shortage_at_a_restart_ends_no_session(void **state)
{
    struct bed *bed = *state;
    uint8_t key[KC_KEY_SIZE], handle[KC_KEY_SIZE];
    pid_t pid = holder();
    log_in(bed, "refresh", key);
    assert_int_equal(open_as(bed, key, &ada, pid, handle), KC_OK);
    unsigned short_of = 0;
    for (unsigned more = 0; sessions_count(bed->sessions).open == 0 || more == 0; more++) {
        restart(bed);
        struct rlimit before = leave_descriptors(more);
        (void)sessions_recover(bed->sessions);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(logouts, 0);
        assert_int_equal(files(bed, false), 1);
        short_of += sessions_count(bed->sessions).open == 0;
        assert_true(more < 8);
    }
    assert_in_range(short_of, 3, 4); /* the folder; the file; the pidfd; its start time */
    restart(bed);
    struct rlimit before = leave_descriptors(2);
    (void)sessions_recover(bed->sessions);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(sessions_count(bed->sessions).open, 0);
    assert_true(sd_event_run(bed->event, 3000000) > 0);
    assert_int_equal(sessions_count(bed->sessions).open, 1);
    assert_int_equal(sessions_close(bed->sessions, handle), KC_OK);
    assert_int_equal(logouts, 1);
    end_holder(pid);
}

/* No room for a file: what cannot be kept is not kept at the realm either. */
static void test_lesson_29_without_room_the_grant_is_ended_at_once(void **state)
{
    struct bed *bed = *state;
    struct grant_answer answer = {.issuer = ISSUER, .client_id = CLIENT};
    uint8_t key[KC_KEY_SIZE];
    assert_int_equal(kc_secret_set(&answer.access_token, "access", 6), KC_OK);
    assert_int_equal(kc_secret_set(&answer.refresh_token, "no room", 7), KC_OK);
    struct rlimit before = leave_descriptors(0);
    enum kc_status status = sessions_grant(bed->sessions, &ada, 0, &answer, key);
    sessions_discard(bed->sessions, &ada, &answer);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(status, KC_NO_ROOM);
    assert_int_equal(logouts, 1);
    assert_string_equal(last_refresh, "no room");
    assert_int_equal(files(bed, false), 0);
    kc_secret_wipe(&answer.access_token);
    kc_secret_wipe(&answer.refresh_token);
}

/* Somebody removed the file: the session is forgotten, and nothing is renamed or read for ever. */
static void test_a_file_that_is_gone_ends_its_session(void **state)
{
    struct bed *bed = *state;
    uint8_t key[KC_KEY_SIZE], handle[KC_KEY_SIZE];
    log_in(bed, "refresh", key);
    assert_int_equal(open_as(bed, key, &ada, getpid(), handle), KC_OK);
    files(bed, true);
    assert_int_equal(sessions_close(bed->sessions, handle), KC_OK);
    assert_int_equal(sessions_count(bed->sessions).open, 0);
    assert_int_equal(sessions_close(bed->sessions, handle), KC_NOT_FOUND);
    assert_int_equal(logouts, 0);
}

static void test_a_folder_of_others_is_refused(void **state)
{
    struct bed *bed = *state;
    struct sessions *sessions;
    assert_int_equal(chmod(bed->dir, 0755), 0);
    assert_int_equal(sessions_new(bed->event, NULL, bed->dir, &sessions), KC_CONFIG_UNTRUSTED);
    assert_int_equal(chmod(bed->dir, 0700), 0);
}

static void test_a_process_that_took_over_the_number_is_another(void **state)
{
    (void)state;
    uint64_t started;
    int pidfd = -1;
    assert_int_equal(process_started((uint32_t)getpid(), &started), KC_OK);
    assert_int_equal(process_open((uint32_t)getpid(), started + 1, &pidfd), KC_NOT_FOUND);
    assert_int_equal(process_open(0, 0, &pidfd), KC_NOT_FOUND);
    assert_int_equal(
        process_open((uint32_t)getpid(), PROCESS_START_UNKNOWN, &pidfd), KC_NOT_FOUND);
    assert_int_equal(process_open((uint32_t)getpid(), started, &pidfd), KC_OK);
    uint32_t pid = 0;
    assert_int_equal(process_of_pidfd(pidfd, &pid), KC_OK);
    assert_int_equal(pid, getpid());
    assert_int_equal(process_of_pidfd(0, &pid), KC_MALFORMED);
    close(pidfd);
}

int main(void)
{
#define BED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BED(test_a_claim_opens_a_session_once),
        BED(test_another_login_gets_nothing_and_ends_the_grant),
        BED(test_the_process_that_logged_in_becomes_another_user),
        BED(test_the_account_phase_looks_and_leaves_it),
        BED(test_the_death_of_the_holder_ends_the_session),
        BED(test_a_restart_takes_up_what_lives_and_ends_what_died),
        BED(test_a_logout_that_fails_is_tried_again_after_a_restart),
        BED(test_lesson_29_after_a_start_log_outs_wait_for_the_realm_alone),
        BED(test_without_refresh_token_the_access_token_is_revoked),
        BED(test_a_discarded_grant_is_ended_and_not_kept),
        BED(test_one_user_does_not_fill_the_room),
        BED(test_foreign_and_damaged_files_are_removed),
        BED(test_a_file_that_cannot_be_read_now_is_kept),
        BED(test_lesson_29_a_shortage_at_a_restart_ends_no_session),
        BED(test_lesson_29_without_room_the_grant_is_ended_at_once),
        BED(test_a_file_that_is_gone_ends_its_session),
        BED(test_a_folder_of_others_is_refused),
        cmocka_unit_test(test_a_process_that_took_over_the_number_is_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
