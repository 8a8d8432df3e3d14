/*
 * Fuzz target: host.conf. Whatever is taken, no id of the system and no listed root comes of it.
 */
#include "common/bounds.h"

#include "common/name.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    KC_AUTO_BOUNDS struct kc_bounds *bounds = NULL;
    struct kc_conf_error error = {0};
    if (kc_bounds_parse((const char *)bytes, length, &bounds, &error) != KC_OK) {
        if (bounds || !error.text[0])
            abort();
        return 0;
    }
    static const uint32_t never[] = {0, 1, 999, 65534, 65535, UINT32_MAX};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (kc_bounds_id(bounds, never[i]))
            abort();
    if (!bounds->home_prefix || bounds->home_prefix[0] != '/' || !bounds->home_prefix[1])
        abort();
    for (size_t i = 0; i < bounds->local_accounts.count; i++) {
        const char *item = bounds->local_accounts.items[i];
        const char *name = item + (item[0] == '@');
        if (strcmp(name, "root") == 0 || !kc_name_valid_group(name, strlen(name)))
            abort();
    }
    return 0;
}
