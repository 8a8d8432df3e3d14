/*
 * A form body (application/x-www-form-urlencoded), read within bounds.
 * Used by server; read by every endpoint.
 * Never takes more than the limits of the header, whatever is sent.
 */
#include "realm/form.h"

#include "common/cleanup.h"
#include "realm/text.h"

#include <stdlib.h>
#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool decode(const char *text, size_t length, bool plus, char **ret_text)
{
    char *plain KC_AUTO_FREE = realm_text_room(length + 1, 1); /* %00 takes two of its three */
    size_t out = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '+' && plus) {
            plain[out++] = ' ';
        } else if (text[i] != '%') {
            plain[out++] = text[i];
        } else {
            int high = length - i > 2 ? hex(text[i + 1]) : -1;
            int low = length - i > 2 ? hex(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            i += 2;
            if (high == 0 && low == 0)
                plain[out++] = (char)0xc0;
            plain[out++] = (char)(high == 0 && low == 0 ? 0x80 : high << 4 | low);
        }
    }
    *ret_text = KC_TAKE(plain);
    return true;
}

bool realm_form_decode(const char *text, size_t length, char **ret_text)
{
    return decode(text, length, true, ret_text);
}

bool realm_form_decode_path(const char *text, size_t length, char **ret_text)
{
    return decode(text, length, false, ret_text);
}

static enum kc_status add(struct realm_form *form, const char *pair, size_t length)
{
    if (length == 0)
        return KC_OK;
    if (form->count == REALM_FORM_FIELD_LIMIT)
        return KC_MALFORMED;
    const char *equals = memchr(pair, '=', length);
    size_t name_length = equals ? (size_t)(equals - pair) : length;
    char *name KC_AUTO_FREE = NULL, *value KC_AUTO_FREE = NULL;
    if (!realm_form_decode(pair, name_length, &name) ||
        !realm_form_decode(
            equals ? equals + 1 : pair, equals ? length - name_length - 1 : 0, &value))
        return KC_MALFORMED;
    form->fields = realm_text_grow(form->fields, form->count + 1, sizeof(*form->fields));
    if (strlen(value) > REALM_FORM_VALUE_LIMIT)
        return KC_TOO_LARGE;
    form->fields[form->count].name = KC_TAKE(name);
    form->fields[form->count++].value = KC_TAKE(value);
    return KC_OK;
}

enum kc_status realm_form_read(const char *body, size_t length, struct realm_form *ret_form)
{
    struct realm_form form = {NULL, 0};
    enum kc_status status = length > REALM_FORM_BODY_LIMIT ? KC_TOO_LARGE : KC_OK;
    for (size_t at = 0; status == KC_OK && at < length;) {
        const char *end = memchr(body + at, '&', length - at);
        size_t size = end ? (size_t)(end - body) - at : length - at;
        status = add(&form, body + at, size);
        at += size + 1;
    }
    if (status != KC_OK) {
        realm_form_free(&form);
        return status;
    }
    *ret_form = form;
    return KC_OK;
}

void realm_form_free(struct realm_form *form)
{
    for (size_t i = 0; i < form->count; i++) {
        free(form->fields[i].name);
        free(form->fields[i].value);
    }
    free(form->fields);
    *form = (struct realm_form){NULL, 0};
}

const char *realm_form_value(const struct realm_form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++)
        if (strcmp(form->fields[i].name, name) == 0)
            return form->fields[i].value;
    return NULL;
}

bool realm_form_duplicate(const struct realm_form *form)
{
    for (size_t i = 0; i < form->count; i++)
        for (size_t j = i + 1; j < form->count; j++)
            if (strcmp(form->fields[i].name, form->fields[j].name) == 0)
                return true;
    return false;
}
