/*
 * The host program of a script: calls libpam as sshd, sudo and login do, and compares codes, the
 * environment, the time and the descriptors with the script's.
 */
#include "tests/pam/play.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int returned = -1;

void play_returned(int code);

static const struct {
    const char *name;
    int code;
} codes[] = {{"success", PAM_SUCCESS}, {"ignore", PAM_IGNORE}, {"auth-err", PAM_AUTH_ERR},
    {"perm-denied", PAM_PERM_DENIED}, {"acct-expired", PAM_ACCT_EXPIRED},
    {"user-unknown", PAM_USER_UNKNOWN}, {"authinfo-unavail", PAM_AUTHINFO_UNAVAIL},
    {"try-again", PAM_TRY_AGAIN}, {"authtok-err", PAM_AUTHTOK_ERR}, {"conv-err", PAM_CONV_ERR},
    {"system-err", PAM_SYSTEM_ERR}, {"cred-err", PAM_CRED_ERR}};

static int code_of(const struct line *line, size_t word)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i].name, line->words[word]) == 0)
            return codes[i].code;
    play_fail(line, "no such code");
}

static const char *code_name(int code)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].code == code)
            return codes[i].name;
    return code < 0 ? "nothing" : pam_strerror(NULL, code);
}

void play_returned(int code)
{
    returned = code;
}

/* What the call left in the environment: the `env` lines, all of them and no other. */
static void compare_environment(const struct line *call, const struct line *lines, size_t count)
{
    char **environment = pam_getenvlist(play.handle);
    size_t wanted = 0, there = 0;
    for (char **each = environment; *each; each++, there++) {
        bool found = false;
        for (size_t i = 0; i < count && !found; i++) {
            char *text = expand(lines[i].rest ? lines[i].rest : "");
            found = strcmp(lines[i].words[0], "env") == 0 && strcmp(text, *each) == 0;
            free(text);
        }
        if (!found)
            play_fail(call, "the environment has %.200s", *each);
        free(*each);
    }
    free(environment);
    for (size_t i = 0; i < count; i++)
        wanted += strcmp(lines[i].words[0], "env") == 0;
    if (wanted != there)
        play_fail(call, "the environment has %zu of %zu variables", there, wanted);
}

static int call_pam(const struct line *call)
{
    int flags = 0; /* of setcred, 0 is PAM_ESTABLISH_CRED */
    for (size_t i = 2; i < call->count; i++)
        if (strcmp(call->words[i], "silent") == 0)
            flags |= (int)PAM_SILENT;

    const char *what = call->words[1];
    if (strcmp(what, "authenticate") == 0)
        return pam_authenticate(play.handle, flags);
    if (strcmp(what, "setcred") == 0)
        return pam_setcred(play.handle, flags);
    if (strcmp(what, "account") == 0)
        return pam_acct_mgmt(play.handle, flags);
    if (strcmp(what, "open") == 0)
        return pam_open_session(play.handle, flags);
    if (strcmp(what, "close") == 0)
        return pam_close_session(play.handle, flags);
    if (strcmp(what, "password") == 0)
        return pam_chauthtok(play.handle, flags);
    play_fail(call, "no such call");
}

static pid_t start_daemon(const struct line *call, const struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_daemon_line(&lines[i])) {
            const char *door = line_value(call, 2, "door");
            int at = door ? strcmp(door, "public") == 0 : geteuid() != 0;
            pid_t child = fork();
            if (child == 0) {
                host_on_log(NULL);
                play.quiet = play.failing;
                fake_daemon(play.place, at, &lines[i], count - i);
            }
            return child;
        }
    return -1;
}

/* The daemon must have played all its lines, and nobody else may have knocked. */
static void end_daemon(const struct line *call, pid_t child)
{
    int status = 0, done = 0;
    if (play.failing) {
        if (child > 0 && kill(child, SIGKILL) == 0)
            waitpid(child, &status, 0);
        return;
    }
    for (int i = 0; child > 0 && !done && i < 200; i++) {
        done = waitpid(child, &status, WNOHANG);
        if (!done)
            usleep(10000);
    }
    if (child > 0 && !done) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        play_fail(call, "the daemon waits for more");
    }
    if (status != 0)
        exit(1);
    for (int door = 0; door < 2; door++) {
        struct pollfd waiting = {.fd = play.place->door[door], .events = POLLIN};
        if (play.place->door[door] >= 0 && poll(&waiting, 1, 0) != 0)
            play_fail(call, "another connection to the %s socket", door ? "public" : "privileged");
    }
}

/* `never CODE...`: what the module must not return, whichever of its calls fails. */
static void compare_never(const struct line *line)
{
    for (size_t i = 1; i < line->count; i++)
        if (code_of(line, i) == returned)
            play_fail(line, "the module returned %s", code_name(returned));
}

static void compare_end(const struct line *line, int result, long long took)
{
    if (strcmp(line->words[0], "never") == 0)
        compare_never(line);
    if (play.failing)
        return;
    if (strcmp(line->words[0], "returns") == 0 && code_of(line, 1) != returned)
        play_fail(line, "the module returned %s", code_name(returned));
    if (strcmp(line->words[0], "result") == 0 && code_of(line, 1) != result)
        play_fail(line, "the stack's result is %s", code_name(result));
    if (strcmp(line->words[0], "took") == 0 &&
        (took < strtol(line->words[1], NULL, 10) || took > strtol(line->words[2], NULL, 10)))
        play_fail(line, "it took %lld ms", took);
}

/* A module leaves no descriptor behind, and takes the place of none that was closed. */
static void descriptors(bool ret_open[64])
{
    for (int fd = 0; fd < 64; fd++)
        ret_open[fd] = fcntl(fd, F_GETFD) >= 0;
}

static void compare_descriptors(const struct line *call, const bool before[64])
{
    bool after[64];
    descriptors(after);
    for (int fd = 0; fd < 64; fd++)
        if (before[fd] != after[fd])
            play_fail(call, "descriptor %d was %s and is not", fd, before[fd] ? "open" : "closed");
}

static bool tells_result(const struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(lines[i].words[0], "returns") == 0 || strcmp(lines[i].words[0], "result") == 0)
            return true;
    return false;
}

void application_play(const struct line *call, const struct line *lines, size_t count)
{
    bool before[64];
    play.current = call;
    returned = -1;
    if (!play.handle)
        application_start();
    if (!tells_result(lines, count))
        play_fail(call, "what does it return?");
    conversation_expect(lines, count);
    pid_t child = start_daemon(call, lines, count);
    descriptors(before);
    long long began = host_clock_ms();
    int result = call_pam(call);
    long long took = host_clock_ms() - began;
    if (conversation_missing() && !play.failing)
        play_fail(
            conversation_missing(), "did not happen; the module returned %s", code_name(returned));
    for (size_t i = 0; i < count; i++)
        compare_end(&lines[i], result, took);
    compare_descriptors(call, before);
    end_daemon(call, child);
    if (!play.failing)
        compare_environment(call, lines, count);
}

void application_begin(struct place *place)
{
    play.place = place;
    host_on_log(conversation_log);
    application_listen();
}

void application_end(void)
{
    play.current = NULL;
    conversation_expect(NULL, 0);
    if (play.handle)
        pam_end(play.handle, PAM_SUCCESS);
}
