/*
 * A question at the terminal.
 * Used by the verbs that ask.
 * Must never read an answer from anything but the terminal, nor leave it without its echo.
 */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include "common/secret.h"

/* Shows `text`, what no terminal obeys, and reads one line into `ret_answer`, which is wiped before;
 * without `echo` nobody sees it. KC_CONVERSATION: no terminal, or its end.
 * KC_CANCELLED: a signal ends this program soon. KC_SYSTEM. KC_TOO_LARGE (over 512
 * bytes), KC_NO_MEMORY. */
enum kc_status cli_prompt(const char *text, bool echo, struct kc_secret *ret_answer);

#endif
