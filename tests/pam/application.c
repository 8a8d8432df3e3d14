/*
 * The host program of a script: calls libpam as sshd, sudo and login do, holds the conversation,
 * and compares prompts, texts, log lines, codes and the environment with the script's, in order.
 */
#include "tests/pam/play.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define EVENTS_MAX 200

static struct place *place;
static pam_handle_t *handle;
static char user[512], service[64] = "kclogin-test", options[1024];
static bool has_user = true, has_stack;

/* The current call's expectations. */
static const struct line *events[EVENTS_MAX], *current;
static size_t event_count, event_next;
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

static int code_of(const struct line *line)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i].name, line->words[1]) == 0)
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

/* The next expectation, which must be `what`; the failure says what has come instead. */
static const struct line *next_event(const char *what, const char *text)
{
    if (event_next == event_count)
        play_fail(current, "unexpected %s: %s", what, text);
    const struct line *line = events[event_next++];
    if (strcmp(line->words[0], what) != 0)
        play_fail(line, "instead came %s: %s", what, text);
    return line;
}

static void compare(const struct line *line, const char *wanted, const char *text)
{
    char *expanded = expand(wanted);
    if (strcmp(expanded, text) != 0)
        play_fail(line, "it is `%s`", text);
    free(expanded);
}

/* Where the test lies is no part of what a script says: `ROOT` stands for it. */
static void compare_message(const struct line *line, const char *message)
{
    char text[8192];
    const char *at = strstr(message, place->root);
    size_t before = at ? (size_t)(at - message) : 0;
    if (at)
        snprintf(text, sizeof text, "%.*sROOT%s", (int)before, message, at + strlen(place->root));
    compare(line, line->words[2], at ? text : message);
}

/* `log notice "text"`; the module's own prefix is taken for granted, and checked. */
static void on_log(int priority, const char *text)
{
    static const char *const priorities[] = {
        "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};
    const char *message = strstr(text, "): ");
    const struct line *line = next_event("log", text);
    if (!message || strncmp(text, "pam_", 4) != 0 || LOG_FAC(priority) != LOG_FAC(LOG_AUTHPRIV))
        play_fail(line, "a strange log line: %s", text);
    if (strcmp(line->words[1], priorities[LOG_PRI(priority)]) != 0)
        play_fail(line, "its priority is %s", priorities[LOG_PRI(priority)]);
    compare_message(line, message + 3);
}

/* `becoming NAME`: PAM_USER is another by the time the conversation returns. */
static void act_on(const struct line *line)
{
    for (size_t i = 2; i + 1 < line->count; i++) {
        if (strcmp(line->words[i], "becoming") == 0)
            pam_set_item(handle, PAM_USER, line->words[i + 1]);
        if (strcmp(line->words[i], "waits") == 0)
            usleep((useconds_t)strtoul(line->words[i + 1], NULL, 10) * 1000);
    }
}

/* What follows a prompt: `-> TEXT`, `-> fail`, `-> nothing`; `becoming NAME`; `waits MS`. */
static int reply(const struct line *line, struct pam_response *response)
{
    act_on(line);
    if (line->count < 5 || strcmp(line->words[3], "->") != 0)
        play_fail(line, "a prompt needs an answer");
    if (strcmp(line->words[4], "fail") == 0)
        return PAM_CONV_ERR;
    if (strcmp(line->words[4], "nothing") != 0)
        response->resp = expand(line->words[4]);
    return PAM_SUCCESS;
}

static int converse_one(const struct pam_message *message, struct pam_response *response)
{
    static const char *const whats[] = {[PAM_PROMPT_ECHO_OFF] = "prompt",
        [PAM_PROMPT_ECHO_ON] = "prompt",
        [PAM_ERROR_MSG] = "error",
        [PAM_TEXT_INFO] = "info"};
    const struct line *line = next_event(whats[message->msg_style], message->msg);
    if (strcmp(line->words[0], "prompt") != 0) {
        compare(line, line->words[1], message->msg);
        act_on(line);
        return line->count > 2 && strcmp(line->words[2], "fail") == 0 ? PAM_CONV_ERR : PAM_SUCCESS;
    }
    const char *echo = message->msg_style == PAM_PROMPT_ECHO_ON ? "on" : "off";
    if (strcmp(line->words[1], echo) != 0)
        play_fail(line, "echo is %s", echo);
    compare(line, line->words[2], message->msg);
    return reply(line, response);
}

static int converse(
    int count, const struct pam_message **messages, struct pam_response **ret_responses, void *data)
{
    (void)data;
    if (count != 1)
        play_fail(current, "%d messages at once", count);
    struct pam_response *response = calloc(1, sizeof *response);
    int code = converse_one(messages[0], response);
    if (code != PAM_SUCCESS)
        free(response);
    else
        *ret_responses = response;
    return code;
}

static void write_file(const char *name, const char *mode, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", place->root, name);
    FILE *file = fopen(path, mode);
    if (!file) {
        perror(path);
        exit(99);
    }
    fprintf(file, "%s\n", text);
    fclose(file);
    chmod(path, 0644);
}

/* A stack of our module alone; one of PAM_IGNOREs would deny, so a line of another kind ends it. */
static void write_stack(void)
{
    static const char *const facilities[] = {"auth", "account", "session", "password"};
    char name[128], line[4096];
    snprintf(name, sizeof name, "pam.d/%s", service);
    if (!has_stack)
        write_file(name, "w", "");
    for (size_t i = 0; i < 4; i++) {
        snprintf(line, sizeof line, "%s required %s return=7", facilities[i], place->items);
        write_file("pam.d/other", "a", line);
        snprintf(line, sizeof line, "%s required %s %s", facilities[i], place->module, options);
        if (!has_stack)
            write_file(name, "a", line);
    }
}

/* `stack auth required MODULE args`; MODULE and ITEMS stand for the two modules. */
static void add_stack_line(const struct line *line)
{
    char name[128], text[8192] = "";
    size_t used = 0;
    for (size_t i = 1; i < line->count; i++) {
        const char *word = line->words[i];
        if (strcmp(word, "MODULE") == 0)
            word = place->module;
        else if (strcmp(word, "ITEMS") == 0)
            word = place->items;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s ", word);
    }
    snprintf(name, sizeof name, "pam.d/%s", service);
    write_file(name, has_stack ? "a" : "w", text);
    has_stack = true;
}

static void start(void)
{
    static const struct pam_conv conversation = {converse, NULL};
    char folder[512];
    snprintf(folder, sizeof folder, "%s/pam.d", place->root);
    write_stack();
    int code = pam_start_confdir(service, has_user ? user : NULL, &conversation, folder, &handle);
    if (code != PAM_SUCCESS)
        play_fail(current, "pam_start: %s", pam_strerror(NULL, code));
}

/* sshd's child for keyboard-interactive: another process, to which only the environment crosses. */
static void new_process(void)
{
    char **environment = pam_getenvlist(handle);
    const void *name = NULL, *rhost = NULL;
    pam_get_item(handle, PAM_USER, &name);
    pam_get_item(handle, PAM_RHOST, &rhost);
    char *kept = rhost ? strdup(rhost) : NULL;
    snprintf(user, sizeof user, "%s", name ? (const char *)name : "");
    pam_end(handle, PAM_SUCCESS);
    start();
    pam_set_item(handle, PAM_RHOST, kept);
    free(kept);
    for (char **each = environment; *each; each++) {
        pam_putenv(handle, *each);
        free(*each);
    }
    free(environment);
}

/* A child of the host program ends its copy of the handle: that must touch nothing but memory. */
static void fork_and_end(const struct line *line)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        pam_end(handle, PAM_SUCCESS | PAM_DATA_SILENT);
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child || status != 0)
        play_fail(line, "the child ended with %d", status);
}

