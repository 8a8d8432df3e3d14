/*
 * Tests of state.db: what is put is got, in the next run too; what is damaged or another's is not
 * believed; a disk that is full and a process that is killed lose nothing that was answered.
 */
#include "daemon/state.h"
#include "tests/common/folder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ISSUER "https://idp.example.org/realms/linux"

static sd_event *event;

static struct state *open_state(const struct folder *folder)
{
    struct state *state = NULL;
    assert_int_equal(state_open(event, folder->path, &state), KC_OK);
    return state;
}

static int set_up(void **state)
{
    return folder_make(state) == 0 && sd_event_new(&event) >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    event = sd_event_unref(event);
    return folder_remove(state);
}

static void turn(const bool *until)
{
    while (!*until)
        assert_true(sd_event_run(event, 10 * 1000000ull) > 0);
}

/* --- texts --- */

struct answer {
    bool came;
    enum kc_status status;
    int64_t at;
    char text[64];
    size_t length;
};

static void on_got(
    void *userdata, enum kc_status status, int64_t at, const char *text, size_t length)
{
    struct answer *answer = userdata;
    answer->came = true;
    answer->status = status;
    answer->at = at;
    answer->length = length;
    if (status == KC_OK && length < sizeof answer->text)
        memcpy(answer->text, text, length + 1);
}

static struct answer get(struct state *state, enum state_kind kind, const char *id)
{
    struct answer answer = {0};
    struct state_read *read = NULL;
    assert_int_equal(state_get(state, kind, id, on_got, &answer, &read), KC_OK);
    assert_false(answer.came);
    turn(&answer.came);
    return answer;
}

static void test_texts(void **state)
{
    struct state *opened = open_state(*state);
    struct answer answer = get(opened, STATE_KEYS, "1");
    assert_int_equal(answer.status, KC_NOT_FOUND);
    state_put(opened, STATE_KEYS, "1", 1000, "ssh-ed25519 AAAA", 16);
    state_put(opened, STATE_EVIDENCE, "1", 2000, "{}", 2);
    state_put(opened, STATE_KEYS, "2", 3000, "", 0);
    state_put(opened, STATE_EVIDENCE, "1", 2001, "{\"enabled\":true}", 16);
    answer = get(opened, STATE_KEYS, "1");
    assert_int_equal(answer.status, KC_OK);
    assert_int_equal(answer.at, 1000);
    assert_string_equal(answer.text, "ssh-ed25519 AAAA");
    state_close(opened);
    opened = open_state(*state);
    answer = get(opened, STATE_EVIDENCE, "1");
    assert_int_equal(answer.at, 2001);
    assert_string_equal(answer.text, "{\"enabled\":true}");
    answer = get(opened, STATE_KEYS, "2");
    assert_int_equal(answer.status, KC_OK);
    assert_int_equal(answer.length, 0);
    assert_int_equal(get(opened, STATE_KEYS, "3").status, KC_NOT_FOUND);
    state_close(opened);
}

static void test_texts_that_are_too_long_or_too_many(void **state)
{
    struct state *opened = open_state(*state);
    char *text = calloc(1, STATE_TEXT_MAX + 1);
    assert_non_null(text);
    state_put(opened, STATE_KEYS, "long", 1, text, STATE_TEXT_MAX + 1);
    assert_int_equal(get(opened, STATE_KEYS, "long").status, KC_NOT_FOUND);
    for (int i = 0; i < 2000; i++)
        state_put(opened, STATE_KEYS, "many", 1, text, STATE_TEXT_MAX);
    bool came = false;
    while (!came) { /* there is room again as soon as the thread gets on */
        struct state_read *read;
        struct answer answer = {0};
        const enum kc_status status = state_get(opened, STATE_KEYS, "many", on_got, &answer, &read);
        if (status == KC_BUSY) {
            assert_true(sd_event_run(event, 10 * 1000000ull) > 0);
            continue;
        }
        turn(&answer.came);
        came = true;
        assert_int_equal(answer.status, KC_OK);
        assert_int_equal(answer.length, STATE_TEXT_MAX);
    }
    free(text);
    state_close(opened);
}

