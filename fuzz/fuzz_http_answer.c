/*
 * Fuzz target: an answer of the token endpoint, as success and as refusal.
 * Input: HTTP status (2 bytes), flags, then the body. A refusal is never KC_OK and its words are
 * clean; an answer is usable only with an access token.
 */
#include "daemon/http.h"
#include "daemon/oauth_error.h"
#include "daemon/token_answer.h"
#include "fuzz/target.h"
#include "jose/limits.h"

#include <string.h>

static void read_refusal(const struct http_answer *answer)
{
    char detail[OAUTH_DETAIL_MAX];
    KC_AUTO_SECRET struct kc_secret secret = KC_SECRET_INIT;
    FUZZ_MUST(kc_secret_set(&secret, "s3 cret", 7) == KC_OK);
    const struct kc_secret *secrets[] = {&secret, NULL};
    FUZZ_MUST(oauth_error_read(answer, secrets, detail) != KC_OK);
    FUZZ_MUST(memchr(detail, 0, sizeof(detail)));
    for (const char *c = detail; *c; c++)
        FUZZ_MUST(*c >= 0x20 && *c <= 0x7e);
    FUZZ_MUST(!strstr(detail, "s3 cret") && !strstr(detail, "s3+cret"));
}

static void read_success(const struct http_answer *answer)
{
    struct token_answer token;
    token_answer_read(answer, &token);
    if (token.verdict == KC_OK) {
        FUZZ_MUST(answer->json);
        FUZZ_MUST(token.access_token.length > 0);
        FUZZ_MUST(token.not_before >= 0);
    }
    FUZZ_MUST(token.access_token.length <= JOSE_TOKEN_BYTES);
    FUZZ_MUST(token.refresh_token.length <= JOSE_TOKEN_BYTES);
    token_answer_clear(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 3)
        return 0;
    struct http_answer answer = {.status = (unsigned)((bytes[0] << 8 | bytes[1]) % 1000),
        .json = bytes[2] & 1,
        .retry_after = bytes[2] & 2 ? 5 : -1,
        .error = ""};
    FUZZ_MUST(kc_secret_set(&answer.body, bytes + 3, length - 3) == KC_OK);
    read_refusal(&answer);
    read_success(&answer);
    kc_secret_wipe(&answer.body);
    return 0;
}
