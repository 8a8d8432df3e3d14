/*
 * Import: a realm export file becomes a realm in memory.
 * Used by main and by the tests.
 * Never invents: what the file leaves out is what Keycloak makes of its absence.
 */
#include "realm/import.h"

#include "common/cleanup.h"
#include "realm/builtin.h"
#include "realm/import_client.h"
#include "realm/import_user.h"
#include "realm/people.h"
#include "realm/represent.h"
#include "realm/roles.h"
#include "realm/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_LIMIT = 64 << 20, DEPTH_LIMIT = 32 };

static enum kc_status read_file(const char *path, char **ret_text, size_t *ret_length)
{
    int fd KC_AUTO_CLOSE = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        return KC_NOT_FOUND;
    if (about.st_size > FILE_LIMIT)
        return KC_TOO_LARGE;
    size_t size = (size_t)about.st_size, have = 0;
    char *text KC_AUTO_FREE = realm_text_room(size + 1, 1);
    while (have < size) {
        ssize_t got = read(fd, text + have, size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return KC_SYSTEM;
        have += (size_t)got;
    }
    *ret_text = KC_TAKE(text);
    *ret_length = size;
    return KC_OK;
}

static enum kc_status parse(const char *text, size_t length, struct json_object **ret_object)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH_LIMIT);
    if (tokener == NULL)
        return KC_NO_MEMORY;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *object = json_tokener_parse_ex(tokener, text, (int)length);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    json_tokener_free(tokener);
    if (error != json_tokener_success || !json_object_is_type(object, json_type_object)) {
        json_object_put(object);
        return KC_MALFORMED;
    }
    *ret_object = object;
    return KC_OK;
}

static struct realm_role *make_role(
    struct realm *realm, struct realm_client *client, const char *name)
{
    struct realm_role *role = realm_role_find(realm, client, name);
    if (role != NULL)
        return role;
    role = realm_text_room(1, sizeof(*role));
    role->name = name;
    role->client = client;
    role->index = realm->role_count;
    realm_text_uuid(role->uuid);
    realm->roles = realm_text_grow(realm->roles, realm->role_count + 1, sizeof(*realm->roles));
    realm->roles[realm->role_count++] = role;
    return role;
}

static void add_part(struct realm_role *role, struct realm_role *part)
{
    if (part == NULL)
        return;
    role->parts = realm_text_grow(role->parts, role->part_count + 1, sizeof(struct realm_role *));
    role->parts[role->part_count++] = part;
}

static void link_parts(struct realm *realm, struct realm_role *role, struct json_object *composites)
{
    struct json_object *of_realm = realm_json_member(composites, "realm");
    for (size_t i = 0; i < realm_json_length(of_realm); i++)
        add_part(role, realm_role_find(realm, NULL,
                           json_object_get_string(json_object_array_get_idx(of_realm, i))));
    struct json_object *of_clients = realm_json_member(composites, "client");
    if (!json_object_is_type(of_clients, json_type_object))
        return;
    json_object_object_foreach(of_clients, client, names)
    {
        for (size_t i = 0; i < realm_json_length(names); i++)
            add_part(role, realm_role_find(realm, realm_client_of(realm, client),
                               json_object_get_string(json_object_array_get_idx(names, i))));
    }
}

