/*
 * Fuzz target: what the daemon reads from its session files after a restart.
 * What is taken must stay within its limits and encode to the very bytes it came from.
 */
#include "daemon/session_file.h"
#include "fuzz/target.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    SESSION_AUTO_RECORD struct session_record record = {0};
    KC_AUTO_SECRET struct kc_secret again = KC_SECRET_INIT;
    if (session_record_decode(bytes, length, &record) != KC_OK)
        return 0;
    FUZZ_MUST(strlen(record.user) < sizeof record.user);
    FUZZ_MUST(strlen(record.issuer) < sizeof record.issuer);
    FUZZ_MUST(strlen(record.scope) < sizeof record.scope);
    FUZZ_MUST(strlen(record.boot_id) < sizeof record.boot_id);
    FUZZ_MUST(record.access_token.length <= SESSION_TOKEN_MAX);
    FUZZ_MUST(record.refresh_token.length <= SESSION_REFRESH_MAX);
    FUZZ_MUST(session_record_encode(&record, &again) == KC_OK);
    FUZZ_MUST(again.length == length && memcmp(again.bytes, bytes, length) == 0);
    return 0;
}
