/*
 * cmocka tests in processes of their own.
 * Used by tests that mostly wait.
 * Must never take a test that did not end well for one that passed.
 */
#include "tests/daemon/side_by_side.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TESTS_MAX 128

struct running {
    pid_t pid;
    FILE *output;
};

static void begin(struct running *running, const struct CMUnitTest *test)
{
    running->output = tmpfile();
    fflush(NULL);
    running->pid = running->output ? fork() : -1;
    if (running->pid)
        return;
    const struct CMUnitTest one[] = {*test};
    if (dup2(fileno(running->output), STDOUT_FILENO) < 0 ||
        dup2(fileno(running->output), STDERR_FILENO) < 0)
        _exit(2);
    exit(cmocka_run_group_tests(one, NULL, NULL) ? 1 : 0);
}

static void print(FILE *output)
{
    char bytes[4096];
    size_t length;
    rewind(output);
    while ((length = fread(bytes, 1, sizeof(bytes), output)))
        fwrite(bytes, 1, length, stdout);
    fclose(output);
}

/* Waits for any; 0 if it passed. */
static int end_one(struct running *running, size_t count)
{
    int status = 0;
    pid_t pid = waitpid(-1, &status, 0);
    for (size_t i = 0; i < count; i++) {
        if (running[i].pid != pid)
            continue;
        print(running[i].output);
        running[i].pid = 0;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
    }
    return 1;
}

int side_by_side(const struct CMUnitTest *tests, size_t count, unsigned at_once)
{
    struct running running[TESTS_MAX] = {{0}};
    int failed = 0;
    unsigned alive = 0;
    if (count > TESTS_MAX)
        return 1;
    for (size_t i = 0; i < count; i++) {
        if (alive == at_once) {
            failed += end_one(running, i);
            alive--;
        }
        begin(&running[i], &tests[i]);
        if (running[i].pid < 0)
            return 1;
        alive++;
    }
    for (; alive; alive--)
        failed += end_one(running, count);
    printf("%zu tests, %d failed\n", count, failed);
    return failed ? 1 : 0;
}