/* First the names of a list of roles, then, on a second pass, what they are composed of. */
static void roles_of(
    struct realm *realm, struct realm_client *client, struct json_object *list, bool second_pass)
{
    for (size_t i = 0; i < realm_json_length(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        const char *name = realm_json_text(entry, "name", NULL);
        if (name == NULL)
            continue;
        struct realm_role *role = make_role(realm, client, name);
        role->description = realm_json_text(entry, "description", role->description);
        if (second_pass)
            link_parts(realm, role, realm_json_member(entry, "composites"));
    }
}

static void import_roles(struct realm *realm, struct json_object *file, bool second_pass)
{
    struct json_object *roles = realm_json_member(file, "roles");
    roles_of(realm, NULL, realm_json_member(roles, "realm"), second_pass);
    struct json_object *clients = realm_json_member(roles, "client");
    if (!json_object_is_type(clients, json_type_object))
        return;
    json_object_object_foreach(clients, id, list)
    {
        struct realm_client *client = realm_client_of(realm, id);
        if (client != NULL)
            roles_of(realm, client, list, second_pass);
    }
}

static void import_groups(struct realm *realm, struct realm_group *parent, struct json_object *list)
{
    for (size_t i = 0; i < realm_json_length(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        struct realm_group *group =
            realm_people_group(realm, parent, realm_json_text(entry, "name", ""));
        group->attributes = realm_json_member(entry, "attributes");
        realm_import_role_list(realm, realm_json_member(entry, "realmRoles"),
            realm_json_member(entry, "clientRoles"), &group->roles, &group->role_count);
        import_groups(realm, group, realm_json_member(entry, "subGroups"));
    }
}

static void import_policy(struct realm *realm, struct json_object *file)
{
    realm->policy = (struct realm_policy){
        .brute_force = realm_json_flag(file, "bruteForceProtected", false),
        .permanent_lockout = realm_json_flag(file, "permanentLockout", false),
        .email_login = realm_json_flag(file, "loginWithEmailAllowed", true),
        .otp_reusable = realm_json_flag(file, "otpPolicyCodeReusable", false),
        .failure_factor = (unsigned)realm_json_number(file, "failureFactor", 30),
        .wait_increment = realm_json_number(file, "waitIncrementSeconds", 60),
        .wait_max = realm_json_number(file, "maxFailureWaitSeconds", 900),
        .delta_max = realm_json_number(file, "maxDeltaTimeSeconds", 43200),
        .quick_check_ms = realm_json_number(file, "quickLoginCheckMilliSeconds", 1000),
        .quick_wait = realm_json_number(file, "minimumQuickLoginWaitSeconds", 60),
        .token_lifespan = realm_json_number(file, "accessTokenLifespan", 300),
        .session_idle = realm_json_number(file, "ssoSessionIdleTimeout", 1800),
        .session_max = realm_json_number(file, "ssoSessionMaxLifespan", 36000),
        .otp_window = (unsigned)realm_json_number(file, "otpPolicyLookAheadWindow", 1),
        .https_required = realm_text_same(realm_json_text(file, "sslRequired", "external"), "all"),
    };
    realm->policy_of_file = realm->policy;
}

static struct json_object *builtin(const char *format, const char *name)
{
    char *lower KC_AUTO_FREE = realm_text_copy(name);
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    /* the one %s of the format is the realm's name */
    const char *hole = strstr(format, "%s");
    char *text KC_AUTO_FREE =
        hole ? realm_text_format("%.*s%s%s", (int)(hole - format), format, lower, hole + 2)
             : realm_text_copy(format);
    struct json_object *object = NULL;
    if (parse(text, strlen(text), &object) != KC_OK)
        abort();
    return object;
}

static void import_all(struct realm *realm, struct json_object *file)
{
    struct json_object *made = builtin(realm_builtin_format, realm->name);
    struct json_object *scopes = file;
    json_object_object_add(file, " made", made);
    if (realm_json_member(file, "clientScopes") == NULL) {
        scopes = builtin(realm_builtin_scopes, realm->name);
        json_object_object_add(file, " scopes", scopes);
    }
    realm_import_scopes(realm, scopes);
    /* Keycloak gives its own clients no scope where the file brings the scopes */
    realm_import_clients(realm, made, scopes == file ? NULL : scopes);
    realm_import_clients(realm, file, scopes);
    import_roles(realm, made, false);
    for (size_t i = 0; i < realm->role_count; i++)
        realm->roles[i]->builtin = true;
    import_roles(realm, file, false);
    import_roles(realm, made, true);
    import_roles(realm, file, true);
    realm_import_scope_roles(realm, scopes);
    if (scopes != file)
        realm_import_scope_roles(realm, file);
    import_groups(realm, NULL, realm_json_member(file, "groups"));
    realm_import_users(realm, file);
    realm_people_arrange(realm);
}

static enum kc_status refuse(const char *name, enum kc_status status, char **ret_reason)
{
    *ret_reason = realm_text_format("%s: %s", name,
        status == KC_MALFORMED        ? "not a JSON object"
        : status == KC_CONFIG_INVALID ? "no realm in it"
        : status == KC_TOO_LARGE      ? "too large"
                                      : "cannot be read");
    return status == KC_CONFIG_INVALID ? KC_MALFORMED : status;
}

enum kc_status realm_import_text(const char *text, size_t length, const char *name,
    enum realm_likeness like, struct realm **ret_realm, char **ret_reason)
{
    struct json_object *file = NULL;
    enum kc_status status = parse(text, length, &file);
    if (status != KC_OK)
        return refuse(name, status, ret_reason);
    const char *realm_name = realm_json_text(file, "realm", NULL);
    if (realm_name == NULL || *realm_name == '\0' || strpbrk(realm_name, "/\"\\") != NULL) {
        json_object_put(file);
        return refuse(name, KC_CONFIG_INVALID, ret_reason);
    }
    struct realm *realm = realm_text_room(1, sizeof(*realm));
    pthread_mutex_init(&realm->lock, NULL);
    realm->like = like;
    realm->file = file;
    realm->name = realm_text_copy(realm_name);
    realm_text_uuid(realm->uuid);
    realm->profile = realm_represent_profile(realm);
    realm->spent = json_object_new_object();
    realm->revoked = json_object_new_object();
    import_policy(realm, file);
    import_all(realm, file);
    realm_import_again(realm);
    *ret_realm = realm;
    return KC_OK;
}

enum kc_status realm_import(
    const char *path, enum realm_likeness like, struct realm **ret_realm, char **ret_reason)
{
    char *text KC_AUTO_FREE = NULL;
    size_t length = 0;
    enum kc_status status = read_file(path, &text, &length);
    if (status != KC_OK)
        return refuse(path, status, ret_reason);
    return realm_import_text(text, length, path, like, ret_realm, ret_reason);
}

void realm_import_again(struct realm *realm)
{
    realm->policy = realm->policy_of_file;
    realm->enabled = realm_json_flag(realm->file, "enabled", false);
    realm->not_before = realm_json_number(realm->file, "notBefore", 0);
    realm_people_again(realm);
    for (size_t i = 0; i < realm->user_count; i++)
        realm_import_user_again(realm->users[i]);
}

static void free_lists(struct realm *realm)
{
    for (size_t i = 0; i < realm->role_count; i++) {
        free(realm->roles[i]->parts);
        free(realm->roles[i]);
    }
    for (size_t i = 0; i < realm->scope_count; i++) {
        free(realm->scopes[i]->roles);
        free(realm->scopes[i]);
    }
    free(realm->roles);
    free(realm->scopes);
}

void realm_free(struct realm *realm)
{
    if (realm == NULL)
        return;
    free_lists(realm);
    realm_import_free_clients(realm);
    realm_people_free(realm);
    json_object_put(realm->profile);
    json_object_put(realm->spent);
    json_object_put(realm->revoked);
    json_object_put(realm->file);
    pthread_mutex_destroy(&realm->lock);
    free(realm->name);
    free(realm);
}
