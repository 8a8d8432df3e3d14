/*
 * Status codes: the tables behind status.h.
 * Used by every room.
 * Must never let an unknown number look like success.
 */
#include "common/status.h"

#include <stddef.h>

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

const char *kc_status_word(enum kc_status status)
{
    return (unsigned)status < KC_STATUS_COUNT ? statuses[status].word : "unknown-status";
}

enum kc_class kc_status_class(enum kc_status status)
{
    return (unsigned)status < KC_STATUS_COUNT ? statuses[status].class : KC_CLASS_INTERNAL;
}

const char *kc_class_word(enum kc_class class)
{
    return (size_t)class < sizeof class_words / sizeof *class_words ? class_words[class] : "failed";
}
