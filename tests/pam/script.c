/*
 * Test scripts: reading lines and words.
 * A word may be quoted; \xHH, \n, \t, \\ and \" stand for bytes in it. `#` begins a comment.
 */
#include "tests/pam/play.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct script *play_script;

void play_fail(const struct line *line, const char *format, ...)
{
    va_list arguments;
    if (play.quiet)
        _exit(1);
    fprintf(stderr, "%s:%d: ", play_script ? play_script->path : "?", line ? line->number : 0);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static char unescape(const char **from)
{
    const char *at = *from;
    char pair[3] = {0};
    if (*at != '\\') {
        *from = at + 1;
        return *at;
    }
    switch (at[1]) {
    case 'x':
        memcpy(pair, at + 2, 2);
        *from = at + 4;
        return (char)strtoul(pair, NULL, 16);
    case 'n':
        *from = at + 2;
        return '\n';
    case 't':
        *from = at + 2;
        return '\t';
    default:
        *from = at + 2;
        return at[1];
    }
}

/* `key="a b"` is one word, too. */
static char *read_word(const char **from)
{
    char word[PLAY_LINE_MAX];
    size_t length = 0;
    bool quoted = false;
    while (**from && (quoted || (**from != ' ' && **from != '\t'))) {
        if (**from == '"') {
            quoted = !quoted;
            ++*from;
        } else {
            word[length++] = unescape(from);
        }
    }
    word[length] = 0;
    return strdup(word);
}

static void read_line(const char *text, struct line *line)
{
    const char *at = text + strspn(text, " \t");
    if (*at == '#')
        return;
    while (*at) {
        if (line->count == PLAY_WORDS_MAX)
            play_fail(line, "too many words");
        line->words[line->count++] = read_word(&at);
        at += strspn(at, " \t");
        if (line->count == 1)
            line->rest = strdup(at);
    }
}

void script_read(const char *path, struct script *ret_script)
{
    char text[PLAY_LINE_MAX];
    int number = 0;
    FILE *file = fopen(path, "re");
    if (!file) {
        perror(path);
        exit(99);
    }
    snprintf(ret_script->path, sizeof ret_script->path, "%s", path);
    play_script = ret_script;
    while (fgets(text, sizeof text, file)) {
        struct line *line = &ret_script->lines[ret_script->count];
        text[strcspn(text, "\n")] = 0;
        line->number = ++number;
        read_line(text, line);
        if (line->count && ++ret_script->count == PLAY_LINES_MAX)
            play_fail(line, "too many lines");
    }
    fclose(file);
}

const char *line_value(const struct line *line, size_t first, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = first; i < line->count; i++)
        if (strncmp(line->words[i], name, length) == 0 && line->words[i][length] == '=')
            return line->words[i] + length + 1;
    return NULL;
}

char *expand(const char *text)
{
    char *to = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&to, &size);
    while (*text) {
        unsigned byte;
        char letter;
        int count, used = 0;
        if (sscanf(text, "{%2x}%n", &byte, &used) == 1 && used == 4) {
            for (int i = 0; i < 32; i++)
                fprintf(out, "%02x", byte);
        } else if (sscanf(text, "{%c*%d}%n", &letter, &count, &used) == 2 && used) {
            for (int i = 0; i < count; i++)
                fputc(letter, out);
        } else {
            fputc(*text, out);
            used = 1;
        }
        text += used;
    }
    fclose(out);
    return to;
}
