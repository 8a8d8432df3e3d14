/*
 * The configuration files' format.
 * Used for host.conf by modules and daemon, and for kclogin.conf by the daemon.
 * Must never read past `length`, nor hand on a key or a value that it has not bounded.
 */
#include "common/conf.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct reader {
    kc_conf_handler *handler;
    void *userdata;
    struct kc_conf_error *error;
    unsigned line;
    char section[KC_CONF_SECTION_MAX + 1];
    char *name; /* in `section`, or NULL */
};

void kc_conf_error_file(struct kc_conf_error *error, const char *path)
{
    snprintf(error->file, sizeof error->file, "%s", path);
}

enum kc_status kc_conf_fail(
    struct kc_conf_error *error, enum kc_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return status;
}

void kc_conf_error_text(const struct kc_conf_error *error, char *ret_text, size_t size)
{
    char line[16] = "";
    if (error->line)
        snprintf(line, sizeof line, ":%u", error->line);
    bool place = error->section[0] || error->key[0];
    snprintf(ret_text, size, "%s%s%s%s%s%s%s%s", error->file, line, error->file[0] ? ": " : "",
        error->section, error->section[0] && error->key[0] ? "." : "", error->key,
        place ? ": " : "", error->text);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_key(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

/* Cuts blanks off both ends of line[0..*length); returns where the rest begins. */
static char *trim(char *line, size_t *length)
{
    while (*length && is_blank(line[*length - 1]))
        --*length;
    while (*length && is_blank(*line)) {
        line++;
        --*length;
    }
    line[*length] = 0;
    return line;
}

static enum kc_status invalid(struct reader *reader, const char *text)
{
    return kc_conf_fail(reader->error, KC_CONFIG_INVALID, "%s", text);
}

/* Calls the handler with the reader's place in the error, so that only text is left to fill. */
static enum kc_status emit(struct reader *reader, const char *key, const char *value)
{
    struct kc_conf_item item = {reader->line, reader->section, reader->name, key, value};
    return reader->handler(reader->userdata, &item, reader->error);
}

static void show_section(struct reader *reader)
{
    snprintf(reader->error->section, sizeof reader->error->section, "%s%s%s", reader->section,
        reader->name ? " " : "", reader->name ? reader->name : "");
}

static enum kc_status read_section(struct reader *reader, char *line, size_t length)
{
    reader->error->section[0] = 0;
    if (line[length - 1] != ']')
        return invalid(reader, "a section ends with ] and nothing follows it");
    length -= 2;
    char *text = trim(line + 1, &length);
    if (length == 0 || length > KC_CONF_SECTION_MAX)
        return invalid(reader, "a section's name has 1 to 96 characters");
    size_t word = 0;
    while (word < length && is_key(text[word]))
        word++;
    size_t rest = word;
    while (rest < length && is_blank(text[rest]))
        rest++;
    for (size_t i = rest; i < length; i++)
        if (!is_key(text[i]) && text[i] != '@' && text[i] != '+')
            word = 0;
    if (word == 0 || (rest == word && rest < length))
        return invalid(reader, "a section is [word] or [word NAME], of letters, digits and _.-");
    memcpy(reader->section, text, length + 1);
    reader->section[word] = 0;
    reader->name = rest < length ? reader->section + rest : NULL;
    show_section(reader);
    return emit(reader, NULL, NULL);
}

static enum kc_status read_pair(struct reader *reader, char *line, size_t length)
{
    char *equals = memchr(line, '=', length);
    if (!equals)
        return invalid(reader, "neither a [section], nor key = value, nor a # comment");
    size_t key_length = (size_t)(equals - line);
    size_t value_length = length - key_length - 1;
    char *key = trim(line, &key_length);
    char *value = trim(equals + 1, &value_length);
    size_t good = 0;
    while (good < key_length && is_key(key[good]))
        good++;
    if (key_length == 0 || key_length > KC_CONF_KEY_MAX || good < key_length)
        return invalid(reader, "a key has 1 to 64 characters, of letters, digits and _.-");
    memcpy(reader->error->key, key, key_length + 1);
    if (value_length == 0)
        return invalid(reader, "has no value; leave the line out to have the default");
    return emit(reader, key, value);
}

static enum kc_status read_line(struct reader *reader, const char *bytes, size_t length)
{
    char buffer[KC_CONF_LINE_MAX + 1];
    reader->error->line = ++reader->line;
    reader->error->key[0] = 0;
    if (length > KC_CONF_LINE_MAX)
        return invalid(reader, "a line has at most 1024 bytes");
    memcpy(buffer, bytes, length);
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)buffer[i] < 0x20 && buffer[i] != '\t') || buffer[i] == 0x7f)
            return kc_conf_fail(reader->error, KC_CONFIG_INVALID,
                "control character 0x%02x at column %zu%s", (unsigned char)buffer[i], i + 1,
                buffer[i] == '\r' ? "; lines end with a newline alone" : "");
    char *line = trim(buffer, &length);
    if (length == 0 || line[0] == '#')
        return KC_OK;
    return line[0] == '[' ? read_section(reader, line, length) : read_pair(reader, line, length);
}

