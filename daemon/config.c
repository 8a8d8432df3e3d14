/*
 * The daemon's configuration: reading, secrets, lifetime.
 * Used by every part of the daemon.
 * Must never give out a configuration of which any line was not understood.
 */
#include "daemon/config.h"

#include "common/name.h"
#include "daemon/config_check.h"
#include "daemon/options.h"
#include "daemon/secret_file.h"

#include <stdlib.h>
#include <string.h>

#define SECTIONS_MAX 256u /* of [access NAME], and of [caller NAME] */

/* A file while it is read. */
struct load {
    struct config *config;
    struct config_marks marks;
    const struct config_section *section; /* NULL: before the first */
    void *base;                           /* the struct that the section's options are in */
    unsigned *lines;                      /* marks.option of the section */
};

static void free_access(struct access_section *access)
{
    kc_options_free(&config_sections[CONFIG_ACCESS].table, access);
    free(access->name);
}

static void free_caller(struct config_caller *caller)
{
    kc_options_free(&config_sections[CONFIG_CALLER].table, caller);
    free(caller->name);
}

static void free_client(struct config_client *client)
{
    kc_secret_wipe(&client->secret);
    kc_secret_wipe(&client->key);
}

struct config *config_ref(struct config *config)
{
    config->references++;
    return config;
}

void config_unref(struct config *config)
{
    if (!config || --config->references)
        return;
    for (size_t i = 0; i < CONFIG_SECTIONS; i++)
        if (config_sections[i].naming == CONFIG_PLAIN)
            kc_options_free(&config_sections[i].table, (char *)config + config_sections[i].offset);
    for (size_t i = 0; i < config->access_count; i++)
        free_access(&config->access[i]);
    for (size_t i = 0; i < config->caller_count; i++)
        free_caller(&config->callers[i]);
    free_client(&config->realm.client);
    free_client(&config->directory.client);
    free(config->access);
    free(config->callers);
    free(config);
}

static enum kc_status config_new(struct config **ret_config)
{
    CONFIG_AUTO struct config *config = calloc(1, sizeof *config);
    if (!config)
        return KC_NO_MEMORY;
    config->references = 1;
    for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
        const struct config_section *section = &config_sections[i];
        if (section->naming != CONFIG_PLAIN)
            continue;
        enum kc_status status = kc_options_init(&section->table, (char *)config + section->offset);
        if (status != KC_OK)
            return status;
    }
    *ret_config = KC_TAKE(config);
    return KC_OK;
}

static bool same_name(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static enum kc_status twice(struct kc_conf_error *error, unsigned line)
{
    return kc_conf_fail(
        error, KC_CONFIG_INVALID, "this section stands twice, first in line %u", line);
}

static enum kc_status too_many(struct kc_conf_error *error)
{
    return kc_conf_fail(
        error, KC_CONFIG_INVALID, "there are more than %u of these sections", SECTIONS_MAX);
}

/* Another section would decide in its place, and may let more people in. */
static bool names_no_service(const char *name)
{
    return name && strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

static enum kc_status begin_access(
    struct load *load, const struct kc_conf_item *item, struct kc_conf_error *ret_error)
{
    struct config *config = load->config;
    if (names_no_service(item->name))
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID,
            "PAM knows services in small letters alone, so no login would come here");
    for (size_t i = 0; i < config->access_count; i++)
        if (same_name(config->access[i].name, item->name))
            return twice(ret_error, config->access[i].line);
    if (config->access_count >= SECTIONS_MAX)
        return too_many(ret_error);
    KC_AUTO_FREE char *name = item->name ? strdup(item->name) : NULL;
    struct access_section *grown =
        realloc(config->access, (config->access_count + 1) * sizeof *grown);
    if (grown)
        config->access = grown;
    if (!grown || (item->name && !name))
        return kc_conf_fail(ret_error, KC_NO_MEMORY, "no memory");
    struct access_section *access = &grown[config->access_count++];
    *access = (struct access_section){.name = KC_TAKE(name), .line = item->line};
    load->base = access;
    return kc_options_init(&load->section->table, access);
}

static enum kc_status begin_caller(
    struct load *load, const struct kc_conf_item *item, struct kc_conf_error *ret_error)
{
    struct config *config = load->config;
    if (!kc_name_valid_group(item->name, strlen(item->name)))
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "must name a local user");
    if (strcmp(item->name, "root") == 0)
        return kc_conf_fail(
            ret_error, KC_CONFIG_INVALID, "root needs no section: it uses the privileged socket");
    for (size_t i = 0; i < config->caller_count; i++)
        if (same_name(config->callers[i].name, item->name))
            return twice(ret_error, config->callers[i].line);
    if (config->caller_count >= SECTIONS_MAX)
        return too_many(ret_error);
    KC_AUTO_FREE char *name = strdup(item->name);
    struct config_caller *grown =
        realloc(config->callers, (config->caller_count + 1) * sizeof *grown);
    if (grown)
        config->callers = grown;
    if (!grown || !name)
        return kc_conf_fail(ret_error, KC_NO_MEMORY, "no memory");
    struct config_caller *caller = &grown[config->caller_count++];
    *caller = (struct config_caller){.name = KC_TAKE(name), .line = item->line};
    load->base = caller;
    return kc_options_init(&load->section->table, caller);
}

