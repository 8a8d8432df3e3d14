/*
 * Fuzz target: kclogin.conf, from its bytes to the checked configuration.
 * What is taken must print as a file that is taken again and prints the same.
 */
#include "daemon/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static char *print(const struct config *config, size_t *ret_length)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, ret_length);
    if (!file)
        abort();
    config_print(config, file);
    if (fclose(file) != 0)
        abort();
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    CONFIG_AUTO struct config *config = NULL;
    CONFIG_AUTO struct config *again = NULL;
    struct kc_conf_error error = {0};
    size_t first_length = 0, second_length = 0;
    enum kc_status status = config_parse((const char *)bytes, length, &config, &error);
    if (status != KC_OK) {
        if (config || !error.text[0])
            abort();
        return 0;
    }
    KC_AUTO_FREE char *first = print(config, &first_length);
    if (config_parse(first, first_length, &again, &error) != KC_OK)
        abort();
    KC_AUTO_FREE char *second = print(again, &second_length);
    if (first_length != second_length || memcmp(first, second, first_length) != 0)
        abort();
    if (config_access(config, "absent section", "sshd"))
        abort();
    return 0;
}
