/*
 * A kclogin.conf in a test's folder, loaded as the test's own user.
 * Used by the tests of the configuration and of the access rules.
 */
#ifndef TESTS_DAEMON_CONFIG_BED_H
#define TESTS_DAEMON_CONFIG_BED_H

#include "daemon/config.h"
#include "tests/common/folder.h"

#define REALM "[realm]\nissuer = https://sso.example.org/realms/linux\nclient_id = linux-pam\n"
#define PUBLIC REALM "client_auth = none\n"
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

/* Loads `text`; ret_error has KC_CONF_ERROR_MAX bytes. */
enum kc_status bed_load(const struct folder *folder, const char *text, const char *credentials,
    struct config **ret_config, char *ret_error);

/* Loads what must be good. */
struct config *bed_load_good(const struct folder *folder, const char *text);

/* Loads what must fail so; the error's text after the file's name is `expected`. */
void bed_expect_error(const struct folder *folder, const char *text, const char *credentials,
    enum kc_status status, const char *expected);

/* Appends `text` to `ret`, with the folder's path in place of each @. */
void bed_paths(const struct folder *folder, const char *text, char *ret, size_t size);

/* A secret, a key and a certificate: files of these names. */
void bed_write_secrets(const struct folder *folder);

#endif
