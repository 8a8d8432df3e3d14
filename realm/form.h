/*
 * A form body (application/x-www-form-urlencoded), read within bounds.
 * Used by server; read by every endpoint.
 * Never takes more than the limits below, whatever is sent.
 */
#ifndef REALM_FORM_H
#define REALM_FORM_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    REALM_FORM_BODY_LIMIT = 1 << 20,
    REALM_FORM_VALUE_LIMIT = 131072,
    REALM_FORM_FIELD_LIMIT = 1000,
};

struct realm_form {
    struct {
        char *name, *value; /* decoded */
    } * fields;
    size_t count;
};

/* KC_TOO_LARGE for too many bytes, KC_MALFORMED for too many fields or a broken escape. */
enum kc_status realm_form_read(const char *body, size_t length, struct realm_form *ret_form);
void realm_form_free(struct realm_form *form);

/* The first value of that name; NULL where there is none. */
const char *realm_form_value(const struct realm_form *form, const char *name);

/* Whether any name stands there twice. */
bool realm_form_duplicate(const struct realm_form *form);

/*
 * Decodes %xx and +; false for a broken escape. The caller frees. A NUL becomes C0 80, which no
 * text has in it, so that nothing is cut short and taken for what stands before.
 */
bool realm_form_decode(const char *text, size_t length, char **ret_text);

/* The same for a part of a path, where a plus is a plus. */
bool realm_form_decode_path(const char *text, size_t length, char **ret_text);

#endif
