/*
 * kclogin ssh-keys: the SSH keys of a realm user, for sshd's AuthorizedKeysCommand.
 * Used by kclogin.c.
 * Must never print a key for an account of the host's own or of another directory, nor anything that
 * is not exactly a key: the daemon may have been replaced, and what stands here opens the door.
 */
#include "cli/ssh_keys.h"

#include "cli/exchange.h"
#include "common/bounds.h"
#include "common/name.h"
#include "common/paths.h"
#include "common/ssh_key.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#define KEYS_MAX 256u
#define NAME_SERVICE_SIZE 16384 /* bytes of an entry, where the host says nothing */

struct values {
    const char *user;
    const char *uid;
    const char *socket;
};

static const struct cli_option options[] = {
    {"USER", CLI_ARGUMENT, NULL, offsetof(struct values, user), true, "whose keys"},
    {"UID", CLI_ARGUMENT, NULL, offsetof(struct values, uid), false,
        "of the account that they are for [whose USER is here]"},
    {"socket", CLI_TEXT, "DIR", offsetof(struct values, socket), false,
        "the folder of the daemon's sockets [" KC_RUNDIR "]"},
};

static const char notes[] =
    "For sshd_config: AuthorizedKeysCommand and AuthorizedKeysCommandUser, with %u and %U,\n"
    "see kclogin(1).\n"
    "Exit status: 0, with the keys of somebody who may use them now, if there are any; 1 where\n"
    "nobody knows just now; 2 for usage. After 1 or 2 nothing stands on standard output.\n";

/* The keys so far, checked, one a line. */
struct keys {
    char *text;
    size_t length;
    uint32_t count;
};

static void keys_cleanup(struct keys *keys)
{
    free(keys->text);
}

/* Whether the realm may have a say in this name, by the host's own files alone. */
static enum kc_status check_name(const struct kc_bounds *bounds, const char *name)
{
    enum kc_account_kind kind;
    if (!kc_name_valid_user(name, strnlen(name, KC_LOOKUP_NAME_MAX)))
        return KC_NOT_OURS;
    const enum kc_status status =
        kc_bounds_account(bounds, kc_path_passwd(), kc_path_group(), name, &kind, NULL);
    if (status != KC_OK)
        return status;
    return kind == KC_ACCOUNT_ABSENT ? KC_OK : KC_NOT_OURS;
}

static bool read_uid(const char *text, uint32_t *ret_uid)
{
    uint64_t uid = 0;
    if (!*text || (*text == '0' && text[1]))
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        uid = uid * 10 + (uint64_t)(*text - '0');
        if (uid > UINT32_MAX)
            return false;
    }
    *ret_uid = (uint32_t)uid;
    return true;
}

/* Whose the name is by name service, in its order: several services may have it. */
static enum kc_status find_uid(const char *name, uint32_t *ret_uid)
{
    const long wanted = sysconf(_SC_GETPW_R_SIZE_MAX);
    const size_t size = wanted > NAME_SERVICE_SIZE ? (size_t)wanted : NAME_SERVICE_SIZE;
    KC_AUTO_FREE char *buffer = malloc(size);
    struct passwd entry, *found;
    if (!buffer)
        return KC_NO_MEMORY;
    const int error = getpwnam_r(name, &entry, buffer, size, &found);
    if (error != 0 && error != ENOENT)
        return KC_SYSTEM;
    if (!found)
        return KC_USER_UNKNOWN;
    *ret_uid = found->pw_uid;
    return KC_OK;
}

/* The account that the keys are for must be the realm's by its id, too: another directory may have
 * somebody of the same name. */
static enum kc_status check_account(
    const struct kc_bounds *bounds, const struct values *values, uint32_t *ret_uid)
{
    uint32_t uid;
    enum kc_status status = check_name(bounds, values->user);
    if (status != KC_OK)
        return status;
    if (values->uid && !read_uid(values->uid, &uid))
        return KC_MALFORMED;
    if (!values->uid)
        status = find_uid(values->user, &uid);
    if (status != KC_OK)
        return status;
    if (!kc_bounds_id(bounds, uid))
        return KC_NOT_OURS;
    *ret_uid = uid;
    return KC_OK;
}

