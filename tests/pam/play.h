/*
 * A test of the PAM module: a script is read, played and compared, line by line.
 * The parts: script.c reads, setup.c, application.c and conversation.c are the host program,
 * fake_daemon.c is kclogind, host.c stands in for the C library and for libpam where a script
 * decides what they say.
 */
#ifndef PLAY_H
#define PLAY_H

#include <security/pam_appl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PLAY_LINE_MAX 4096
#define PLAY_WORDS_MAX 24
#define PLAY_LINES_MAX 400

/* One line of a script: its words, quotes and escapes undone. */
struct line {
    int number;
    size_t count;
    char *words[PLAY_WORDS_MAX];
    char *rest; /* all behind the first word, as it stands */
};

struct script {
    char path[4096];
    struct line lines[PLAY_LINES_MAX];
    size_t count;
};

/* What a test runs in: a folder of its own. */
struct place {
    char root[256];
    int door[2]; /* the listening sockets: privileged, public; -1: nobody listens */
    const char *module, *items;
};

/* Ends the test with the script's line and a message. */
__attribute__((format(printf, 2, 3), noreturn)) void play_fail(
    const struct line *line, const char *format, ...);
extern const struct script *play_script;

void script_read(const char *path, struct script *ret_script);

/* The value of word `name=...` from `first` on, or NULL. */
const char *line_value(const struct line *line, size_t first, const char *name);

/* Expands `{AA}` to a key in hex and `{x*N}` to N times x. The caller frees it. */
char *expand(const char *text);

/* The script's host program. */
struct play {
    struct place *place;
    pam_handle_t *handle; /* NULL before the first call */
    const struct line *current;
    char user[512], service[64], options[1024];
    bool has_user, has_stack;
    bool failing; /* one call of the module fails: what must never be is all that counts */
    bool quiet;   /* this is a daemon whose partner may leave it at any time */
};
extern struct play play;

/* conversation.c: takes the prompts, texts and log lines that a call expects. */
void conversation_expect(const struct line *lines, size_t count);
const struct line *conversation_missing(void); /* the next that has not come, or NULL */
void conversation_log(int priority, const char *text);
int conversation_converse(int count, const struct pam_message **messages,
    struct pam_response **ret_responses, void *data);

/* setup.c */
void application_start(void);
void application_listen(void);

/* application.c */
void application_begin(struct place *place);
void application_set_up(const struct line *line);
void application_play(const struct line *call, const struct line *lines, size_t count);
void application_end(void);

/* Plays the daemon's lines on the next connection to `door`; exits 0, or 1 and says why. */
__attribute__((noreturn)) void fake_daemon(
    const struct place *place, int door, const struct line *lines, size_t count);
bool is_daemon_line(const struct line *line);

/* host.c */
void host_set_euid(int euid); /* -1: the real one */
void host_set_speed(int factor);
void host_set_root(const char *root);
void host_on_log(void (*handler)(int priority, const char *text));
uid_t host_real_euid(void);
long long host_clock_ms(void);

#endif
