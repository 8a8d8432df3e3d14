/*
 * application/x-www-form-urlencoded, written into a secret byte for byte.
 * Used by grant.c, client_auth.c and logout.c.
 * Must never alter, cut or interpret a value: any byte is legal in a password.
 */
#ifndef DAEMON_FORM_H
#define DAEMON_FORM_H

#include "common/secret.h"
#include "common/status.h"

/* Appends `length` bytes encoded (WHATWG URL 5.2: ALPHA DIGIT * - . _ stay, space is +, the rest
 * %XX). KC_NO_MEMORY. */
enum kc_status form_encode(struct kc_secret *form, const void *bytes, size_t length);

/* Appends name=value, with & before it where something stands already. The name is ours and needs
 * no encoding. KC_NO_MEMORY; the form may then hold a part. */
enum kc_status form_add(struct kc_secret *form, const char *name, const void *value, size_t length);

/* form_add of a NUL-terminated text. */
enum kc_status form_add_text(struct kc_secret *form, const char *name, const char *value);

#endif
