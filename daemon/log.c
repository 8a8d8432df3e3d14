/*
 * The daemon's log.
 * Used by handlers.
 * Must never break a line in two, whatever a name or an error text contains.
 */
#include "daemon/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 4096

/* Whoever reads the log may have stopped, with the pipe or socket full: nobody waits for that. */
static bool is_writable(void)
{
    struct pollfd log = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&log, 1, 0) == 1 && (log.revents & POLLOUT);
}

/* A log that cannot be written must not stop a login; what was lost is told when it can be. */
static void put(const char *line, size_t length)
{
    static unsigned long lost;
    bool written = is_writable();
    if (written && lost) {
        char text[64];
        int size = snprintf(text, sizeof text, "log lost=%lu\n", lost);
        written = size > 0 && write(STDERR_FILENO, text, (size_t)size) == size && is_writable();
        if (written)
            lost = 0;
    }
    written = written && write(STDERR_FILENO, line, length) == (ssize_t)length;
    if (!written)
        lost++;
}

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
    put(line, length);
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
