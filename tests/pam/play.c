/*
 * Plays test scripts of the PAM module: `play SCRIPT`, or `play --failing SCRIPT` for each call
 * that the module makes failing in turn, when nothing counts but the lines `never`. A script sets
 * the host up, calls PAM, and says what must happen, in order (scripts/README). Exits 0, or 1 with
 * the line that did not come true; 99 when it cannot work here.
 */
#include "tests/pam/play.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct place place;

static int remove_one(const char *path, const struct stat *node, int type, struct FTW *where)
{
    (void)node, (void)type, (void)where;
    return remove(path);
}

static pid_t owner;

static void remove_place(void)
{
    if (getpid() == owner)
        nftw(place.root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *module_path(const char *variable)
{
    const char *path = getenv(variable);
    char *real = path ? realpath(path, NULL) : NULL;
    if (!real) {
        fprintf(stderr, "play: %s names no module\n", variable);
        exit(99);
    }
    return real;
}

static void make_place(void)
{
    static const char *const folders[] = {"run", "pam.d"};
    char path[512];
    snprintf(place.root, sizeof place.root, "/tmp/kclogin-play.XXXXXX");
    if (!mkdtemp(place.root))
        exit(99);
    owner = getpid();
    atexit(remove_place);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", place.root, folders[i]);
        mkdir(path, 0755);
        chmod(path, 0755);
    }
    snprintf(path, sizeof path, "%s/group", place.root);
    fclose(fopen(path, "we"));
    snprintf(path, sizeof path, "%s/passwd", place.root);
    FILE *passwd = fopen(path, "we");
    fputs("root:x:0:0:root:/root:/bin/sh\n", passwd);
    fclose(passwd);
    setenv("KCLOGIN_TEST_ROOT", place.root, 1);
    host_set_root(place.root);
}

static void run(const struct script *script)
{
    make_place();
    application_begin(&place);
    for (size_t i = 0; i < script->count; i++) {
        const struct line *line = &script->lines[i];
        if (strcmp(line->words[0], "call") != 0) {
            application_set_up(line);
            continue;
        }
        size_t end = i + 1;
        while (end < script->count && strcmp(script->lines[end].words[0], "end") != 0)
            end++;
        if (end == script->count)
            play_fail(line, "a call without its end");
        application_play(line, line + 1, end - i - 1);
        i = end;
    }
    application_end();
}

/* Which call of the module is to fail, and how many there have been. */
static unsigned fail_at, calls;
static const char *failed;

int play_fails(const char *name);

int play_fails(const char *name)
{
    if (++calls != fail_at)
        return 0;
    failed = name;
    return 1;
}

#define NOTHING_FAILED 7

/* The script once more for each call that the module makes, which fails that time. */
static int run_failing(const struct script *script)
{
    for (fail_at = 1; fail_at < 2000; fail_at++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            play.failing = true;
            run(script);
            exit(failed ? 0 : NOTHING_FAILED);
        }
        waitpid(child, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == NOTHING_FAILED) {
            fprintf(stderr, "%u calls failed in turn\n", fail_at - 1);
            return fail_at > 20 ? 0 : 1;
        }
        if (status != 0) {
            fprintf(stderr, "%s: with call %u failing: status %d\n", script->path, fail_at, status);
            return 1;
        }
    }
    return 1;
}

int main(int argc, char **argv)
{
    static struct script script;
    bool failing = argc == 3 && strcmp(argv[1], "--failing") == 0;
    if (argc != 2 && !failing) {
        fputs("usage: play [--failing] SCRIPT\n", stderr);
        return 99;
    }
    umask(022);
    place.module = module_path("KCLOGIN_TEST_MODULE");
    place.items = module_path("KCLOGIN_TEST_ITEMS");
    script_read(argv[argc - 1], &script);
    if (failing)
        return run_failing(&script);
    run(&script);
    return 0;
}
