/*
 * Import: a realm export file becomes a realm in memory.
 * Used by main and by the tests.
 * Never invents: what the file leaves out is what Keycloak makes of its absence.
 */
#ifndef REALM_IMPORT_H
#define REALM_IMPORT_H

#include "common/status.h"
#include "realm/realm.h"

/*
 * Reads the export at `path` (at most 64 MiB). KC_NOT_FOUND, KC_TOO_LARGE, KC_MALFORMED;
 * *ret_reason is then a text for the person at the terminal, which the caller frees.
 */
enum kc_status realm_import(
    const char *path, enum realm_likeness like, struct realm **ret_realm, char **ret_reason);

/* The same from a text of `length` bytes; `name` stands in the reason. */
enum kc_status realm_import_text(const char *text, size_t length, const char *name,
    enum realm_likeness like, struct realm **ret_realm, char **ret_reason);

/* Puts back what the file says of the realm, its policy and its users; not what has happened. */
void realm_import_again(struct realm *realm);

void realm_free(struct realm *realm);

#endif