static void test_a_reader_who_went(void **state)
{
    struct state *opened = open_state(*state);
    struct answer gone = {0};
    struct state_read *read = NULL;
    assert_int_equal(state_get(opened, STATE_KEYS, "1", on_got, &gone, &read), KC_OK);
    state_read_cancel(read);
    (void)get(opened, STATE_KEYS, "1");
    assert_false(gone.came);
    assert_int_equal(state_get(opened, STATE_KEYS, "1", on_got, &gone, &read), KC_OK);
    state_close(opened);
    assert_false(gone.came);
}

/* --- rows --- */

#define PAIRS_MAX 200000u

/* What was loaded: for each number i the name u<i> and the uid, both of the id id-<i>. */
struct loaded {
    unsigned char names[PAIRS_MAX];
    unsigned char uids[PAIRS_MAX];
    size_t count;
};

static enum kc_status on_row(void *userdata, const struct state_row *row)
{
    struct loaded *loaded = userdata;
    if (row->table != STATE_NAMES && row->table != STATE_UIDS)
        return KC_OK;
    const unsigned long i = strtoul(row->id + 3, NULL, 10);
    assert_true(i < PAIRS_MAX);
    if (row->table == STATE_NAMES)
        assert_int_equal(strtoul(row->name + 1, NULL, 10), i);
    else
        assert_int_equal(row->number, 1900000000u + i);
    if (row->table == STATE_NAMES)
        loaded->names[i]++;
    else
        loaded->uids[i]++;
    loaded->count++;
    return KC_OK;
}

static struct loaded *load(struct state *opened)
{
    struct loaded *loaded = calloc(1, sizeof *loaded);
    assert_non_null(loaded);
    assert_int_equal(state_load(opened, ISSUER, on_row, loaded), KC_OK);
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        assert_true(loaded->names[i] <= 1);
        assert_int_equal(loaded->names[i], loaded->uids[i]); /* both or none */
    }
    return loaded;
}

struct written {
    bool came;
    enum kc_status status;
};

static void on_written(void *userdata, enum kc_status status)
{
    struct written *written = userdata;
    written->came = true;
    written->status = status;
}

/* Binds u<i> and its uid, for `count` of them from `first` on. */
static enum kc_status write_pairs(struct state *opened, unsigned first, unsigned count)
{
    struct state_row rows[64];
    char names[32][16], ids[32][16];
    struct written written = {0};
    assert_true(count <= 32);
    for (size_t i = 0; i < count; i++) {
        const unsigned number = first + (unsigned)i;
        snprintf(names[i], sizeof names[i], "u%u", number);
        snprintf(ids[i], sizeof ids[i], "id-%u", number);
        rows[2 * i] = (struct state_row){.table = STATE_NAMES, .name = names[i], .id = ids[i]};
        rows[2 * i + 1] = (struct state_row){
            .table = STATE_UIDS, .number = 1900000000u + number, .id = ids[i]};
    }
    assert_int_equal(state_write(opened, rows, 2 * (size_t)count, on_written, &written), KC_OK);
    turn(&written.came);
    return written.status;
}

static void test_rows_survive(void **state)
{
    struct state *opened = open_state(*state);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(write_pairs(opened, 32 * i, 32), KC_OK);
    assert_int_equal(write_pairs(opened, 5, 32), KC_OK); /* once more is no other */
    state_close(opened);
    opened = open_state(*state);
    struct loaded *loaded = load(opened);
    assert_int_equal(loaded->count, 2 * 640);
    free(loaded);
    state_close(opened);
}

static enum kc_status write_row(struct state *opened, const struct state_row *row)
{
    struct written written = {0};
    assert_int_equal(state_write(opened, row, 1, on_written, &written), KC_OK);
    turn(&written.came);
    return written.status;
}

