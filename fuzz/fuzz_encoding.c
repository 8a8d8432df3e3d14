/*
 * Fuzz target: bytes in text. The first byte chooses: 'u' a text of base64url, 'b' bytes to encode,
 * 'h' a key in hex, 'f' a value for a form.
 * What is decoded has one spelling, the one that the encoder gives; what is encoded comes back.
 */
#include "common/base64.h"
#include "common/wire.h"
#include "daemon/form.h"
#include "fuzz/target.h"

#include <string.h>

#define INPUT_MAX 4096
#define ROOM (INPUT_MAX * 2)

static void one_spelling(const char *text, size_t length)
{
    static uint8_t bytes[ROOM];
    static char again[ROOM];
    size_t decoded = SIZE_MAX;
    if (kc_base64url_decode(text, length, bytes, sizeof bytes, &decoded) != KC_OK) {
        FUZZ_MUST(decoded == SIZE_MAX);
        return;
    }
    FUZZ_MUST(decoded == kc_base64url_decoded_length(length));
    FUZZ_MUST(kc_base64url_encode(bytes, decoded, again, sizeof again) == KC_OK);
    FUZZ_MUST(strlen(again) == length && memcmp(again, text, length) == 0);
    if (decoded)
        FUZZ_MUST(kc_base64url_decode(text, length, bytes, decoded - 1, &decoded) == KC_TOO_LARGE);
}

static void comes_back(const uint8_t *bytes, size_t length)
{
    static uint8_t again[ROOM];
    static char text[ROOM];
    size_t decoded = 0;
    FUZZ_MUST(kc_base64url_encode(bytes, length, text, sizeof text) == KC_OK);
    FUZZ_MUST(strlen(text) == kc_base64url_encoded_length(length));
    FUZZ_MUST(kc_base64url_decode(text, strlen(text), again, sizeof again, &decoded) == KC_OK);
    FUZZ_MUST(decoded == length && memcmp(again, bytes, length) == 0);
    FUZZ_MUST(kc_base64_encode(bytes, length, text, sizeof text) == KC_OK);
    FUZZ_MUST(strlen(text) == kc_base64_encoded_length(length) && strlen(text) % 4 == 0);
    FUZZ_MUST(kc_base64_decode(text, strlen(text), again, sizeof again, &decoded) == KC_OK);
    FUZZ_MUST(decoded == length && memcmp(again, bytes, length) == 0);
}

static void one_key(const char *text)
{
    uint8_t key[KC_KEY_SIZE];
    char again[KC_KEY_HEX_SIZE];
    if (kc_key_from_hex(text, key) != KC_OK)
        return;
    kc_key_to_hex(key, again);
    FUZZ_MUST(strcmp(again, text) == 0);
}

static unsigned digit(uint8_t c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    FUZZ_MUST(at);
    return (unsigned)(at - digits);
}

/* What a server reads out of the form is the value, byte for byte (lesson 22). */
static void goes_through_a_form(const uint8_t *bytes, size_t length)
{
    struct kc_secret form = KC_SECRET_INIT;
    size_t read = 0;
    FUZZ_MUST(form_encode(&form, bytes, length) == KC_OK);
    for (size_t i = 0; i < form.length; read++) {
        uint8_t c = form.bytes[i++];
        FUZZ_MUST(c > 0x20 && c < 0x7f && !memchr("&=;#\"", c, 5) && read < length);
        if (c == '%') {
            FUZZ_MUST(i + 2 <= form.length);
            c = (uint8_t)(digit(form.bytes[i]) << 4 | digit(form.bytes[i + 1]));
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        FUZZ_MUST(c == bytes[read]);
    }
    FUZZ_MUST(read == length);
    kc_secret_wipe(&form);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 1 || length > INPUT_MAX)
        return 0;
    const uint8_t *rest = bytes + 1;
    size_t left = length - 1;
    if (*bytes == 'u')
        one_spelling((const char *)rest, left);
    else if (*bytes == 'b')
        comes_back(rest, left);
    else if (*bytes == 'f')
        goes_through_a_form(rest, left);
    else if (*bytes == 'h') {
        char *text = strndup((const char *)rest, left);
        FUZZ_MUST(text);
        one_key(text);
        free(text);
    }
    return 0;
}
