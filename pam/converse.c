/*
 * The conversation with the person.
 * Used by the exchange.
 * Must never show a control character, nor leave an answer behind in memory.
 */
#include "pam/converse.h"

#include <security/pam_appl.h>
#include <string.h>

/* Bytes of the UTF-8 sequence at `text` (shortest form, RFC 3629), its code point; 0: none. */
static size_t utf8_length(const unsigned char *text, unsigned long *ret_code)
{
    static const unsigned long first_code[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = text[0] < 0x80             ? 1
                    : (text[0] & 0xe0) == 0xc0 ? 2
                    : (text[0] & 0xf0) == 0xe0 ? 3
                    : (text[0] & 0xf8) == 0xf0 ? 4
                                               : 0;
    if (length == 0)
        return 0;
    unsigned long code = length == 1 ? text[0] : text[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3fu);
    }
    if (code < first_code[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret_code = code;
    return length;
}

static bool is_shown(unsigned long code)
{
    bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    bool turns = code == 0x61c || code == 0x200e || code == 0x200f ||
                 (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    return !control && !turns;
}

void pk_clean_text(const char *text, char *ret_text, size_t size)
{
    size_t used = 0;
    while (*text) {
        unsigned long code = 0;
        size_t length = utf8_length((const unsigned char *)text, &code);
        if (used + length + 1 > size)
            break;
        if (code == '\n' || code == '\t') {
            ret_text[used++] = ' ';
        } else if (length && is_shown(code)) {
            memcpy(ret_text + used, text, length);
            used += length;
        }
        text += length ? length : 1;
    }
    ret_text[used] = 0;
}

/* One message through the host program's conversation; *ret_answer is malloced, or NULL. */
static enum kc_status converse(pam_handle_t *pamh, int style, const char *text, char **ret_answer)
{
    char clean[KC_TEXT_MAX];
    pk_clean_text(text, clean, sizeof clean);
    const void *item = NULL;
    if (pam_get_item(pamh, PAM_CONV, &item) != PAM_SUCCESS || !item)
        return KC_CONVERSATION;
    const struct pam_conv *host = item;
    const struct pam_message message = {.msg_style = style, .msg = clean};
    const struct pam_message *messages = &message;
    struct pam_response *response = NULL;
    if (!host->conv || host->conv(1, &messages, &response, host->appdata_ptr) != PAM_SUCCESS)
        return KC_CONVERSATION;
    *ret_answer = response ? response->resp : NULL;
    free(response);
    return KC_OK;
}

static void wipe_answer(char **answer)
{
    if (*answer)
        kc_wipe(*answer, strlen(*answer));
    free(*answer);
}

static enum kc_status take_answer(const char *answer, struct kc_secret *ret_answer)
{
    size_t length = strlen(answer);
    if (length > KC_ANSWER_MAX)
        return KC_PASSWORD_TOO_LONG;
    return kc_secret_set(ret_answer, answer, length);
}

struct pk_conversation pk_converse_begin(
    pam_handle_t *pamh, const struct pk_options *options, bool silent)
{
    const void *password = NULL;
    (void)pam_get_item(pamh, PAM_AUTHTOK, &password);
    return (struct pk_conversation){
        .pamh = pamh, .options = options, .silent = silent, .has_first_pass = password != NULL};
}

/* A password that a module before us has asked for serves once: a second question is another. */
static enum kc_status take_first_pass(
    struct pk_conversation *conversation, struct kc_secret *ret_answer)
{
    const void *password = NULL;
    conversation->has_first_pass = false;
    if (pam_get_item(conversation->pamh, PAM_AUTHTOK, &password) != PAM_SUCCESS || !password)
        return KC_EMPTY_PASSWORD;
    return take_answer(password, ret_answer);
}

static enum kc_status prompt(struct pk_conversation *conversation, const struct kc_wire_reply *ask,
    struct kc_secret *ret_answer)
{
    KC_CLEANUP(wipe_answer) char *typed = NULL;
    enum kc_status status = converse(conversation->pamh,
        ask->echo ? PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF, ask->text, &typed);
    if (status == KC_OK && !typed)
        status = KC_CONVERSATION;
    if (status == KC_OK)
        status = take_answer(typed, ret_answer);
    if (status == KC_OK && ask->kind == KC_ASK_PASSWORD &&
        pam_set_item(conversation->pamh, PAM_AUTHTOK, typed) != PAM_SUCCESS)
        status = KC_NO_MEMORY;
    return status;
}

enum kc_status pk_ask(struct pk_conversation *conversation, const struct kc_wire_reply *ask,
    struct kc_secret *ret_answer)
{
    const struct pk_options *options = conversation->options;
    bool first_pass = options->try_first_pass || options->use_first_pass;
    if (ask->kind == KC_ASK_PASSWORD && first_pass && conversation->has_first_pass)
        return take_first_pass(conversation, ret_answer);
    if (ask->kind == KC_ASK_PASSWORD && options->use_first_pass)
        return KC_EMPTY_PASSWORD;
    return prompt(conversation, ask, ret_answer);
}

enum kc_status pk_show(
    struct pk_conversation *conversation, enum kc_show_style style, const char *text)
{
    if (style == KC_SHOW_INFO && conversation->silent)
        return KC_OK;
    char *ignored = NULL;
    enum kc_status status = converse(
        conversation->pamh, style == KC_SHOW_ERROR ? PAM_ERROR_MSG : PAM_TEXT_INFO, text, &ignored);
    wipe_answer(&ignored);
    return status;
}
