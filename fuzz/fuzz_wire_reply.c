/*
 * Fuzz target: what modules and command read from the daemon, a text's way to the person included.
 * What is taken must stay within its limits, encode to the very bytes it came from, and mean
 * success in one spelling alone.
 */
#include "common/wire.h"
#include "fuzz/target.h"
#include "pam/converse.h"

#include <string.h>

static void check_done(const struct kc_wire_reply *reply)
{
    enum kc_status status = kc_status_from_wire((unsigned)reply->class, reply->word);
    FUZZ_MUST(reply->key.length == 0 || reply->key.length == KC_KEY_SIZE);
    FUZZ_MUST(reply->token.length <= KC_TOKEN_MAX && reply->report.length <= KC_REPORT_MAX);
    FUZZ_MUST((status == KC_OK) == (reply->class == KC_CLASS_OK && strcmp(reply->word, "ok") == 0));
    FUZZ_MUST(status < KC_STATUS_COUNT);
}

static void check_text(const struct kc_wire_reply *reply)
{
    char clean[KC_TEXT_MAX], twice[KC_TEXT_MAX];
    FUZZ_MUST(strlen(reply->text) < sizeof reply->text);
    pk_clean_text(reply->text, clean, sizeof clean);
    FUZZ_MUST(strlen(clean) <= strlen(reply->text));
    for (const char *c = clean; *c; c++)
        FUZZ_MUST((unsigned char)*c >= 0x20 && *c != 0x7f);
    pk_clean_text(clean, twice, sizeof twice);
    FUZZ_MUST(strcmp(clean, twice) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static uint8_t again[KC_MESSAGE_MAX];
    struct kc_wire_reply reply;
    size_t again_length = 0;
    if (kc_wire_decode_reply(bytes, length, &reply) != KC_OK)
        return 0;
    if (reply.type == KC_WIRE_DONE)
        check_done(&reply);
    else
        check_text(&reply);
    FUZZ_MUST(kc_wire_encode_reply(&reply, again, sizeof again, &again_length) == KC_OK);
    FUZZ_MUST(again_length == length && memcmp(again, bytes, length) == 0);
    return 0;
}
