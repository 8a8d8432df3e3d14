/*
 * The option tables against man/kclogin.conf.5: each option stands in the page under its section,
 * with the table's own meaning, syntax, default and state; and the page has no other option.
 */
#include "common/bounds.h"
#include "daemon/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINES_MAX 2000u

static char *lines[LINES_MAX];
static size_t line_count;

static int read_page(void **state)
{
    (void)state;
    char path[1024];
    const char *srcdir = getenv("srcdir");
    snprintf(path, sizeof path, "%s/man/kclogin.conf.5", srcdir ? srcdir : ".");
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    char *line = NULL;
    size_t room = 0;
    while (line_count < LINES_MAX && getline(&line, &room, file) >= 0) {
        line[strcspn(line, "\n")] = 0;
        lines[line_count++] = strdup(line);
    }
    free(line);
    return fclose(file);
}

static int free_page(void **state)
{
    (void)state;
    while (line_count)
        free(lines[--line_count]);
    return 0;
}

/* The index of a line between `from` and `to`, or `to`. */
static size_t find(size_t from, size_t to, const char *text)
{
    while (from < to && strcmp(lines[from], text) != 0)
        from++;
    return from;
}

/* The end of the section that begins at `from`: the next heading. */
static size_t section_end(size_t from)
{
    size_t at = from + 1;
    while (
        at < line_count && strncmp(lines[at], ".Ss ", 4) != 0 && strncmp(lines[at], ".Sh ", 4) != 0)
        at++;
    return at;
}

static void expect_option(size_t from, size_t to, const struct kc_option *option)
{
    char text[512], syntax[400];
    snprintf(text, sizeof text, ".It Ic %s%s", option->name,
        option->type == KC_OPTION_MAP ? ".NAME" : "");
    size_t at = find(from, to, text);
    if (at + 4 >= to)
        fail_msg("the page has no line '%s' in its section", text);
    assert_string_equal(lines[at + 1], option->meaning);
    kc_option_syntax(option, syntax, sizeof syntax);
    snprintf(text, sizeof text, "Value: %s.", syntax);
    assert_string_equal(lines[at + 2], text);
    snprintf(text, sizeof text, "Default: %s.", option->fallback ? option->fallback : "none");
    assert_string_equal(lines[at + 3], text);
    bool later = strcmp(lines[at + 4], "Without effect in this version.") == 0;
    if (later != option->later)
        fail_msg("%s: the page and the table differ in whether it has an effect", option->name);
}

static void expect_section(const char *heading, const struct kc_option_table *table)
{
    size_t from = find(0, line_count, heading), items = 0;
    if (from == line_count)
        fail_msg("the page has no line '%s'", heading);
    size_t to = section_end(from);
    for (size_t i = 0; i < table->count; i++)
        expect_option(from, to, &table->options[i]);
    for (size_t at = from; at < to; at++)
        items += strncmp(lines[at], ".It Ic ", 7) == 0;
    assert_int_equal(items, table->count);
}

static void test_host_conf(void **state)
{
    (void)state;
    expect_section(".Sh HOST.CONF", &kc_bounds_options);
}

static void test_sections(void **state)
{
    (void)state;
    size_t sections = 0;
    for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
        const struct config_section *section = &config_sections[i];
        char heading[128];
        if (section->naming == CONFIG_PLAIN)
            snprintf(heading, sizeof heading, ".Ss [%s]", section->name);
        else if (section->naming == CONFIG_NAMED)
            snprintf(heading, sizeof heading, ".Ss [%s NAME]", section->name);
        else
            snprintf(
                heading, sizeof heading, ".Ss [%s] and [%s NAME]", section->name, section->name);
        expect_section(heading, &section->table);
    }
    for (size_t at = 0; at < line_count; at++)
        sections += strncmp(lines[at], ".Ss [", 5) == 0;
    assert_int_equal(sections, CONFIG_SECTIONS);
}

/* The tables themselves: what a reader needs is there, and every default is a value. */
static void test_tables(void **state)
{
    (void)state;
    for (size_t s = 0; s < CONFIG_SECTIONS; s++) {
        const struct kc_option_table *table = &config_sections[s].table;
        for (size_t i = 0; i < table->count; i++) {
            const struct kc_option *option = &table->options[i];
            size_t length = strlen(option->meaning);
            assert_true(length > 10 && length < 100 && option->meaning[length - 1] == '.');
            assert_true(kc_option_find(table, option->name) == i || option->type == KC_OPTION_MAP);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_conf),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, read_page, free_page);
}
