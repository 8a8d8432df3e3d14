/*
 * The PAM environment.
 * Used by authenticate, account and open_session.
 * Must never take a variable's name from anywhere but its own table.
 */
#include "pam/environment.h"

#include "common/secret.h"

#include <security/pam_appl.h>
#include <stdio.h>
#include <string.h>

enum variable {
    ACCESS_TOKEN,
    TOKEN_EXPIRES,
    SESSION,
    TRANSACTION,
};

/* The whole PAM environment reaches a session, even LD_PRELOAD: no server names a variable. */
static const char *const names[] = {
    [ACCESS_TOKEN] = "KEYCLOAK_ACCESS_TOKEN",
    [TOKEN_EXPIRES] = "KEYCLOAK_TOKEN_EXPIRES",
    [SESSION] = "KCLOGIN_SESSION",
    [TRANSACTION] = "KCLOGIN_TRANSACTION",
};

static enum kc_status set(
    pam_handle_t *pamh, enum variable variable, const void *value, size_t length)
{
    KC_AUTO_SECRET struct kc_secret line = KC_SECRET_INIT;
    enum kc_status status = kc_secret_append(&line, names[variable], strlen(names[variable]));
    if (status == KC_OK)
        status = kc_secret_append(&line, "=", 1);
    if (status == KC_OK)
        status = kc_secret_append(&line, value, length);
    if (status == KC_OK && pam_putenv(pamh, kc_secret_text(&line)) != PAM_SUCCESS)
        status = KC_NO_MEMORY;
    return status;
}

static enum kc_status set_key(pam_handle_t *pamh, enum variable variable, struct kc_view key)
{
    char hex[KC_KEY_HEX_SIZE];
    kc_key_to_hex(key.bytes, hex);
    enum kc_status status = set(pamh, variable, hex, sizeof hex - 1);
    kc_wipe(hex, sizeof hex);
    return status;
}

enum kc_status pk_environment_set_transaction(pam_handle_t *pamh, struct kc_view key)
{
    return set_key(pamh, TRANSACTION, key);
}

bool pk_environment_get_transaction(pam_handle_t *pamh, uint8_t ret_key[KC_KEY_SIZE])
{
    const char *hex = pam_getenv(pamh, names[TRANSACTION]);
    return hex && kc_key_from_hex(hex, ret_key) == KC_OK;
}

void pk_environment_remove_transaction(pam_handle_t *pamh)
{
    if (pam_getenv(pamh, names[TRANSACTION]))
        (void)pam_putenv(pamh, names[TRANSACTION]);
}

/* A compact JWS has nothing else (RFC 7515 section 3.1). */
static bool is_token(struct kc_view token)
{
    for (size_t i = 0; i < token.length; i++) {
        uint8_t c = token.bytes[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '-' || c == '_' || c == '.'))
            return false;
    }
    return token.length > 0 && token.length <= KC_TOKEN_MAX;
}

static enum kc_status export_token(pam_handle_t *pamh, const struct kc_wire_reply *opened)
{
    char expires[24];
    if (!is_token(opened->token))
        return KC_TOKEN_MALFORMED;
    int length = snprintf(expires, sizeof expires, "%ju", (uintmax_t)opened->expires);
    enum kc_status status = set(pamh, ACCESS_TOKEN, opened->token.bytes, opened->token.length);
    return status != KC_OK ? status : set(pamh, TOKEN_EXPIRES, expires, (size_t)length);
}

enum kc_status pk_environment_export(
    pam_handle_t *pamh, const struct kc_wire_reply *opened, bool no_token)
{
    enum kc_status status = KC_OK;
    if ((opened->exports & KC_EXPORT_HANDLE) && opened->key.length == KC_KEY_SIZE)
        status = set_key(pamh, SESSION, opened->key);
    if (status == KC_OK && (opened->exports & KC_EXPORT_TOKEN) && !no_token)
        status = export_token(pamh, opened);
    return status;
}
