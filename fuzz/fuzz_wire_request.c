/*
 * Fuzz target: what the daemon reads from its callers.
 * What is taken must stay within its limits and encode to the very bytes it came from.
 */
#include "common/wire.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static uint8_t again[KC_MESSAGE_MAX];
    struct kc_wire_request request;
    size_t again_length = 0;
    if (kc_wire_decode_request(bytes, length, &request) != KC_OK)
        return 0;
    check_login(&request.login);
    FUZZ_MUST(request.key.length == 0 || request.key.length == KC_KEY_SIZE);
    FUZZ_MUST(request.answer.length <= KC_ANSWER_MAX);
    FUZZ_MUST(kc_wire_encode_request(&request, again, sizeof again, &again_length) == KC_OK);
    FUZZ_MUST(again_length == length && memcmp(again, bytes, length) == 0);
    return 0;
}
