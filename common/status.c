/*
 * Status codes: the tables behind status.h.
 * Used by every room.
 * Must never let an unknown number look like success.
 */
#include "common/status.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *word;
    enum kc_class class;
} statuses[] = {
#define STATUS_ROW(name, word, class) {word, KC_CLASS_##class},
    KC_STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
};

static const char *const class_words[] = {
    [KC_CLASS_OK] = "ok",
    [KC_CLASS_REFUSED] = "denied",
    [KC_CLASS_FORBIDDEN] = "denied",
    [KC_CLASS_EXPIRED] = "denied",
    [KC_CLASS_UNKNOWN] = "denied",
    [KC_CLASS_NOT_OURS] = "ignored",
    [KC_CLASS_UNREACHABLE] = "unavailable",
    [KC_CLASS_UNAVAILABLE] = "unavailable",
    [KC_CLASS_MISCONFIGURED] = "misconfigured",
    [KC_CLASS_INTERNAL] = "failed",
    [KC_CLASS_CONVERSATION] = "cancelled",
};

/* What a class means where nothing more is known. */
static const enum kc_status plainest[] = {
    [KC_CLASS_OK] = KC_PROTOCOL,
    [KC_CLASS_REFUSED] = KC_BAD_CREDENTIALS,
    [KC_CLASS_FORBIDDEN] = KC_NOT_AUTHORIZED,
    [KC_CLASS_EXPIRED] = KC_ACCOUNT_DISABLED,
    [KC_CLASS_UNKNOWN] = KC_USER_UNKNOWN,
    [KC_CLASS_NOT_OURS] = KC_NOT_OURS,
    [KC_CLASS_UNREACHABLE] = KC_UNREACHABLE,
    [KC_CLASS_UNAVAILABLE] = KC_NOT_READY,
    [KC_CLASS_MISCONFIGURED] = KC_CONFIG_INVALID,
    [KC_CLASS_INTERNAL] = KC_SYSTEM,
    [KC_CLASS_CONVERSATION] = KC_CANCELLED,
};

const char *kc_status_word(enum kc_status status)
{
    return (unsigned)status < KC_STATUS_COUNT ? statuses[status].word : "unknown-status";
}

enum kc_class kc_status_class(enum kc_status status)
{
    return (unsigned)status < KC_STATUS_COUNT ? statuses[status].class : KC_CLASS_INTERNAL;
}

enum kc_status kc_status_from_wire(unsigned class, const char *word)
{
    if (class >= sizeof plainest / sizeof *plainest)
        return KC_PROTOCOL;
    for (unsigned i = 0; i < KC_STATUS_COUNT; i++)
        if ((unsigned)statuses[i].class == class && strcmp(statuses[i].word, word) == 0)
            return (enum kc_status)i;
    return plainest[class];
}

enum kc_status kc_status_from_errno(int error)
{
    switch (error) {
    case ENOMEM:
        return KC_NO_MEMORY;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOSPC:
    case EDQUOT:
        return KC_NO_ROOM;
    default:
        return KC_SYSTEM;
    }
}

const char *kc_class_word(enum kc_class class)
{
    return (size_t)class < sizeof class_words / sizeof *class_words ? class_words[class] : "failed";
}
