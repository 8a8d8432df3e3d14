/*
 * What the realm said last of a user, as a text that outlives the daemon: claims, or a refusal.
 * Used by evidence.c, which keeps it for the time when the realm cannot be reached. Pure: no I/O.
 * Must never read a text that it did not write as one that lets somebody in.
 */
#ifndef DAEMON_STORED_H
#define DAEMON_STORED_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>

struct json_object;

struct stored {
    enum kc_status status;      /* KC_OK: claims are there; else the refusal */
    struct json_object *claims; /* NULL: none */
    char *scope;                /* of a token endpoint's answer; NULL: absent */
    bool partial;               /* as access_question has it */
};

void stored_clear(struct stored *stored);

/* The text; the caller frees it. Claims that make it longer than `max` bytes become a refusal
 * (KC_NO_EVIDENCE): what was said before them holds no longer. KC_NO_MEMORY. */
enum kc_status stored_encode(
    const struct stored *stored, size_t max, char **ret_text, size_t *ret_length);

/* A refusal whose word is not known is KC_NO_EVIDENCE. KC_MALFORMED, KC_NO_MEMORY. */
enum kc_status stored_decode(const char *text, size_t length, struct stored *ret_stored);

#endif
