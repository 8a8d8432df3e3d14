/*
 * What must fit together in a configuration.
 * Used by config.c alone.
 * Must never repair: what does not fit is an error with its line.
 */
#include "daemon/config_check.h"

#include "daemon/issuer.h"

#include <stdio.h>
#include <string.h>

/* Where the checks of one file put what they find. */
struct check {
    const struct config *config;
    const struct config_marks *marks;
    struct kc_conf_error *error;
};

void config_marks_show(const struct config_marks *marks, enum config_section_id section,
    const char *key, struct kc_conf_error *ret_error)
{
    const struct config_section *table = &config_sections[section];
    size_t at = kc_option_find(&table->table, key);
    ret_error->line = at < table->table.count ? marks->option[section][at] : 0;
    snprintf(ret_error->section, sizeof ret_error->section, "%s", table->name);
    snprintf(ret_error->key, sizeof ret_error->key, "%s", key);
}

static enum kc_status wrong(
    const struct check *check, enum config_section_id section, const char *key, const char *text)
{
    config_marks_show(check->marks, section, key, check->error);
    return kc_conf_fail(check->error, KC_CONFIG_INVALID, "%s", text);
}

/* Which of the three files a way of authentication needs. */
static const struct {
    const char *word;
    bool secret, key, certificate;
} needs[] = {
    [CLIENT_AUTH_NONE] = {"none", false, false, false},
    [CLIENT_AUTH_POST] = {"post", true, false, false},
    [CLIENT_AUTH_BASIC] = {"basic", true, false, false},
    [CLIENT_AUTH_SECRET_JWT] = {"secret-jwt", true, false, false},
    [CLIENT_AUTH_KEY_JWT] = {"key-jwt", false, true, false},
    [CLIENT_AUTH_MTLS] = {"mtls", false, true, true},
};

static enum kc_status check_need(const struct check *check, enum config_section_id section,
    const char *key, enum client_auth_method auth, bool needed, const char *value)
{
    char text[KC_CONF_TEXT_MAX];
    if (needed == (value != NULL))
        return KC_OK;
    snprintf(text, sizeof text, "%s client_auth = %s",
        needed ? "is missing, for" : "is not used by", needs[auth].word);
    return wrong(check, section, key, text);
}

static enum kc_status check_client(
    const struct check *check, enum config_section_id section, const struct config_client *client)
{
    enum client_auth_method auth = client->auth;
    enum kc_status status = check_need(
        check, section, "client_secret_file", auth, needs[auth].secret, client->secret_file);
    if (status == KC_OK)
        status =
            check_need(check, section, "client_key_file", auth, needs[auth].key, client->key_file);
    if (status == KC_OK)
        status = check_need(check, section, "client_certificate_file", auth,
            needs[auth].certificate, client->certificate_file);
    return status;
}

static enum kc_status check_realm(const struct check *check)
{
    const struct config_realm *realm = &check->config->realm;
    if (!realm->issuer)
        return wrong(check, CONFIG_REALM, "issuer", "is not set: nobody can log in without it");
    const char *text = issuer_check(realm->issuer, realm->allow_http);
    if (text)
        return wrong(check, CONFIG_REALM, "issuer", text);
    if (realm->allow_http && strncmp(realm->issuer, "https:", 6) == 0)
        return wrong(check, CONFIG_REALM, "allow_http", "is of no use to an https issuer");
    if (!realm->client.client_id)
        return wrong(check, CONFIG_REALM, "client_id", "is not set: nobody can log in without it");
    return check_client(check, CONFIG_REALM, &realm->client);
}

/* A directory without a client of its own has the realm's, and no half of another. */
static enum kc_status check_directory(const struct check *check)
{
    static const char *const keys[] = {
        "client_auth", "client_secret_file", "client_key_file", "client_certificate_file"};
    const struct kc_option_table *table = &config_sections[CONFIG_DIRECTORY].table;
    const struct config_client *client = &check->config->directory.client;
    if (client->client_id)
        return check_client(check, CONFIG_DIRECTORY, client);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (check->marks->option[CONFIG_DIRECTORY][kc_option_find(table, keys[i])])
            return wrong(check, CONFIG_DIRECTORY, keys[i], "needs client_id beside it");
    return KC_OK;
}

/* What is wrong with a section of rules; NULL: nothing. */
static const char *access_mistake(const struct access_section *access)
{
    if (!access->allow.count && (access->require.count || access->deny.count))
        return "has rules but no allow, so that nobody may enter; allow = any lets in whom the "
               "others leave";
    if (access->otp == CONFIG_OTP_ALWAYS)
        return "otp = always is not enforced in this version";
    return NULL;
}

static enum kc_status check_access(const struct check *check)
{
    for (size_t i = 0; i < check->config->access_count; i++) {
        const struct access_section *access = &check->config->access[i];
        const char *mistake = access_mistake(access);
        if (!mistake)
            continue;
        struct kc_conf_error *error = check->error;
        error->line = access->line;
        snprintf(error->section, sizeof error->section, "access%s%s", access->name ? " " : "",
            access->name ? access->name : "");
        error->key[0] = 0;
        return kc_conf_fail(error, KC_CONFIG_INVALID, "%s", mistake);
    }
    return KC_OK;
}

static enum kc_status check_limits(const struct check *check)
{
    const struct config_limits *limits = &check->config->limits;
    if (limits->grant_timeout > limits->login_timeout)
        return wrong(check, CONFIG_LIMITS, "grant_timeout", "is longer than login_timeout");
    return KC_OK;
}

static enum kc_status check_callers(const struct check *check)
{
    for (size_t i = 0; i < check->config->caller_count; i++) {
        const struct config_caller *caller = &check->config->callers[i];
        struct kc_conf_error *error = check->error;
        if (caller->services.count)
            continue;
        error->line = caller->line;
        snprintf(error->section, sizeof error->section, "caller %s", caller->name);
        snprintf(error->key, sizeof error->key, "service");
        return kc_conf_fail(error, KC_CONFIG_INVALID, "is missing");
    }
    return KC_OK;
}

enum kc_status config_check(
    const struct config *config, const struct config_marks *marks, struct kc_conf_error *ret_error)
{
    const struct check check = {config, marks, ret_error};
    /* cppcheck-suppress uninitvar ; an array of functions */
    enum kc_status (*const checks[])(const struct check *) = {
        check_realm, check_directory, check_access, check_limits, check_callers};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        enum kc_status status = checks[i](&check);
        if (status != KC_OK)
            return status;
    }
    return KC_OK;
}