static void set_item(const struct line *line)
{
    static const struct {
        const char *name;
        int item;
    } items[] = {{"user", PAM_USER}, {"rhost", PAM_RHOST}, {"tty", PAM_TTY}, {"ruser", PAM_RUSER},
        {"user-prompt", PAM_USER_PROMPT}};
    if (!handle)
        start();
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        if (strcmp(items[i].name, line->words[1]) == 0) {
            char *value = expand(line->words[2]);
            pam_set_item(handle, items[i].item, value);
            free(value);
            return;
        }
    play_fail(line, "no such item");
}

static void listen_at(int door, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length =
        snprintf(address.sun_path, sizeof address.sun_path, "%s/run/%s", place->root, name);
    if (length < 0 || (size_t)length >= sizeof address.sun_path)
        exit(99);
    place->door[door] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (bind(place->door[door], (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(place->door[door], 8) != 0) {
        perror(address.sun_path);
        exit(99);
    }
}

static void daemon_stops(void)
{
    char path[512];
    static const char *const names[] = {"priv.socket", "socket"};
    for (int door = 0; door < 2; door++) {
        close(place->door[door]);
        place->door[door] = -1;
        snprintf(path, sizeof path, "%s/run/%s", place->root, names[door]);
        unlink(path);
    }
}

static void change_mode(const struct line *line, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", place->root, name);
    if (chmod(path, (mode_t)strtoul(line->words[1], NULL, 8)) != 0)
        play_fail(line, "chmod: %s", strerror(errno));
}

static void join_options(const struct line *line)
{
    size_t used = 0;
    for (size_t i = 1; i < line->count; i++) {
        char *word = expand(line->words[i]);
        used += (size_t)snprintf(options + used, sizeof options - used, "%s ", word);
        free(word);
    }
}

void application_set_up(const struct line *line)
{
    const char *word = line->words[0];
    current = line;
    char *rest = expand(line->rest ? line->rest : "");
    if (strcmp(word, "host") == 0)
        write_file("host.conf", "a", rest);
    else if (strcmp(word, "passwd") == 0 || strcmp(word, "group") == 0 || strcmp(word, "nss") == 0)
        write_file(word, "a", rest);
    else if (strcmp(word, "host-mode") == 0)
        change_mode(line, "host.conf");
    else if (strcmp(word, "run-mode") == 0)
        change_mode(line, "run");
    else if (strcmp(word, "options") == 0)
        join_options(line);
    else if (strcmp(word, "stack") == 0)
        add_stack_line(line);
    else if (strcmp(word, "user") == 0) {
        char *name = expand(line->words[1]);
        snprintf(user, sizeof user, "%s", name);
        free(name);
    } else if (strcmp(word, "no-user") == 0)
        has_user = false;
    else if (strcmp(word, "service") == 0)
        snprintf(service, sizeof service, "%s", rest);
    else if (strcmp(word, "euid") == 0)
        host_set_euid((int)strtol(line->words[1], NULL, 10));
    else if (strcmp(word, "speed") == 0)
        host_set_speed((int)strtol(line->words[1], NULL, 10));
    else if (strcmp(word, "item") == 0)
        set_item(line);
    else if (strcmp(word, "put-env") == 0)
        pam_putenv(handle, rest);
    else if (strcmp(word, "new-process") == 0)
        new_process();
    else if (strcmp(word, "fork-and-end") == 0)
        fork_and_end(line);
    else if (strcmp(word, "daemon-stops") == 0)
        daemon_stops();
    else if (strcmp(word, "standard-descriptors-closed") == 0)
        close(STDIN_FILENO), close(STDOUT_FILENO), close(STDERR_FILENO);
    else
        play_fail(line, "no such word");
    free(rest);
}

/* What the call left in the environment: the `env` lines, all of them and no other. */
static void compare_environment(const struct line *call, const struct line *lines, size_t count)
{
    char **environment = pam_getenvlist(handle);
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
        return pam_authenticate(handle, flags);
    if (strcmp(what, "setcred") == 0)
        return pam_setcred(handle, flags);
    if (strcmp(what, "account") == 0)
        return pam_acct_mgmt(handle, flags);
    if (strcmp(what, "open") == 0)
        return pam_open_session(handle, flags);
    if (strcmp(what, "close") == 0)
        return pam_close_session(handle, flags);
    if (strcmp(what, "password") == 0)
        return pam_chauthtok(handle, flags);
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
                fake_daemon(place, at, &lines[i], count - i);
            }
            return child;
        }
    return -1;
}