static enum kc_status append(struct keys *keys, const char *text, size_t length)
{
    char key[KC_SSH_KEY_SIZE];
    if (kc_ssh_key_read(text, length, key) != KC_OK || strlen(key) != length)
        return KC_PROTOCOL;
    char *longer = realloc(keys->text, keys->length + length + 2);
    if (!longer)
        return KC_NO_MEMORY;
    keys->text = longer;
    keys->length += (size_t)snprintf(longer + keys->length, length + 2, "%s\n", key);
    keys->count++;
    return KC_OK;
}

/* One answer's part of the keys. */
static enum kc_status take(
    const char *name, uint32_t uid, const struct kc_wire_entry *entry, struct keys *keys)
{
    const char *text = (const char *)entry->list.bytes;
    if (strcmp(entry->name, name) != 0 || entry->total > KEYS_MAX ||
        entry->total < keys->count || entry->count > entry->total - keys->count)
        return KC_PROTOCOL;
    if (entry->uid != uid)
        return KC_NOT_OURS;
    for (uint32_t i = 0; i < entry->count; i++) {
        const size_t length = strlen(text);
        const enum kc_status status = append(keys, text, length);
        if (status != KC_OK)
            return status;
        text += length + 1;
    }
    return KC_OK;
}

/* Asks until all keys are there; a change meanwhile is found by the next login. */
static enum kc_status gather(const struct values *values, struct keys *keys)
{
    const int64_t deadline = kc_now_ms() + KC_LOOKUP_MS;
    KC_AUTO_BOUNDS struct kc_bounds *bounds = NULL;
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    struct kc_wire_reply reply = {0};
    struct kc_conf_error error;
    uint32_t uid = 0;
    enum kc_status status = kc_bounds_load(kc_path_host_conf(), kc_path_owner(), &bounds, &error);
    if (status == KC_OK)
        status = check_account(bounds, values, &uid);
    do {
        struct kc_wire_request request = {
            .type = KC_WIRE_LOOKUP, .lookup = {.kind = KC_LOOKUP_KEYS, .skip = keys->count}};
        const int64_t left = deadline - kc_now_ms();
        if (status == KC_OK && left <= 0)
            status = KC_TIMED_OUT;
        if (status != KC_OK)
            return status;
        snprintf(request.lookup.name, sizeof request.lookup.name, "%s", values->user);
        status = cli_exchange(values->socket, &request, (int)left, &storage, &reply);
        if (status == KC_OK)
            status = reply.type == KC_WIRE_KEYS ? take(values->user, uid, &reply.entry, keys)
                                                : cli_done(&reply);
        if (status == KC_OK && reply.type != KC_WIRE_KEYS)
            status = KC_PROTOCOL;
    } while (status == KC_OK && reply.entry.count > 0 && keys->count < reply.entry.total);
    return status;
}

/* Whether this is an answer that sshd may act on: there is nobody here, or not now. */
static bool is_no(enum kc_status status)
{
    switch (kc_status_class(status)) {
    case KC_CLASS_FORBIDDEN:
    case KC_CLASS_EXPIRED:
    case KC_CLASS_UNKNOWN:
    case KC_CLASS_NOT_OURS:
        return true;
    default:
        return false;
    }
}

static enum cli_exit ssh_keys_run(const void *given)
{
    KC_CLEANUP(keys_cleanup) struct keys keys = {0};
    const enum kc_status status = gather(given, &keys);
    if (is_no(status))
        return CLI_EXIT_OK;
    if (status != KC_OK) {
        fprintf(stderr, "kclogin ssh-keys: %s\n", kc_status_word(status));
        return CLI_EXIT_REFUSED;
    }
    if (keys.length > 0)
        fwrite(keys.text, 1, keys.length, stdout);
    return fflush(stdout) == 0 ? CLI_EXIT_OK : CLI_EXIT_REFUSED;
}

const struct cli_verb ssh_keys_verb = {.words = "ssh-keys",
    .meaning = "Prints the SSH keys of a realm user, for sshd's AuthorizedKeysCommand",
    .options = options,
    .count = sizeof options / sizeof *options,
    .notes = notes,
    .values_size = sizeof(struct values),
    .run = ssh_keys_run};