static enum kc_status begin_plain(
    struct load *load, size_t id, const struct kc_conf_item *item, struct kc_conf_error *ret_error)
{
    if (load->marks.section[id])
        return twice(ret_error, load->marks.section[id]);
    load->marks.section[id] = item->line;
    load->base = (char *)load->config + load->section->offset;
    return KC_OK;
}

static enum kc_status begin_section(
    struct load *load, const struct kc_conf_item *item, struct kc_conf_error *ret_error)
{
    size_t id = 0;
    while (id < CONFIG_SECTIONS && strcmp(config_sections[id].name, item->section) != 0)
        id++;
    if (id == CONFIG_SECTIONS)
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID,
            "no such section; there are realm, directory, groups, access, limits, caller and "
            "offline");
    load->section = &config_sections[id];
    load->lines = load->marks.option[id];
    if (load->section->naming == CONFIG_PLAIN && item->name)
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "this section takes no name");
    if (load->section->naming == CONFIG_NAMED && !item->name)
        return kc_conf_fail(
            ret_error, KC_CONFIG_INVALID, "this section needs a name: [%s NAME]", item->section);
    memset(load->lines, 0, sizeof load->marks.option[id]);
    if (id == CONFIG_ACCESS)
        return begin_access(load, item, ret_error);
    if (id == CONFIG_CALLER)
        return begin_caller(load, item, ret_error);
    return begin_plain(load, id, item, ret_error);
}

/* What people try first; the answer says where a secret goes. */
static bool is_secret_key(const char *key)
{
    static const char *const keys[] = {"client_secret", "client_password", "client_key", "secret",
        "password", "client_private_key"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

static enum kc_status take_item(
    void *userdata, const struct kc_conf_item *item, struct kc_conf_error *ret_error)
{
    struct load *load = userdata;
    if (!item->key)
        return begin_section(load, item, ret_error);
    if (is_secret_key(item->key))
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID,
            "no secret stands in this file; put it into a file of its own and name that with "
            "client_secret_file or client_key_file");
    if (!load->section)
        return kc_conf_fail(ret_error, KC_CONFIG_INVALID, "stands before the first [section]");
    return kc_option_take(&load->section->table, load->base, load->lines, item, ret_error);
}

static enum kc_status load_client(const struct config_source *source,
    const struct config_marks *marks, enum config_section_id section, struct config_client *client,
    struct kc_conf_error *ret_error)
{
    enum kc_status status = KC_OK;
    if (client->secret_file) {
        config_marks_show(marks, section, "client_secret_file", ret_error);
        status = secret_file_read_text(source, client->secret_file, &client->secret, ret_error);
    }
    if (status == KC_OK && client->key_file) {
        config_marks_show(marks, section, "client_key_file", ret_error);
        status = secret_file_read_key(source, client->key_file, &client->key, ret_error);
    }
    if (status == KC_OK && client->certificate_file) {
        config_marks_show(marks, section, "client_certificate_file", ret_error);
        status = secret_file_examine(source, client->certificate_file, ret_error);
    }
    return status;
}

static enum kc_status load_files(
    const struct config_source *source, struct load *load, struct kc_conf_error *ret_error)
{
    struct config *config = load->config;
    enum kc_status status =
        load_client(source, &load->marks, CONFIG_REALM, &config->realm.client, ret_error);
    if (status == KC_OK && config->realm.ca_file) {
        config_marks_show(&load->marks, CONFIG_REALM, "ca_file", ret_error);
        status = secret_file_examine(source, config->realm.ca_file, ret_error);
    }
    if (status == KC_OK)
        status = load_client(
            source, &load->marks, CONFIG_DIRECTORY, &config->directory.client, ret_error);
    return status;
}

/* Reads and checks the text; load->config is then the caller's. */
static enum kc_status parse(
    const char *bytes, size_t length, struct load *load, struct kc_conf_error *ret_error)
{
    CONFIG_AUTO struct config *config = NULL;
    if (config_new(&config) != KC_OK) {
        (void)kc_conf_fail(ret_error, KC_NO_MEMORY, "no memory");
        return KC_NO_MEMORY;
    }
    *load = (struct load){.config = config};
    enum kc_status status = kc_conf_parse(bytes, length, take_item, load, ret_error);
    if (status == KC_OK)
        status = config_check(config, &load->marks, ret_error);
    load->config = status == KC_OK ? KC_TAKE(config) : NULL;
    return status;
}

enum kc_status config_parse(
    const char *bytes, size_t length, struct config **ret_config, struct kc_conf_error *ret_error)
{
    struct load load = {0};
    enum kc_status status = parse(bytes, length, &load, ret_error);
    if (status == KC_OK)
        *ret_config = load.config;
    return status;
}

enum kc_status config_load(
    const struct config_source *source, struct config **ret_config, struct kc_conf_error *ret_error)
{
    KC_AUTO_FREE char *bytes = NULL;
    size_t length = 0;
    struct load load = {0};
    enum kc_status status =
        kc_conf_read(source->path, source->owner, KC_CONF_FILE_MAX, &bytes, &length, ret_error);
    if (status != KC_OK)
        return status == KC_NOT_FOUND ? KC_CONFIG_INVALID : status;
    status = parse(bytes, length, &load, ret_error);
    if (status != KC_OK)
        return status;
    CONFIG_AUTO struct config *config = load.config;
    status = load_files(source, &load, ret_error);
    if (status == KC_OK)
        *ret_config = KC_TAKE(config);
    return status;
}
