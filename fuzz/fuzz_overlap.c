/*
 * Fuzz target: login.defs, subuid and subgid. The input's first byte chooses the format.
 * Whatever stands before it, a line that meets the range is found.
 */
#include "daemon/overlap.h"
#include "fuzz/target.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const struct kc_ids ids = {1879048192u, 2147352575u};
    struct kc_conf_error error = {0};
    if (length == 0)
        return 0;
    const char *text = (const char *)bytes + 1;
    enum kc_status status = bytes[0] & 1 ? overlap_login_defs(&ids, text, length - 1, &error)
                                         : overlap_subordinate(&ids, text, length - 1, &error);
    FUZZ_MUST(status == KC_OK || (status == KC_CONFIG_INVALID && error.text[0]));
    /* The first format has one answer for a key, the last: nothing to add. */
    if (bytes[0] & 1)
        return 0;
    static const char line[] = "\nada:1900000000:1\n";
    size_t whole = length - 1 + sizeof line - 1;
    char *longer = malloc(whole);
    FUZZ_MUST(longer);
    memcpy(longer, text, length - 1);
    memcpy(longer + length - 1, line, sizeof line - 1);
    FUZZ_MUST(overlap_subordinate(&ids, longer, whole, &error) == KC_CONFIG_INVALID);
    free(longer);
    return 0;
}
