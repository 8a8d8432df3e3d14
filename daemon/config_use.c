/*
 * The configuration in use: which section decides, who may call, and all of it as text.
 * Used by login.c, account.c, phases.c and kclogind -t.
 * Must never fall back: a section that is named and is not there decides nothing.
 */
#include "daemon/config.h"

#include "daemon/options.h"

#include <string.h>

static const struct access_section *find_access(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->access_count; i++) {
        const char *own = config->access[i].name;
        if (name ? own && strcmp(own, name) == 0 : !own)
            return &config->access[i];
    }
    return NULL;
}

const struct access_section *config_access(
    const struct config *config, const char *section, const char *service)
{
    if (section)
        return find_access(config, section);
    const struct access_section *named = service ? find_access(config, service) : NULL;
    return named ? named : find_access(config, NULL);
}

bool config_caller_may(const struct config *config, const char *caller, const char *service)
{
    for (size_t i = 0; i < config->caller_count; i++)
        if (strcmp(config->callers[i].name, caller) == 0)
            return kc_list_has(&config->callers[i].services, service);
    return false;
}

static void print_option(const struct kc_option *option, const void *base, FILE *file)
{
    char value[KC_CONF_LINE_MAX + KC_CONF_KEY_MAX + 8];
    const char *between = option->type == KC_OPTION_MAP ? "." : " = ";
    for (size_t at = 0; kc_option_value(option, base, at, value, sizeof value); at++)
        fprintf(file, "%s%s%s\n", option->name, between, value);
}

static void print_options(const struct kc_option_table *table, const void *base, FILE *file)
{
    size_t later = 0;
    for (size_t i = 0; i < table->count; i++)
        if (!table->options[i].later)
            print_option(&table->options[i], base, file);
    for (size_t i = 0; i < table->count; i++) {
        if (!table->options[i].later)
            continue;
        if (!later++)
            fputs("# without effect in this version:\n", file);
        print_option(&table->options[i], base, file);
    }
}

void config_print(const struct config *config, FILE *file)
{
    for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
        const struct config_section *section = &config_sections[i];
        if (section->naming != CONFIG_PLAIN)
            continue;
        struct kc_option_table table = section->table;
        /* A directory without a client of its own has no way to authenticate one either. */
        if (i == CONFIG_DIRECTORY && !config->directory.client.client_id)
            while (table.count && strncmp(table.options->name, "client_", 7) == 0) {
                table.options++;
                table.count--;
            }
        fprintf(file, "[%s]\n", section->name);
        print_options(&table, (const char *)config + section->offset, file);
    }
    for (size_t i = 0; i < config->access_count; i++) {
        const char *name = config->access[i].name;
        fprintf(file, "[access%s%s]\n", name ? " " : "", name ? name : "");
        print_options(&config_sections[CONFIG_ACCESS].table, &config->access[i], file);
    }
    for (size_t i = 0; i < config->caller_count; i++) {
        fprintf(file, "[caller %s]\n", config->callers[i].name);
        print_options(&config_sections[CONFIG_CALLER].table, &config->callers[i], file);
    }
}