enum kc_status kc_conf_parse(const char *bytes, size_t length, kc_conf_handler *handler,
    void *userdata, struct kc_conf_error *ret_error)
{
    struct reader reader = {.handler = handler, .userdata = userdata, .error = ret_error};
    ret_error->section[0] = 0;
    for (size_t start = 0; start < length;) {
        const char *newline = memchr(bytes + start, '\n', length - start);
        size_t end = newline ? (size_t)(newline - bytes) : length;
        enum kc_status status = read_line(&reader, bytes + start, end - start);
        if (status != KC_OK)
            return status;
        start = end + 1;
    }
    ret_error->line = 0;
    ret_error->section[0] = ret_error->key[0] = 0;
    return KC_OK;
}

static enum kc_status check_trust(int fd, uid_t owner, size_t max, struct kc_conf_error *error)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return kc_conf_fail(error, KC_SYSTEM, "cannot be examined: %s", strerrordesc_np(errno));
    if (!S_ISREG(st.st_mode))
        return kc_conf_fail(error, KC_CONFIG_UNTRUSTED, "is not a regular file");
    if (st.st_uid != owner)
        return kc_conf_fail(error, KC_CONFIG_UNTRUSTED, "belongs to uid %ju, it must be %ju's",
            (uintmax_t)st.st_uid, (uintmax_t)owner);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return kc_conf_fail(error, KC_CONFIG_UNTRUSTED, "can be written by others (mode %04o)",
            (unsigned)st.st_mode & 07777);
    if (st.st_size < 0 || (uintmax_t)st.st_size > max)
        return kc_conf_fail(error, KC_CONFIG_INVALID, "has more than %zu bytes", max);
    return KC_OK;
}

enum kc_status kc_conf_read(const char *path, uid_t owner, size_t max, char **ret_bytes,
    size_t *ret_length, struct kc_conf_error *ret_error)
{
    *ret_error = (struct kc_conf_error){0};
    kc_conf_error_file(ret_error, path);
    KC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT)
        return kc_conf_fail(ret_error, KC_NOT_FOUND, "there is no such file");
    if (fd < 0 && errno == ELOOP)
        return kc_conf_fail(ret_error, KC_CONFIG_UNTRUSTED, "is a symbolic link");
    if (fd < 0)
        return kc_conf_fail(ret_error, KC_SYSTEM, "cannot be opened: %s", strerrordesc_np(errno));
    enum kc_status status = check_trust(fd, owner, max, ret_error);
    if (status != KC_OK)
        return status;
    KC_AUTO_FREE char *bytes = malloc(max + 1);
    if (!bytes)
        return kc_conf_fail(ret_error, KC_NO_MEMORY, "no memory to read it");
    size_t length = 0;
    for (;;) {
        ssize_t got = read(fd, bytes + length, max + 1 - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kc_conf_fail(ret_error, KC_SYSTEM, "cannot be read: %s", strerrordesc_np(errno));
        if (got == 0)
            break;
        length += (size_t)got;
        if (length > max)
            return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "has more than %zu bytes", max);
    }
    bytes[length] = 0;
    *ret_bytes = KC_TAKE(bytes);
    *ret_length = length;
    return KC_OK;
}