/* The daemon must have played all its lines, and nobody else may have knocked. */
static void end_daemon(const struct line *call, pid_t child)
{
    int status = 0, done = 0;
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
        struct pollfd waiting = {.fd = place->door[door], .events = POLLIN};
        if (place->door[door] >= 0 && poll(&waiting, 1, 0) != 0)
            play_fail(call, "another connection to the %s socket", door ? "public" : "privileged");
    }
}

static void compare_end(const struct line *line, int result, long long took)
{
    if (strcmp(line->words[0], "returns") == 0 && code_of(line) != returned)
        play_fail(line, "the module returned %s", code_name(returned));
    if (strcmp(line->words[0], "result") == 0 && code_of(line) != result)
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

void application_play(const struct line *call, const struct line *lines, size_t count)
{
    bool tells = false;
    current = call;
    event_count = event_next = 0;
    returned = -1;
    if (!handle)
        start();
    for (size_t i = 0; i < count; i++) {
        static const char *const words[] = {"prompt", "info", "error", "log"};
        for (size_t w = 0; w < 4; w++)
            if (strcmp(lines[i].words[0], words[w]) == 0)
                events[event_count++] = &lines[i];
        tells = tells || strcmp(lines[i].words[0], "returns") == 0 ||
                strcmp(lines[i].words[0], "result") == 0;
    }
    if (!tells)
        play_fail(call, "what does it return?");
    pid_t child = start_daemon(call, lines, count);
    bool before[64];
    descriptors(before);
    long long began = host_clock_ms();
    int result = call_pam(call);
    long long took = host_clock_ms() - began;
    if (event_next < event_count)
        play_fail(
            events[event_next], "did not happen; the module returned %s", code_name(returned));
    for (size_t i = 0; i < count; i++)
        compare_end(&lines[i], result, took);
    compare_descriptors(call, before);
    end_daemon(call, child);
    compare_environment(call, lines, count);
}

void application_begin(struct place *at)
{
    place = at;
    host_on_log(on_log);
    listen_at(0, "priv.socket");
    listen_at(1, "socket");
}

void application_end(void)
{
    current = NULL;
    event_count = event_next = 0;
    if (handle)
        pam_end(handle, PAM_SUCCESS);
}
