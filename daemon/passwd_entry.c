/*
 * The passwd entry of a realm user: what the realm says, what the configuration adds, and why a
 * user has none.
 * Used by directory.c.
 * Must never make an entry with an id out of the host bounds, or a field that a passwd file could
 * read as something else.
 */
#include "daemon/passwd_entry.h"

#include "common/field.h"
#include "common/name.h"
#include "daemon/config.h"

#include <string.h>

#define FIELD_SIZE 256u

bool passwd_entry_read_id(const char *text, uint32_t *ret_id)
{
    uint64_t id = 0;
    const size_t length = strnlen(text, 11);
    if (length == 0 || length > 10 || (length > 1 && text[0] == '0'))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        id = id * 10 + (uint64_t)(text[i] - '0');
    }
    if (id > UINT32_MAX)
        return false;
    *ret_id = (uint32_t)id;
    return true;
}

static enum kc_status choose_uid(
    const struct person *person, const struct passwd_entry_rules *rules, struct passwd_entry *entry)
{
    entry->uid_source = ENTRY_ATTRIBUTE;
    if (!person->uid) {
        if (rules->allocated_uid == 0)
            return KC_ENTRY_NO_UID;
        entry->uid = rules->allocated_uid;
        entry->uid_source = ENTRY_ALLOCATED;
    } else if (!passwd_entry_read_id(person->uid, &entry->uid))
        return KC_ENTRY_BAD_UID;
    return kc_bounds_id(rules->bounds, entry->uid) ? KC_OK : KC_ENTRY_BAD_UID;
}

static enum kc_status choose_gid(
    const struct person *person, const struct passwd_entry_rules *rules, struct passwd_entry *entry)
{
    entry->gid_source = ENTRY_ATTRIBUTE;
    if (!person->gid) {
        if (rules->primary_gid == 0)
            return KC_ENTRY_NO_GID;
        entry->gid = rules->primary_gid;
        entry->gid_source = ENTRY_GROUP;
    } else if (!passwd_entry_read_id(person->gid, &entry->gid))
        return KC_ENTRY_BAD_GID;
    return kc_bounds_id(rules->bounds, entry->gid) ? KC_OK : KC_ENTRY_BAD_GID;
}

/* Whether a field of a passwd line may hold the text; all fields fit a record of the snapshot. */
static bool is_field(const char *text)
{
    const size_t length = strnlen(text, FIELD_SIZE);
    return length < FIELD_SIZE && kc_field_valid(text, length);
}

/* Appends what a field may hold; the rest of the text is left out, byte by byte. */
static void append_clean(char field[KC_FIELD_MAX], const char *text)
{
    size_t length = strlen(field);
    for (; text && *text && length + 1 < FIELD_SIZE; text++)
        if ((unsigned char)*text >= ' ' && *text != 0x7f && *text != ':' && *text != ',')
            field[length++] = *text;
    field[length] = '\0';
}

/* A name that people read; a comma would end it in a gecos field. */
static void fill_gecos(const struct person *person, struct passwd_entry *entry)
{
    entry->gecos[0] = '\0';
    append_clean(entry->gecos, person->first_name);
    if (entry->gecos[0] && person->last_name && *person->last_name)
        append_clean(entry->gecos, " ");
    append_clean(entry->gecos, person->last_name);
}

/* Whether `path` may be a home below `prefix`, by the rule that the NSS module holds too. */
static bool is_home(const char *path, const char *prefix)
{
    return strnlen(path, FIELD_SIZE) < FIELD_SIZE &&
           kc_field_home(path, prefix, kc_field_prefix(prefix));
}

/* The template with the user's name for each %u. False: it does not fit. */
static bool expand(const char *template, const char *name, char ret_text[KC_FIELD_MAX])
{
    size_t length = 0;
    for (const char *at = template; *at; at++) {
        const bool is_name = at[0] == '%' && at[1] == 'u';
        const char *piece = is_name ? name : at;
        const size_t size = is_name ? strlen(name) : 1;
        if (length + size >= KC_FIELD_MAX)
            return false;
        memcpy(ret_text + length, piece, size);
        length += size;
        at += is_name;
    }
    ret_text[length] = '\0';
    return true;
}

static enum kc_status choose_home(
    const struct person *person, const struct passwd_entry_rules *rules, struct passwd_entry *entry)
{
    const char *prefix = rules->bounds->home_prefix;
    entry->home_source = ENTRY_ATTRIBUTE;
    if (person->home && is_home(person->home, prefix)) {
        memcpy(entry->home, person->home, strlen(person->home) + 1);
        return KC_OK;
    }
    entry->home_source = ENTRY_CONFIGURED;
    return expand(rules->directory->home, entry->name, entry->home) && is_home(entry->home, prefix)
               ? KC_OK
               : KC_CONFIG_INVALID;
}

static bool is_shell(const char *shell, const char *const *shells)
{
    for (; shells && *shells; shells++)
        if (strcmp(shell, *shells) == 0)
            return true;
    return false;
}

static enum kc_status choose_shell(
    const struct person *person, const struct passwd_entry_rules *rules, struct passwd_entry *entry)
{
    const bool own =
        person->shell && is_field(person->shell) && is_shell(person->shell, rules->shells);
    const char *shell = own ? person->shell : rules->directory->shell;
    entry->shell_source = own ? ENTRY_ATTRIBUTE : ENTRY_CONFIGURED;
    if (!is_field(shell))
        return KC_CONFIG_INVALID;
    memcpy(entry->shell, shell, strlen(shell) + 1);
    return KC_OK;
}

enum kc_status passwd_entry_make(const struct person *person,
    const struct passwd_entry_rules *rules, struct passwd_entry *ret_entry)
{
    struct passwd_entry entry = {0};
    const size_t length = strlen(person->username);
    if (!kc_name_valid_user(person->username, length))
        return KC_USER_UNKNOWN;
    memcpy(entry.name, person->username, length + 1);
    enum kc_status status = choose_uid(person, rules, &entry);
    if (status == KC_OK)
        status = choose_gid(person, rules, &entry);
    if (status == KC_OK)
        status = choose_home(person, rules, &entry);
    if (status == KC_OK)
        status = choose_shell(person, rules, &entry);
    if (status != KC_OK)
        return status;
    fill_gecos(person, &entry);
    *ret_entry = entry;
    return KC_OK;
}

bool passwd_entry_fits(const struct passwd_entry *entry, const struct passwd_entry_rules *rules)
{
    return kc_bounds_id(rules->bounds, entry->uid) && kc_bounds_id(rules->bounds, entry->gid) &&
           is_home(entry->home, rules->bounds->home_prefix) && is_field(entry->gecos) &&
           (strcmp(entry->shell, rules->directory->shell) == 0 ||
               is_shell(entry->shell, rules->shells));
}
