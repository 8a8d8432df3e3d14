/*
 * kclogin.conf: every default, every option flipped, every section found again.
 */
#include "common/bounds.h"
#include "daemon/options.h"
#include "tests/daemon/config_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void test_defaults(void **state)
{
    CONFIG_AUTO struct config *config = bed_load_good(*state, PUBLIC);
    const struct config_realm *realm = &config->realm;
    assert_string_equal(realm->issuer, "https://sso.example.org/realms/linux");
    assert_string_equal(realm->client.client_id, "linux-pam");
    assert_int_equal(realm->client.auth, CLIENT_AUTH_NONE);
    assert_int_equal(realm->client.secret.length, 0);
    assert_string_equal(realm->username_claim, "preferred_username");
    assert_null(realm->scope);
    assert_null(realm->audience);
    assert_null(realm->ca_file);
    assert_false(realm->allow_http);
    assert_false(realm->forward_client_address);
    assert_int_equal(realm->connect_to.count, 0);
    assert_null(config->directory.client.client_id);
    assert_string_equal(config->directory.uid_attribute, "uidNumber");
    assert_string_equal(config->directory.key_attribute, "sshPublicKey");
    assert_string_equal(config->directory.home, "/home/%u");
    assert_string_equal(config->directory.shell, "/bin/bash");
    assert_int_equal(config->directory.max_stale, 86400);
    assert_int_equal(config->directory.group_max_stale, 3600);
    assert_true(config->groups.members);
    assert_false(config->groups.parents);
    assert_int_equal(config->limits.source_failures, 5);
    assert_int_equal(config->limits.target_failures, 10);
    assert_int_equal(config->limits.window, 900);
    assert_int_equal(config->limits.login_timeout, 30);
    assert_int_equal(config->limits.prompt_timeout, 60);
    assert_int_equal(config->limits.grant_timeout, 15);
    assert_int_equal(config->limits.lookup_timeout, 2);
    assert_false(config->offline.enabled);
    assert_int_equal(config->offline.max_age, 7 * 86400);
    assert_int_equal(config->offline.attempts, 5);
    assert_int_equal(config->access_count, 0);
    assert_int_equal(config->caller_count, 0);
}

/* For each option of the tables a value that is not its default; `before` makes it legal. */
static const struct sample {
    enum config_section_id section;
    const char *key, *value;
    const char *before; /* more lines of [realm] */
} samples[] = {
    {CONFIG_REALM, "issuer", "https://other.example.org:8443/auth/realms/x", NULL},
    {CONFIG_REALM, "client_id", "other", NULL},
    {CONFIG_REALM, "client_auth", "post", "client_secret_file = @secret\n"},
    {CONFIG_REALM, "client_secret_file", "@secret", "client_auth = secret-jwt\n"},
    {CONFIG_REALM, "client_key_file", "@key", "client_auth = key-jwt\n"},
    {CONFIG_REALM, "client_certificate_file", "@cert",
        "client_auth = mtls\nclient_key_file = @key\n"},
    {CONFIG_REALM, "ca_file", "@cert", NULL},
    {CONFIG_REALM, "allow_http", "yes", "issuer = http://127.0.0.1:8080/realms/x\n"},
    {CONFIG_REALM, "connect_to", "10.0.0.1:8443", NULL},
    {CONFIG_REALM, "scope", "openid host.login", NULL},
    {CONFIG_REALM, "audience", "linux", NULL},
    {CONFIG_REALM, "username_claim", "unix_name", NULL},
    {CONFIG_REALM, "forward_client_address", "yes", NULL},
    {CONFIG_DIRECTORY, "client_id", "linux-nss", "[directory]\nclient_auth = none\n"},
    {CONFIG_DIRECTORY, "client_auth", "none", "[directory]\nclient_id = linux-nss\n"},
    {CONFIG_DIRECTORY, "client_secret_file", "@secret", "[directory]\nclient_id = linux-nss\n"},
    {CONFIG_DIRECTORY, "client_key_file", "@key",
        "[directory]\nclient_id = linux-nss\nclient_auth = key-jwt\n"},
    {CONFIG_DIRECTORY, "client_certificate_file", "@cert",
        "[directory]\nclient_id = n\nclient_auth = mtls\nclient_key_file = @key\n"},
    {CONFIG_DIRECTORY, "uid_attribute", "uid", NULL},
    {CONFIG_DIRECTORY, "gid_attribute", "gid", NULL},
    {CONFIG_DIRECTORY, "home_attribute", "home", NULL},
    {CONFIG_DIRECTORY, "shell_attribute", "shell", NULL},
    {CONFIG_DIRECTORY, "key_attribute", "keys", NULL},
    {CONFIG_DIRECTORY, "home", "/srv/home/%u", NULL},
    {CONFIG_DIRECTORY, "shell", "/bin/sh", NULL},
    {CONFIG_DIRECTORY, "primary_group", "linux-users", NULL},
    {CONFIG_DIRECTORY, "allocate", "host", NULL},
    {CONFIG_DIRECTORY, "enumerate", "yes", NULL},
    {CONFIG_DIRECTORY, "found_ttl", "7m", NULL},
    {CONFIG_DIRECTORY, "absent_ttl", "20s", NULL},
    {CONFIG_DIRECTORY, "max_stale", "2h", NULL},
    {CONFIG_DIRECTORY, "group_max_stale", "2h", NULL},
    {CONFIG_GROUPS, "serve", "/engineering/*", NULL},
    {CONFIG_GROUPS, "name.kernel", "/engineering/Kernel Team", NULL},
    {CONFIG_GROUPS, "parents", "yes", NULL},
    {CONFIG_GROUPS, "members", "no", NULL},
    {CONFIG_ACCESS, "allow", "group:/engineering/Kernel Team", NULL},
    {CONFIG_ACCESS, "require", "role:linux", "[access]\nallow = any\n"},
    {CONFIG_ACCESS, "deny", "role:guest", "[access]\nallow = any\n"},
    {CONFIG_ACCESS, "outage", "stale:4h", NULL},
    {CONFIG_ACCESS, "otp", "enrolled", NULL},
    {CONFIG_ACCESS, "otp_grace", "1h", NULL},
    {CONFIG_ACCESS, "method", "device", NULL},
    {CONFIG_ACCESS, "token_environment", "handle", NULL},
    {CONFIG_LIMITS, "source_failures", "6", NULL},
    {CONFIG_LIMITS, "target_failures", "7", NULL},
    {CONFIG_LIMITS, "window", "1h", NULL},
    {CONFIG_LIMITS, "login_timeout", "35s", NULL},
    {CONFIG_LIMITS, "prompt_timeout", "90s", NULL},
    {CONFIG_LIMITS, "grant_timeout", "10s", NULL},
    {CONFIG_LIMITS, "lookup_timeout", "1s", NULL},
    {CONFIG_CALLER, "service", "postgresql", NULL},
    {CONFIG_OFFLINE, "enabled", "yes", NULL},
    {CONFIG_OFFLINE, "max_age", "3d", NULL},
    {CONFIG_OFFLINE, "attempts", "3", NULL},
};
#define SAMPLES (sizeof samples / sizeof *samples)

