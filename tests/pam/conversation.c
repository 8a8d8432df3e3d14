/*
 * The conversation of a script's host program, and its log: each prompt, text and log line must be
 * the next that the script expects.
 */
#include "tests/pam/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define EVENTS_MAX 200

/* The current call's expectations. */
static const struct line *events[EVENTS_MAX];
static size_t event_count, event_next;

void conversation_expect(const struct line *lines, size_t count)
{
    static const char *const words[] = {"prompt", "info", "error", "log"};
    event_count = event_next = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t w = 0; w < 4; w++)
            if (strcmp(lines[i].words[0], words[w]) == 0 && event_count < EVENTS_MAX)
                events[event_count++] = &lines[i];
}

const struct line *conversation_missing(void)
{
    return event_next < event_count ? events[event_next] : NULL;
}

/* With a call that fails, texts and log lines may be others; the next prompt is still answered. */
static const struct line *next_prompt(void)
{
    while (event_next < event_count && strcmp(events[event_next]->words[0], "prompt") != 0)
        event_next++;
    return event_next < event_count ? events[event_next++] : NULL;
}

/* The next expectation, which must be `what`; the failure says what has come instead. */
static const struct line *next_event(const char *what, const char *text)
{
    if (event_next == event_count)
        play_fail(play.current, "unexpected %s: %s", what, text);
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
    const char *at = strstr(message, play.place->root);
    size_t before = at ? (size_t)(at - message) : 0;
    if (at)
        snprintf(
            text, sizeof text, "%.*sROOT%s", (int)before, message, at + strlen(play.place->root));
    compare(line, line->words[2], at ? text : message);
}

/* `log notice "text"`; the module's own prefix is taken for granted, and checked. */
void conversation_log(int priority, const char *text)
{
    static const char *const priorities[] = {
        "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};
    const char *message = strstr(text, "): ");
    if (play.failing)
        return;
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
            pam_set_item(play.handle, PAM_USER, line->words[i + 1]);
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
    if (play.failing && strcmp(whats[message->msg_style], "prompt") != 0)
        return PAM_SUCCESS;
    if (play.failing) {
        const struct line *prompt = next_prompt();
        return prompt ? reply(prompt, response) : PAM_CONV_ERR;
    }
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

int conversation_converse(
    int count, const struct pam_message **messages, struct pam_response **ret_responses, void *data)
{
    (void)data;
    if (count != 1)
        play_fail(play.current, "%d messages at once", count);
    struct pam_response *response = calloc(1, sizeof *response);
    int code = converse_one(messages[0], response);
    if (code != PAM_SUCCESS)
        free(response);
    else
        *ret_responses = response;
    return code;
}
