/*
 * Fuzz target: the module's arguments on a PAM line, one a line of the input.
 * What is taken holds no path that climbs and no section's name that is not one.
 */
#include "fuzz/target.h"
#include "pam/options.h"

#include <string.h>

#define ARGUMENTS_MAX 16

static void check(const struct pk_options *options)
{
    for (const char *c = options->access; c && *c; c++)
        FUZZ_MUST(*c > ' ' && *c < 0x7f && !strchr("[]/=\\\"#", *c));
    FUZZ_MUST(!options->access || *options->access);
    if (!options->socket)
        return;
    FUZZ_MUST(options->socket[0] == '/');
    size_t length = strlen(options->socket);
    FUZZ_MUST(!strstr(options->socket, "/../"));
    FUZZ_MUST(length < 3 || strcmp(options->socket + length - 3, "/..") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    PK_AUTO_OPTIONS struct pk_options options = PK_OPTIONS_INIT;
    struct kc_conf_error error = {0};
    const char *arguments[ARGUMENTS_MAX];
    int count = 0;
    KC_AUTO_FREE char *text = strndup(length ? (const char *)bytes : "", length);
    FUZZ_MUST(text);
    for (char *line = text; line && count < ARGUMENTS_MAX;) {
        char *end = strchr(line, '\n');
        if (end)
            *end++ = 0;
        arguments[count++] = line;
        line = end;
    }
    if (pk_options_read(count, arguments, &options, &error) == KC_OK) {
        check(&options);
        return 0;
    }
    FUZZ_MUST(error.text[0] && !options.access && !options.socket);
    for (const char *c = error.key; *c; c++)
        FUZZ_MUST(*c > ' ' && *c < 0x7f);
    return 0;
}