static enum kc_status count_of_7(void *userdata, const struct state_row *row)
{
    *(unsigned *)userdata += strcmp(row->id, "id-7") == 0;
    return KC_OK;
}

static void assert_rows_of_7(struct state *opened, unsigned count)
{
    unsigned found = 0;
    assert_int_equal(state_load(opened, ISSUER, count_of_7, &found), KC_OK);
    assert_int_equal(found, count);
}

/* What is on the disk is nobody else's because it is written once more. */
static void test_whose_it_is_changes_at_an_administrators_word(void **state)
{
    struct state_row rows[] = {
        {.table = STATE_NAMES, .name = "u7", .id = "id-7"},
        {.table = STATE_UIDS, .number = 1900000007, .id = "id-7"},
        {.table = STATE_GIDS, .number = 1900000007, .id = "id-7"},
    };
    struct state *opened = open_state(*state);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(write_row(opened, &rows[i]), KC_OK);
    for (size_t i = 0; i < 3; i++) {
        rows[i].id = "id-8";
        assert_int_equal(write_row(opened, &rows[i]), KC_OK);
    }
    assert_rows_of_7(opened, 3);
    rows[1].allocated = true;
    assert_int_equal(write_row(opened, &rows[1]), KC_ENTRY_ID_TAKEN);
    rows[1].allocated = false;
    for (unsigned i = 0; i < 3; i++) {
        rows[i].adopted = true;
        assert_int_equal(write_row(opened, &rows[i]), KC_OK);
        assert_rows_of_7(opened, 2 - i);
    }
    state_close(opened);
}

static void test_a_realm_is_not_another(void **state)
{
    static const struct state_row rows[] = {
        {.table = STATE_REALM, .number = 1, .id = "https://other.example.org", .gid = 1},
        {.table = STATE_GROUPS, .id = "g", .name = "linux-users", .number = 1900020000},
        {.table = STATE_NAMES, .name = "u7", .id = "id-7"},
        {.table = STATE_UIDS, .number = 1900000007, .id = "id-7"},
    };
    struct written written = {0};
    struct state *opened = open_state(*state);
    assert_int_equal(state_write(opened, rows, 4, on_written, &written), KC_OK);
    turn(&written.came);
    assert_int_equal(written.status, KC_OK);
    state_put(opened, STATE_KEYS, "7", 1, "key", 3);
    assert_int_equal(get(opened, STATE_KEYS, "7").status, KC_OK);
    struct loaded *loaded = load(opened); /* who was bound is bound; nothing else is known */
    assert_int_equal(loaded->count, 2);
    assert_int_equal(loaded->names[7], 1);
    free(loaded);
    assert_int_equal(get(opened, STATE_KEYS, "7").status, KC_NOT_FOUND);
    state_close(opened);
}

