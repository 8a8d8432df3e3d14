/*
 * The configuration files' format: `[section]`, `[section NAME]`, `key = value`, `#` comments on
 * a line of their own; and the reading of a file that must be trusted.
 * Used for host.conf by modules and daemon, and for kclogin.conf by the daemon.
 * Must never put a value into an error: a password may stand on the wrong line.
 */
#ifndef KC_CONF_H
#define KC_CONF_H

#include "common/status.h"

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

#define KC_CONF_LINE_MAX 1024u         /* bytes of a line, its newline not counted */
#define KC_CONF_FILE_MAX ((size_t)256 * 1024) /* bytes of a file */
#define KC_CONF_SECTION_MAX 96u        /* bytes of what stands between the brackets */
#define KC_CONF_KEY_MAX 64u            /* bytes of a key */
#define KC_CONF_TEXT_MAX 320u          /* bytes of an error's text with its NUL */

/* Where a mistake stands and what it is. Fields that do not apply are 0 or "". */
struct kc_conf_error {
    char file[PATH_MAX];
    unsigned line;
    char section[KC_CONF_SECTION_MAX + 4]; /* as it stands in brackets: `access sshd` */
    char key[KC_CONF_KEY_MAX + 1];
    char text[KC_CONF_TEXT_MAX];
};

/* One meaningful line. The strings live as long as the call of the handler. */
struct kc_conf_item {
    unsigned line;       /* from 1 */
    const char *section; /* "" before the first section */
    const char *name;    /* NAME of `[section NAME]`, else NULL */
    const char *key;     /* NULL: the line is the section's own */
    const char *value;   /* trimmed, never empty; NULL where key is */
};

/* Takes one item. On failure it fills ret_error->text, and reading ends. */
typedef enum kc_status kc_conf_handler(
    void *userdata, const struct kc_conf_item *item, struct kc_conf_error *ret_error);

/*
 * Reads `length` bytes of a configuration file and hands each item to `handler`, in order.
 * KC_CONFIG_INVALID with line, section, key and text in ret_error (its file is left alone), or
 * what the handler returned.
 */
enum kc_status kc_conf_parse(const char *bytes, size_t length, kc_conf_handler *handler,
    void *userdata, struct kc_conf_error *ret_error);

/*
 * Reads the whole of a regular file that belongs to `owner` and that nobody else can write.
 * ret_bytes is the caller's to free; a NUL follows its last byte. KC_NOT_FOUND: there is none;
 * KC_CONFIG_UNTRUSTED, KC_CONFIG_INVALID (over `max` bytes), KC_SYSTEM, KC_NO_MEMORY. On each
 * failure file and text are filled.
 */
enum kc_status kc_conf_read(const char *path, uid_t owner, size_t max, char **ret_bytes,
    size_t *ret_length, struct kc_conf_error *ret_error);

/* Sets the file of an error; a path that is too long is cut. */
void kc_conf_error_file(struct kc_conf_error *error, const char *path);

/* Sets the text of an error, cut where it is too long. Returns `status`. */
enum kc_status kc_conf_fail(struct kc_conf_error *error, enum kc_status status, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* Bytes that hold every error as text, the NUL included. */
#define KC_CONF_ERROR_MAX                                                                          \
    (PATH_MAX + KC_CONF_SECTION_MAX + KC_CONF_KEY_MAX + KC_CONF_TEXT_MAX + 32u)

/* The error as one line: `file:line: section.key: text`; parts that do not apply are left out. */
void kc_conf_error_text(const struct kc_conf_error *error, char *ret_text, size_t size);

#endif
