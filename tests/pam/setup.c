/*
 * A script's set-up: the host's files, the stack, the handle, and what happens between calls.
 */
#include "tests/pam/play.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct play play = {.service = "kclogin-test", .has_user = true};

static void write_file(const char *name, const char *mode, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", play.place->root, name);
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
    snprintf(name, sizeof name, "pam.d/%s", play.service);
    if (!play.has_stack)
        write_file(name, "w", "");
    for (size_t i = 0; i < 4; i++) {
        snprintf(line, sizeof line, "%s required %s return=7", facilities[i], play.place->items);
        write_file("pam.d/other", "a", line);
        snprintf(line, sizeof line, "%s required %s %s", facilities[i], play.place->module,
            play.options);
        if (!play.has_stack)
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
            word = play.place->module;
        else if (strcmp(word, "ITEMS") == 0)
            word = play.place->items;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s ", word);
    }
    snprintf(name, sizeof name, "pam.d/%s", play.service);
    write_file(name, play.has_stack ? "a" : "w", text);
    play.has_stack = true;
}

void application_start(void)
{
    static const struct pam_conv conversation = {conversation_converse, NULL};
    char folder[512];
    snprintf(folder, sizeof folder, "%s/pam.d", play.place->root);
    write_stack();
    int code = pam_start_confdir(
        play.service, play.has_user ? play.user : NULL, &conversation, folder, &play.handle);
    if (code != PAM_SUCCESS)
        play_fail(play.current, "pam_start: %s", pam_strerror(NULL, code));
}

/* sshd's child for keyboard-interactive: another process, to which only the environment crosses. */
static void new_process(const struct line *line)
{
    (void)line;
    char **environment = pam_getenvlist(play.handle);
    const void *name = NULL, *rhost = NULL;
    pam_get_item(play.handle, PAM_USER, &name);
    pam_get_item(play.handle, PAM_RHOST, &rhost);
    char *kept = rhost ? strdup(rhost) : NULL;
    snprintf(play.user, sizeof play.user, "%s", name ? (const char *)name : "");
    pam_end(play.handle, PAM_SUCCESS);
    application_start();
    pam_set_item(play.handle, PAM_RHOST, kept);
    free(kept);
    for (char **each = environment; *each; each++) {
        pam_putenv(play.handle, *each);
        free(*each);
    }
    free(environment);
}

/* A child of the host program ends its copy of the play.handle: that must touch nothing but memory.
 */
static void fork_and_end(const struct line *line)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        pam_end(play.handle, PAM_SUCCESS | PAM_DATA_SILENT);
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
    if (!play.handle)
        application_start();
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        if (strcmp(items[i].name, line->words[1]) == 0) {
            char *value = expand(line->words[2]);
            pam_set_item(play.handle, items[i].item, value);
            free(value);
            return;
        }
    play_fail(line, "no such item");
}

static void listen_at(int door, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length =
        snprintf(address.sun_path, sizeof address.sun_path, "%s/run/%s", play.place->root, name);
    if (length < 0 || (size_t)length >= sizeof address.sun_path)
        exit(99);
    play.place->door[door] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (bind(play.place->door[door], (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(play.place->door[door], 8) != 0) {
        perror(address.sun_path);
        exit(99);
    }
}

static void daemon_stops(const struct line *line)
{
    (void)line;
    char path[512];
    static const char *const names[] = {"priv.socket", "socket"};
    for (int door = 0; door < 2; door++) {
        close(play.place->door[door]);
        play.place->door[door] = -1;
        snprintf(path, sizeof path, "%s/run/%s", play.place->root, names[door]);
        unlink(path);
    }
}

void application_listen(void)
{
    listen_at(0, "priv.socket");
    listen_at(1, "socket");
}

static void change_mode(const struct line *line)
{
    char path[512];
    bool host = strcmp(line->words[0], "host-mode") == 0;
    snprintf(path, sizeof path, "%s/%s", play.place->root, host ? "host.conf" : "run");
    if (chmod(path, (mode_t)strtoul(line->words[1], NULL, 8)) != 0)
        play_fail(line, "chmod: %s", strerror(errno));
}

static void join_options(const struct line *line)
{
    size_t used = 0;
    for (size_t i = 1; i < line->count; i++) {
        char *word = expand(line->words[i]);
        used += (size_t)snprintf(play.options + used, sizeof play.options - used, "%s ", word);
        free(word);
    }
}

static void add_to_file(const struct line *line)
{
    char *text = expand(line->rest);
    write_file(strcmp(line->words[0], "host") == 0 ? "host.conf" : line->words[0], "a", text);
    free(text);
}

static void set_user(const struct line *line)
{
    char *name = expand(line->words[1]);
    snprintf(play.user, sizeof play.user, "%s", name);
    free(name);
}

static void no_user(const struct line *line)
{
    (void)line;
    play.has_user = false;
}

static void set_euid(const struct line *line)
{
    host_set_euid((int)strtol(line->words[1], NULL, 10));
}

static void set_speed(const struct line *line)
{
    host_set_speed((int)strtol(line->words[1], NULL, 10));
}

static void put_env(const struct line *line)
{
    char *text = expand(line->rest);
    pam_putenv(play.handle, text);
    free(text);
}

static void close_standard_descriptors(const struct line *line)
{
    (void)line;
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
}

void application_set_up(const struct line *line)
{
    static const struct {
        const char *word;
        size_t words; /* at least */
        void (*act)(const struct line *line);
    } rows[] = {
        {"daemon-stops", 1, daemon_stops},
        {"euid", 2, set_euid},
        {"fork-and-end", 1, fork_and_end},
        {"group", 2, add_to_file},
        {"host", 2, add_to_file},
        {"host-mode", 2, change_mode},
        {"item", 3, set_item},
        {"new-process", 1, new_process},
        {"no-user", 1, no_user},
        {"nss", 2, add_to_file},
        {"options", 2, join_options},
        {"passwd", 2, add_to_file},
        {"put-env", 2, put_env},
        {"run-mode", 2, change_mode},
        {"speed", 2, set_speed},
        {"stack", 4, add_stack_line},
        {"standard-descriptors-closed", 1, close_standard_descriptors},
        {"user", 2, set_user},
    };
    play.current = line;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].word, line->words[0]) == 0) {
            if (line->count < rows[i].words)
                play_fail(line, "what?");
            rows[i].act(line);
            return;
        }
    play_fail(line, "no such word");
}