/* Rows that no realm could have said are left out, and the others are not. */
static void test_rows_that_may_not_be_believed(void **state)
{
    static const char *const wrong[] = {"INSERT INTO names VALUES ('root:x', 0, 'id-1')",
        "INSERT INTO names VALUES ('-x', 0, 'id-1')", "INSERT INTO names VALUES ('u1', 2, 'id-1')",
        "INSERT INTO names VALUES ('u2', 0, '')", "INSERT INTO uids VALUES (0, 'id-1', 0)",
        "INSERT INTO uids VALUES (-1, 'id-1', 0)", "INSERT INTO uids VALUES (4294967295, 'i', 0)",
        "INSERT INTO uids VALUES (4294967297, 'id-1', 0)",
        "INSERT INTO uids VALUES (5, char(10), 0)", "INSERT INTO gids VALUES (1 << 40, 'id-1')",
        "INSERT INTO names VALUES (printf('%.33c', 'a'), 0, 'id-1')",
        "INSERT INTO uids VALUES (6, printf('%.256c', 'a'), 0)",
        "INSERT INTO realm VALUES (1, 'https://idp.example.org', 1, -1, 0)",
        "INSERT INTO known_users VALUES ('id', 'ada', 7, 7, 'a:b', '/', '/', 1, 1, 1, 1, x'')",
        "INSERT INTO known_users VALUES ('id2', 'ada', 7, 7, '', '/', '/', 1, 1, 1, 1, x'01')",
        "INSERT INTO known_groups VALUES ('id', 'a b', 7)"};
    const struct folder *folder = *state;
    struct state *opened = open_state(folder);
    assert_int_equal(write_pairs(opened, 3, 1), KC_OK);
    state_close(opened);
    sqlite3 *connection = NULL;
    assert_int_equal(sqlite3_open(folder_path(folder, "state.db"), &connection), SQLITE_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(sqlite3_exec(connection, wrong[i], NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(connection);
    opened = open_state(folder);
    struct loaded *loaded = load(opened);
    assert_int_equal(loaded->count, 2);
    free(loaded);
    state_close(opened);
}

static void test_rows_that_are_too_large(void **state)
{
    static const uint32_t gids[4096];
    struct state_row rows[STATE_ROWS_MAX];
    struct written written = {0};
    for (size_t i = 0; i < STATE_ROWS_MAX; i++)
        rows[i] = (struct state_row){.table = STATE_USERS, .id = "id-7", .name = "u7", .number = 7,
            .gid = 7, .gids = gids, .gid_count = 4096};
    struct state *opened = open_state(*state);
    assert_int_equal(state_write(opened, rows, STATE_ROWS_MAX, on_written, &written), KC_BUSY);
    state_close(opened);
}

/* --- the disk --- */

static void test_a_full_disk(void **state)
{
    struct rlimit before, small;
    struct stat file;
    unsigned done = 1;
    struct state *opened = open_state(*state);
    assert_int_equal(write_pairs(opened, 0, 32), KC_OK);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(stat(folder_path(*state, "state.db"), &file), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){(rlim_t)file.st_size, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    while (done < 100 && write_pairs(opened, 32 * done, 32) == KC_OK)
        done++; /* pages have room for some more */
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(write_pairs(opened, 32 * done, 32), KC_NO_ROOM);
    struct loaded *loaded = load(opened);
    assert_int_equal(loaded->count, 64 * done);
    free(loaded);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(write_pairs(opened, 32 * done, 32), KC_OK);
    state_close(opened);
    opened = open_state(*state);
    loaded = load(opened);
    assert_int_equal(loaded->count, 64 * (done + 1));
    free(loaded);
    state_close(opened);
}

static void on_lost(void *userdata)
{
    *(bool *)userdata = true;
}

static void test_damaged_while_it_is_open(void **state)
{
    char noise[64 * 1024];
    bool lost = false;
    struct state *opened = open_state(*state);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(write_pairs(opened, 32 * i, 32), KC_OK);
    state_watch(opened, on_lost, &lost);
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, noise, sizeof noise), sizeof noise);
    close(fd);
    fd = open(folder_path(*state, "state.db"), O_WRONLY | O_CLOEXEC);
    for (off_t at = 4096; at < 262144; at += (off_t)sizeof noise)
        assert_int_equal(pwrite(fd, noise, sizeof noise, at), sizeof noise);
    close(fd);
    for (unsigned i = 0; i < 100 && !lost; i++)
        (void)write_pairs(opened, 32 * i, 32);
    assert_true(lost);
    assert_int_equal(access(folder_path(*state, "state.db.damaged"), F_OK), 0);
    assert_int_equal(write_pairs(opened, 9000, 32), KC_OK);
    state_close(opened);
    opened = open_state(*state);
    struct loaded *loaded = load(opened);
    assert_int_equal(loaded->names[9000], 1);
    free(loaded);
    state_close(opened);
}

/* Damage that nothing but writing finds: each transaction says so until there is another file. */
static sqlite3_io_methods bad_methods;
static int (*lock_before)(sqlite3_file *, int);
static const struct folder *bad_folder;

static int lock_badly(sqlite3_file *file, int level)
{
    return level < SQLITE_LOCK_RESERVED ||
                   access(folder_path(bad_folder, "state.db.damaged"), F_OK) == 0
               ? lock_before(file, level)
               : SQLITE_CORRUPT;
}

static int make_bad(sqlite3 *connection, const char **message, const struct sqlite3_api_routines *api)
{
    sqlite3_file *file = NULL;
    (void)message;
    (void)api;
    if (sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK)
        return SQLITE_ERROR;
    bad_methods = *file->pMethods;
    lock_before = bad_methods.xLock;
    bad_methods.xLock = lock_badly;
    file->pMethods = &bad_methods;
    return SQLITE_OK;
}

static void test_damage_that_no_check_sees(void **state)
{
    bool lost = false;
    struct state *opened = open_state(*state);
    assert_int_equal(write_pairs(opened, 0, 32), KC_OK);
    state_close(opened);
    bad_folder = *state;
    assert_int_equal(sqlite3_auto_extension((void (*)(void))make_bad), SQLITE_OK);
    opened = open_state(*state);
    state_watch(opened, on_lost, &lost);
    const enum kc_status status = write_pairs(opened, 32, 32);
    sqlite3_reset_auto_extension();
    assert_int_equal(status, KC_OK);
    assert_true(lost);
    struct loaded *loaded = load(opened); /* with what could be read of the old one */
    assert_int_equal(loaded->count, 2 * 64);
    free(loaded);
    state_close(opened);
}

/* Writes pair after pair, says which ones are written, and is killed somewhere. */
static void write_until_killed(const struct folder *folder, unsigned first, int said)
{
    if (sd_event_new(&event) < 0) /* the parent's is not to be used here */
        _exit(1);
    struct state *opened = open_state(folder);
    for (unsigned i = first; i + 8 < PAIRS_MAX; i += 8) {
        if (write_pairs(opened, i, 8) != KC_OK || write(said, &i, sizeof i) != sizeof i)
            _exit(1);
    }
    _exit(1);
}

static void test_killed_anywhere(void **state)
{
    const struct folder *folder = *state;
    unsigned first = 0;
    srandom((unsigned)getpid());
    for (unsigned round = 0; round < 20; round++) {
        int ends[2], status;
        unsigned last = first, told = 0;
        assert_int_equal(pipe(ends), 0);
        const pid_t writer = fork();
        if (writer == 0)
            write_until_killed(folder, first, ends[1]);
        close(ends[1]);
        assert_int_equal(read(ends[0], &last, sizeof last), sizeof last);
        usleep((useconds_t)(random() % 20000));
        assert_int_equal(kill(writer, SIGKILL), 0);
        assert_int_equal(waitpid(writer, &status, 0), writer);
        assert_true(WIFSIGNALED(status));
        for (told = 1; read(ends[0], &last, sizeof last) == sizeof last; told++)
            continue;
        close(ends[0]);
        struct state *opened = open_state(folder);
        struct loaded *loaded = load(opened);
        for (unsigned i = 0; i < last + 8; i++)
            assert_int_equal(loaded->names[i], 1);
        first = (unsigned)(loaded->count / 2); /* what is there and was not told is there whole */
        assert_true(first == last + 8 || first == last + 16);
        free(loaded);
        state_close(opened);
        assert_true(told > 0);
    }
    assert_int_equal(access(folder_path(folder, "state.db.damaged"), F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_texts_that_are_too_long_or_too_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_reader_who_went, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_survive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_whose_it_is_changes_at_an_administrators_word, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_realm_is_not_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_that_may_not_be_believed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_while_it_is_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage_that_no_check_sees, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_that_are_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed_anywhere, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
