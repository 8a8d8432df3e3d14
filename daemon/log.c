/*
 * The daemon's log.
 * Used by handlers.
 * Must never break a line in two, whatever a name or an error text contains.
 */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 4096

void log_line(int priority, const char *format, ...)
{
    char line[LINE_SIZE];
    int head = getenv("JOURNAL_STREAM") ? snprintf(line, sizeof line, "<%d>", priority) : 0;
    if (head < 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    int body = vsnprintf(line + head, sizeof line - (size_t)head - 1, format, arguments);
    va_end(arguments);
    if (body < 0)
        return;
    size_t length = strlen(line);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    line[length++] = '\n';
    /* A log that cannot be written must not stop a login. */
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
}

static int harmless(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte && strchr("._-:/@+", byte));
}

const char *log_value(const char *value, char ret_value[LOG_VALUE_SIZE])
{
    size_t plain = 0;
    while (harmless((unsigned char)value[plain]))
        plain++;
    if (!value[plain] && plain && plain < LOG_VALUE_SIZE) {
        memcpy(ret_value, value, plain + 1);
        return ret_value;
    }
    if (!*value)
        return memcpy(ret_value, "-", 2);
    size_t at = 0;
    ret_value[at++] = '"';
    for (; *value && at + 6 < LOG_VALUE_SIZE; value++) {
        unsigned char byte = (unsigned char)*value;
        if (byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\')
            ret_value[at++] = (char)byte;
        else
            at += (size_t)snprintf(ret_value + at, 5, "\\x%02x", byte);
    }
    ret_value[at++] = '"';
    ret_value[at] = 0;
    return ret_value;
}