/* A file with the sample's option; what the sample brings itself is not there twice. */
static void sample_text(
    const struct folder *folder, const struct sample *sample, char *ret, size_t size)
{
    const char *before = sample->before ? sample->before : "";
    bool has_section = strchr(before, '[') != NULL;
    bool own_issuer = strstr(before, "issuer") || strcmp(sample->key, "issuer") == 0;
    bool own_id = sample->section == CONFIG_REALM && strcmp(sample->key, "client_id") == 0;
    bool own_auth = sample->section == CONFIG_REALM &&
                    (strstr(before, "client_auth") || strcmp(sample->key, "client_auth") == 0);
    char line[512], value[512] = "";
    bed_paths(folder, sample->value, value, sizeof value);
    snprintf(ret, size, "[realm]\n%s%s%s",
        own_issuer ? "" : "issuer = https://sso.example.org/realms/linux\n",
        own_id ? "" : "client_id = linux-pam\n", own_auth ? "" : "client_auth = none\n");
    bed_paths(folder, before, ret, size);
    const struct config_section *section = &config_sections[sample->section];
    snprintf(line, sizeof line, "%s%s%s%s%s = %s\n",
        has_section || sample->section == CONFIG_REALM ? "" : "[",
        has_section || sample->section == CONFIG_REALM ? "" : section->name,
        has_section || sample->section == CONFIG_REALM ? ""
        : section->naming == CONFIG_NAMED              ? " postgres]\n"
                                                       : "]\n",
        "", sample->key, value);
    strncat(ret, line, size - strlen(ret) - 1);
}

static void test_every_option_flipped(void **state)
{
    const struct folder *folder = *state;
    bool seen[CONFIG_SECTIONS][CONFIG_OPTIONS_MAX] = {{false}};
    bed_write_secrets(folder);
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct sample *sample = &samples[i];
        const struct config_section *section = &config_sections[sample->section];
        char text[2048] = "", wanted[512] = "", got[1200] = "";
        sample_text(folder, sample, text, sizeof text);
        CONFIG_AUTO struct config *config = bed_load_good(folder, text);
        const void *base = sample->section == CONFIG_ACCESS   ? (void *)config->access
                           : sample->section == CONFIG_CALLER ? (void *)config->callers
                                                              : (char *)config + section->offset;
        size_t at = kc_option_find(&section->table, sample->key);
        assert_true(at < section->table.count);
        const struct kc_option *option = &section->table.options[at];
        seen[sample->section][at] = true;
        if (option->type == KC_OPTION_MAP)
            strcpy(wanted, "kernel = ");
        bed_paths(folder, sample->value, wanted, sizeof wanted);
        assert_true(kc_option_value(option, base, 0, got, sizeof got));
        assert_string_equal(got, wanted);
        assert_string_not_equal(got, option->fallback ? option->fallback : "");
    }
    for (size_t s = 0; s < CONFIG_SECTIONS; s++) {
        assert_true(config_sections[s].table.count <= CONFIG_OPTIONS_MAX);
        for (size_t i = 0; i < config_sections[s].table.count; i++)
            if (!seen[s][i])
                fail_msg("no sample for %s.%s", config_sections[s].name,
                    config_sections[s].table.options[i].name);
    }
}

