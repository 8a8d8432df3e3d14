/*
 * application/x-www-form-urlencoded.
 * Used by grant.c, client_auth.c and logout.c.
 * Must never leave a byte of a value outside the secret it writes to.
 */
#include "daemon/form.h"

#include <stdbool.h>
#include <string.h>

static bool stays(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '*' || byte == '-' || byte == '.' || byte == '_';
}

enum kc_status form_encode(struct kc_secret *form, const void *bytes, size_t length)
{
    static const char digits[] = "0123456789ABCDEF";
    const uint8_t *byte = bytes;
    if (length > (SIZE_MAX - form->length) / 8)
        return KC_NO_MEMORY;
    enum kc_status status = kc_secret_reserve(form, form->length + 3 * length);
    for (size_t i = 0; status == KC_OK && i < length; i++) {
        char coded[3] = {'%', digits[byte[i] >> 4], digits[byte[i] & 15]};
        if (byte[i] == ' ')
            status = kc_secret_append(form, "+", 1);
        else if (stays(byte[i]))
            status = kc_secret_append(form, &byte[i], 1);
        else
            status = kc_secret_append(form, coded, sizeof(coded));
        kc_wipe(coded, sizeof(coded));
    }
    return status;
}

enum kc_status form_add(struct kc_secret *form, const char *name, const void *value, size_t length)
{
    enum kc_status status = KC_OK;
    if (form->length)
        status = kc_secret_append(form, "&", 1);
    if (status == KC_OK)
        status = kc_secret_append(form, name, strlen(name));
    if (status == KC_OK)
        status = kc_secret_append(form, "=", 1);
    if (status == KC_OK)
        status = form_encode(form, value, length);
    return status;
}

enum kc_status form_add_text(struct kc_secret *form, const char *name, const char *value)
{
    return form_add(form, name, value, strlen(value));
}
