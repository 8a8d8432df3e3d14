/*
 * Fuzz target: what the daemon reads from its callers, and what it makes of names and addresses.
 * What is taken must stay within its limits and encode to the very bytes it came from; in a log it
 * is one value of one field.
 */
#include "common/wire.h"
#include "daemon/limits.h"
#include "daemon/log.h"
#include "fuzz/target.h"

#include <string.h>

static void check_login(const struct kc_wire_login *login)
{
    FUZZ_MUST(strlen(login->service) < sizeof login->service);
    FUZZ_MUST(strlen(login->user) < sizeof login->user);
    FUZZ_MUST(strlen(login->rhost) < sizeof login->rhost);
    FUZZ_MUST(strlen(login->tty) < sizeof login->tty);
    FUZZ_MUST(strlen(login->access) < sizeof login->access);
}

/* Nothing ends the value early, and two values never look alike. */
static void check_logged(const char *value)
{
    char text[LOG_VALUE_SIZE];
    FUZZ_MUST(log_value(value, text) == text && text[0]);
    size_t length = strlen(text);
    for (const char *c = text; *c; c++)
        FUZZ_MUST(*c >= ' ' && *c < 0x7f);
    if (text[0] != '"') {
        FUZZ_MUST(strcmp(text, *value ? value : "-") == 0 && !strpbrk(text, " =\"\\"));
        return;
    }
    FUZZ_MUST(length >= 2 && strchr(text + 1, '"') == text + length - 1);
}

/* Who says nothing of an address is another source than who says one, or who is no root. */
static void check_source(const struct kc_wire_login *login)
{
    struct limits_source source = limits_source(login->caller_uid, login->rhost);
    char tag = (char)source.bytes[0];
    FUZZ_MUST((tag == 'u') == (login->caller_uid != 0));
    FUZZ_MUST(tag == 'u' || (tag == 'c') == !login->rhost[0]);
    FUZZ_MUST(memchr("uc46h", tag, 5));
    FUZZ_MUST(tag != '4' || (strspn(login->rhost, "0123456789.:fF") == strlen(login->rhost)));
}

static void check_words(const struct kc_wire_login *login)
{
    check_logged(login->service);
    check_logged(login->user);
    check_logged(login->rhost);
    check_logged(login->tty);
    check_logged(login->access);
    check_source(login);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static uint8_t again[KC_MESSAGE_MAX];
    struct kc_wire_request request;
    size_t again_length = 0;
    if (kc_wire_decode_request(bytes, length, &request) != KC_OK)
        return 0;
    check_login(&request.login);
    check_words(&request.login);
    FUZZ_MUST(request.key.length == 0 || request.key.length == KC_KEY_SIZE);
    FUZZ_MUST(request.answer.length <= KC_ANSWER_MAX);
    FUZZ_MUST(kc_wire_encode_request(&request, again, sizeof again, &again_length) == KC_OK);
    FUZZ_MUST(again_length == length && memcmp(again, bytes, length) == 0);
    return 0;
}
