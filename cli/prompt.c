/*
 * A question at the terminal.
 * Used by the verbs that ask.
 * Must never read an answer from anything but the terminal, nor leave it without its echo.
 */
#include "cli/prompt.h"

#include "common/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>

static void show(int terminal, const char *text)
{
    for (; *text; text++) {
        const char byte = (*text >= ' ' && *text < 0x7f) ? *text : '?';
        if (write(terminal, &byte, 1) != 1)
            return;
    }
}

/* Until a line is there. A signal stays pending: it comes when the terminal is as it was. */
static enum kc_status wait_for_line(int terminal, int signals)
{
    struct pollfd polls[] = {{.fd = signals, .events = POLLIN}, {.fd = terminal, .events = POLLIN}};
    while (poll(polls, 2, -1) < 0)
        if (errno != EINTR)
            return KC_SYSTEM;
    return polls[0].revents ? KC_CANCELLED : KC_OK;
}

/* One line, without its end. */
static enum kc_status read_line(int terminal, int signals, struct kc_secret *answer)
{
    enum kc_status status = wait_for_line(terminal, signals);
    char byte;
    if (status != KC_OK)
        return status;
    for (;;) {
        const ssize_t got = read(terminal, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return KC_CONVERSATION;
        if (byte == '\n')
            return status;
        if (answer->length >= KC_ANSWER_MAX)
            status = KC_TOO_LARGE; /* the rest of the line is read all the same */
        else if (kc_secret_append(answer, &byte, 1) != KC_OK)
            status = KC_NO_MEMORY;
    }
}

enum kc_status cli_prompt(const char *text, bool echo, struct kc_secret *ret_answer)
{
    KC_AUTO_CLOSE int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios before, silent;
    sigset_t signals, old;
    kc_secret_wipe(ret_answer);
    if (terminal < 0 || tcgetattr(terminal, &before) != 0)
        return KC_CONVERSATION;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    silent.c_lflag |= ECHONL;
    /* whoever ends this waits for the echo to be back */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGQUIT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    KC_AUTO_CLOSE int ends = signalfd(-1, &signals, SFD_CLOEXEC);
    if (ends < 0)
        return KC_SYSTEM;
    sigaddset(&signals, SIGTSTP);
    (void)sigprocmask(SIG_BLOCK, &signals, &old);
    if (!echo && tcsetattr(terminal, TCSAFLUSH, &silent) != 0) {
        (void)sigprocmask(SIG_SETMASK, &old, NULL);
        return KC_CONVERSATION;
    }
    show(terminal, text);
    const enum kc_status status = read_line(terminal, ends, ret_answer);
    if (!echo)
        (void)tcsetattr(terminal, TCSAFLUSH, &before);
    (void)sigprocmask(SIG_SETMASK, &old, NULL);
    return status;
}