/* What kclogind -t prints is a file that loads, and prints the same again. */
static void test_print_and_read_again(void **state)
{
    const struct folder *folder = *state;
    CONFIG_AUTO struct config *first = bed_load_good(folder,
        PUBLIC "connect_to = a:1 b:2\n[groups]\nserve = /a /b/*\nname.x = /c d\n"
               "[access]\nallow = role:a\nallow = claim:x=y z\ndeny = user:bob\n"
               "[access sudo]\nallow = any\noutage = stale:90m\n[caller postgres]\nservice = pg\n");
    char *printed[2] = {NULL, NULL};
    size_t size;
    for (int i = 0; i < 2; i++) {
        FILE *file = open_memstream(&printed[i], &size);
        CONFIG_AUTO struct config *again =
            i ? bed_load_good(folder, printed[0]) : config_ref(first);
        config_print(again, file);
        assert_int_equal(fclose(file), 0);
    }
    assert_string_equal(printed[0], printed[1]);
    assert_non_null(strstr(printed[0], "[access sudo]\nallow = any\noutage = stale:90m\n"
                                       "token_environment = token\n"));
    assert_non_null(strstr(printed[0], "name.x = /c d\n"));
    free(printed[0]);
    free(printed[1]);
}

static void test_sections_in_use(void **state)
{
    CONFIG_AUTO struct config *config = bed_load_good(*state,
        PUBLIC "[access]\nallow = any\n[access sudo]\nallow = role:admin\n[access empty]\n"
               "[caller postgres]\nservice = postgresql pg2\n");
    assert_null(config_access(config, NULL, "sshd")->name);
    assert_null(config_access(config, NULL, NULL)->name);
    assert_string_equal(config_access(config, NULL, "sudo")->name, "sudo");
    assert_string_equal(config_access(config, "sudo", "sshd")->name, "sudo");
    assert_int_equal(config_access(config, NULL, "empty")->allow.count, 0);
    assert_null(config_access(config, "sshd", "sudo")); /* named, and not there: no fall-back */
    assert_null(config_access(config, "", "sudo"));
    assert_null(config_access(config, "access", "sudo"));
    assert_true(config_caller_may(config, "postgres", "postgresql"));
    assert_true(config_caller_may(config, "postgres", "pg2"));
    assert_false(config_caller_may(config, "postgres", "sshd"));
    assert_false(config_caller_may(config, "postgre", "postgresql"));
    assert_false(config_caller_may(config, "www-data", "postgresql"));
    struct config *second = config_ref(config);
    config_unref(second);
    assert_string_equal(config->realm.client.client_id, "linux-pam");
    CONFIG_AUTO struct config *none = bed_load_good(*state, PUBLIC "[access sudo]\nallow = any\n");
    assert_null(config_access(none, NULL, "sshd"));
}

/* The packaged examples, read from the source tree, load as they are. */
static void read_example(const char *name, char *ret_text, size_t size)
{
    char path[1024];
    const char *srcdir = getenv("srcdir");
    snprintf(path, sizeof path, "%s/packaging/%s", srcdir ? srcdir : ".", name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s cannot be opened", path);
    ret_text[fread(ret_text, 1, size - 1, file)] = 0;
    fclose(file);
}

static void test_examples(void **state)
{
    const struct folder *folder = *state;
    char text[8192], error[KC_CONF_ERROR_MAX];
    struct config *config = NULL;
    struct kc_bounds *bounds = NULL;
    struct kc_conf_error host_error = {0};
    folder_text(folder, "client-secret", "s3cret\n");
    read_example("kclogin.conf.example", text, sizeof text);
    enum kc_status status = bed_load(folder, text, folder->path, &config, error);
    if (status != KC_OK)
        fail_msg("%s", error);
    assert_string_equal(config_access(config, NULL, "sshd")->allow.items[0], "group:/linux-users");
    config_unref(config);
    read_example("host.conf.example", text, sizeof text);
    assert_int_equal(kc_bounds_parse(text, strlen(text), &bounds, &host_error), KC_OK);
    assert_int_equal(bounds->local_accounts.count, 0);
    kc_bounds_free(bounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_defaults),
        IN_FOLDER(test_every_option_flipped),
        IN_FOLDER(test_print_and_read_again),
        IN_FOLDER(test_sections_in_use),
        IN_FOLDER(test_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
