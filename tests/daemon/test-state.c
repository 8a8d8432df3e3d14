/*
 * Tests of state.db: what is put is got, in the next run too; what is damaged, newer or another's is
 * not believed; a disk that is full and a process that is killed lose nothing that was answered.
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

static void on_got(void *userdata, enum kc_status status, int64_t at, const char *text, size_t length)
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
    struct state *open = open_state(*state);
    struct answer answer = get(open, STATE_KEYS, "1");
    assert_int_equal(answer.status, KC_NOT_FOUND);
    state_put(open, STATE_KEYS, "1", 1000, "ssh-ed25519 AAAA", 16);
    state_put(open, STATE_EVIDENCE, "1", 2000, "{}", 2);
    state_put(open, STATE_KEYS, "2", 3000, "", 0);
    state_put(open, STATE_EVIDENCE, "1", 2001, "{\"enabled\":true}", 16);
    answer = get(open, STATE_KEYS, "1");
    assert_int_equal(answer.status, KC_OK);
    assert_int_equal(answer.at, 1000);
    assert_string_equal(answer.text, "ssh-ed25519 AAAA");
    state_close(open);
    open = open_state(*state);
    answer = get(open, STATE_EVIDENCE, "1");
    assert_int_equal(answer.at, 2001);
    assert_string_equal(answer.text, "{\"enabled\":true}");
    answer = get(open, STATE_KEYS, "2");
    assert_int_equal(answer.status, KC_OK);
    assert_int_equal(answer.length, 0);
    assert_int_equal(get(open, STATE_KEYS, "3").status, KC_NOT_FOUND);
    state_close(open);
}

static void test_texts_that_are_too_long_or_too_many(void **state)
{
    struct state *open = open_state(*state);
    char *text = calloc(1, STATE_TEXT_MAX + 1);
    assert_non_null(text);
    state_put(open, STATE_KEYS, "long", 1, text, STATE_TEXT_MAX + 1);
    assert_int_equal(get(open, STATE_KEYS, "long").status, KC_NOT_FOUND);
    for (int i = 0; i < 2000; i++)
        state_put(open, STATE_KEYS, "many", 1, text, STATE_TEXT_MAX);
    bool came = false;
    while (!came) { /* there is room again as soon as the thread gets on */
        struct state_read *read;
        struct answer answer = {0};
        const enum kc_status status = state_get(open, STATE_KEYS, "many", on_got, &answer, &read);
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
    state_close(open);
}

static void test_a_reader_who_went(void **state)
{
    struct state *open = open_state(*state);
    struct answer gone = {0};
    struct state_read *read = NULL;
    assert_int_equal(state_get(open, STATE_KEYS, "1", on_got, &gone, &read), KC_OK);
    state_read_cancel(read);
    (void)get(open, STATE_KEYS, "1");
    assert_false(gone.came);
    assert_int_equal(state_get(open, STATE_KEYS, "1", on_got, &gone, &read), KC_OK);
    state_close(open);
    assert_false(gone.came);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_texts_that_are_too_long_or_too_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_reader_who_went, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
