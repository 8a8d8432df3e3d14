/*
 * Fuzz target: host.conf. Whatever is taken, no id of the system and no listed root comes of it.
 */
#include "common/bounds.h"

#include "common/name.h"
#include "fuzz/target.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const uint32_t never[] = {0, 1, 999, 65534, 65535, UINT32_MAX};
    KC_AUTO_BOUNDS struct kc_bounds *bounds = NULL;
    struct kc_conf_error error = {0};
    if (kc_bounds_parse((const char *)bytes, length, &bounds, &error) != KC_OK) {
        FUZZ_MUST(!bounds && error.text[0]);
        return 0;
    }
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        FUZZ_MUST(!kc_bounds_id(bounds, never[i]));
    FUZZ_MUST(bounds->home_prefix && bounds->home_prefix[0] == '/' && bounds->home_prefix[1]);
    for (size_t i = 0; i < bounds->local_accounts.count; i++) {
        const char *item = bounds->local_accounts.items[i];
        const char *name = item + (item[0] == '@');
        FUZZ_MUST(strcmp(name, "root") != 0);
        FUZZ_MUST(kc_name_valid_group(name, strlen(name)));
    }
    return 0;
}
