/*
 * Fuzz target: kclogin.conf, from its bytes to the checked configuration.
 * What is taken must print as a file that is taken again and prints the same.
 */
#include "daemon/config.h"
#include "fuzz/target.h"

#include <string.h>

static char *print(const struct config *config, size_t *ret_length)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, ret_length);
    FUZZ_MUST(file);
    config_print(config, file);
    FUZZ_MUST(fclose(file) == 0);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    CONFIG_AUTO struct config *config = NULL;
    CONFIG_AUTO struct config *again = NULL;
    struct kc_conf_error error = {0};
    size_t first_length = 0, second_length = 0;
    if (config_parse((const char *)bytes, length, &config, &error) != KC_OK) {
        FUZZ_MUST(!config && error.text[0]);
        return 0;
    }
    KC_AUTO_FREE char *first = print(config, &first_length);
    FUZZ_MUST(config_parse(first, first_length, &again, &error) == KC_OK);
    KC_AUTO_FREE char *second = print(again, &second_length);
    FUZZ_MUST(first_length == second_length && memcmp(first, second, first_length) == 0);
    FUZZ_MUST(!config_access(config, "absent section", "sshd"));
    return 0;
}
