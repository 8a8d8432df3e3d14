/*
 * The conversation: what the daemon asks and shows, put to the person by the host program.
 * Used by the exchange.
 * Must never show a control character, keep an answer, or send anything but a password from or to
 * PAM_AUTHTOK.
 */
#ifndef PK_CONVERSE_H
#define PK_CONVERSE_H

#include "common/secret.h"
#include "common/wire.h"
#include "pam/options.h"

#include <security/pam_modules.h>

struct pk_conversation {
    pam_handle_t *pamh;
    const struct pk_options *options;
    bool silent;         /* PAM_SILENT: no information; prompts and errors are shown all the same */
    bool has_first_pass; /* PAM_AUTHTOK was set before us, and has not been taken yet */
};

/*
 * Starts a conversation. Notes whether a module before us has set PAM_AUTHTOK.
 */
struct pk_conversation pk_converse_begin(
    pam_handle_t *pamh, const struct pk_options *options, bool silent);

/*
 * Asks, or takes the password of a module before us where the options say so. A password that was
 * typed is stored in PAM_AUTHTOK. KC_CONVERSATION; KC_EMPTY_PASSWORD: use_first_pass, and there is
 * none; KC_PASSWORD_TOO_LONG: over KC_ANSWER_MAX (nothing is ever cut); KC_NO_MEMORY.
 */
enum kc_status pk_ask(struct pk_conversation *conversation, const struct kc_wire_reply *ask,
    struct kc_secret *ret_answer);

/* Shows a text. KC_CONVERSATION. */
enum kc_status pk_show(
    struct pk_conversation *conversation, enum kc_show_style style, const char *text);

/*
 * Copies a text without control characters: a line's end or a tab becomes a blank; what is not
 * UTF-8, C0, C1, and the marks that turn the direction of writing are left out.
 */
void pk_clean_text(const char *text, char *ret_text, size_t size);

#endif
