/*
 * Fuzz target: a user of the Admin API, and the passwd entry that comes of it.
 * An entry has ids in range, a home below the prefix, and no field that could be read as two.
 */
#include "daemon/config.h"
#include "daemon/passwd_entry.h"
#include "fuzz/target.h"
#include "jose/json.h"

#include <string.h>

static bool is_field(const char *text)
{
    return !strpbrk(text, ":\n") && strlen(text) < KC_FIELD_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char *const shells[] = {"/bin/sh", "/bin/bash", NULL};
    static struct config *config;
    static struct kc_bounds *bounds;
    struct kc_conf_error error;
    JOSE_AUTO_JSON struct json_object *object = NULL;
    PERSON_AUTO struct person *person = NULL;
    struct passwd_entry entry;
    if (!config) {
        static const char text[] = "[realm]\nissuer = https://idp.example.org/realms/linux\n"
                                   "client_id = linux-pam\nclient_auth = none\n";
        FUZZ_MUST(config_parse(text, sizeof text - 1, &config, &error) == KC_OK);
        FUZZ_MUST(kc_bounds_parse("", 0, &bounds, &error) == KC_OK);
    }
    const struct passwd_entry_rules rules = {
        .directory = &config->directory,
        .bounds = bounds,
        .primary_gid = 1900020000,
        .shells = shells,
    };
    if (jose_json_parse_object(bytes, length, &jose_json_answer_limits, &object) != KC_OK ||
        person_read(object, &config->directory, &person) != KC_OK)
        return 0;
    FUZZ_MUST(person->id && person->username);
    if (passwd_entry_make(person, &rules, &entry) != KC_OK)
        return 0;
    FUZZ_MUST(strcmp(entry.name, person->username) == 0);
    FUZZ_MUST(kc_bounds_id(bounds, entry.uid) && kc_bounds_id(bounds, entry.gid));
    FUZZ_MUST(is_field(entry.gecos) && is_field(entry.home) && is_field(entry.shell));
    FUZZ_MUST(strncmp(entry.home, "/home/", 6) == 0 && !strstr(entry.home, "/../"));
    FUZZ_MUST(strcmp(entry.shell, "/bin/sh") == 0 || strcmp(entry.shell, "/bin/bash") == 0);
    return 0;
}
