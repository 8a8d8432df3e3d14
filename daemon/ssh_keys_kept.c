/*
 * SSH keys in an outage: what the realm said last, kept in state.db under the user's id there: the
 * uid, then the keys, one a line; nothing of who was disabled.
 * A part of ssh_keys.c.
 * Must never give what is older than sshd's access section allows, nor look there while the realm
 * answers.
 */
#include "common/ssh_key.h"
#include "daemon/access.h"
#include "daemon/directory.h"
#include "daemon/passwd_entry.h"
#include "daemon/realm.h"
#include "daemon/ssh_keys_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SERVICE "sshd" /* whose access section says how long keys last */

enum kc_status ssh_keys_add(struct ssh_keys_place *place, const char *text, size_t length)
{
    char key[KC_SSH_KEY_SIZE];
    if (kc_ssh_key_read(text, length, key) != KC_OK)
        return KC_OK;
    const size_t size = strlen(key) + 1;
    char *longer = realloc(place->text, place->list.length + size);
    if (!longer)
        return KC_NO_MEMORY;
    memcpy(longer + place->list.length, key, size);
    place->text = longer;
    place->list.text = longer;
    place->list.length += size;
    place->list.count++;
    return KC_OK;
}

void ssh_keys_keep(const struct ssh_keys_place *place, const struct person *person)
{
    struct state *state = place->keys->daemon->state;
    const size_t size = place->list.length + 16;
    KC_AUTO_FREE char *text = malloc(size);
    if (!state || !text)
        return;
    size_t length = 0;
    if (place->id)
        length = (size_t)snprintf(text, size, "%u\n", place->list.uid);
    for (size_t i = 0; i < place->list.length; i++)
        text[length++] = place->text[i] ? place->text[i] : '\n';
    state_put(state, STATE_KEYS, person->id, (int64_t)time(NULL), text, length);
}

bool ssh_keys_is_out(const struct realm *realm, enum kc_status status)
{
    struct realm_report report;
    realm_status(realm, &report);
    if (status == KC_OK || kc_status_class(status) == KC_CLASS_UNAVAILABLE)
        status = report.failing ? report.failure : KC_OK;
    return status == KC_UNREACHABLE || status == KC_SERVER_GATEWAY ||
           status == KC_SERVER_STARTING || status == KC_SERVER_OVERLOADED;
}

/* Whether what the realm said `at` epoch seconds is good in an outage. */
static bool may_be_stale(const struct ssh_keys *keys, int64_t at)
{
    const struct access_section *access = config_access(keys->daemon->config, NULL, SERVICE);
    return access_in_outage(access, (int64_t)time(NULL) - at);
}

bool ssh_keys_is_known(const struct ssh_keys_place *place)
{
    const struct directory *directory = place->keys->daemon->directory;
    const char *id = directory ? directory_user_id(directory, place->name) : NULL;
    return id && place->id && strcmp(id, place->id) == 0 &&
           directory_user_enabled(directory, place->name) &&
           directory_is_user(directory, place->name, place->list.uid);
}

static enum kc_status read_kept(struct ssh_keys_place *place, const char *text, size_t length)
{
    const char *end = text + length, *line = memchr(text, '\n', length);
    char number[16];
    enum kc_status status = KC_OK;
    if (length == 0)
        return KC_ACCOUNT_DISABLED;
    if (!line || (size_t)(line - text) >= sizeof number)
        return KC_MALFORMED;
    memcpy(number, text, (size_t)(line - text));
    number[line - text] = '\0';
    if (!passwd_entry_read_id(number, &place->list.uid))
        return KC_MALFORMED;
    for (text = line + 1; text < end && status == KC_OK; text = line + 1) {
        line = memchr(text, '\n', (size_t)(end - text));
        if (!line)
            return KC_MALFORMED;
        status = ssh_keys_add(place, text, (size_t)(line - text));
    }
    return status;
}

static void on_kept(
    void *userdata, enum kc_status status, int64_t at, const char *text, size_t length)
{
    struct ssh_keys_place *place = userdata;
    const char *id = directory_user_id(place->keys->daemon->directory, place->name);
    place->read = NULL;
    ssh_keys_forget(place);
    place->at = at;
    place->id = id ? strdup(id) : NULL;
    if (status == KC_OK)
        status = may_be_stale(place->keys, at) ? read_kept(place, text, length) : place->outage;
    if (status == KC_OK && !ssh_keys_is_known(place))
        status = place->outage;
    if (status != KC_OK)
        ssh_keys_forget(place);
    if (status != KC_OK && status != KC_ACCOUNT_DISABLED)
        status = place->outage; /* there is nothing to go by */
    ssh_keys_end(place, status, status == KC_OK ? &place->list : NULL);
}

void ssh_keys_fall_back(struct ssh_keys_place *place, enum kc_status status)
{
    const struct daemon *daemon = place->keys->daemon;
    const char *id = daemon->directory ? directory_user_id(daemon->directory, place->name) : NULL;
    if (ssh_keys_is_known(place) && may_be_stale(place->keys, place->at)) {
        ssh_keys_end(place, KC_OK, &place->list);
        return;
    }
    place->outage = status;
    if (!id || !daemon->state || !may_be_stale(place->keys, (int64_t)time(NULL)) ||
        state_get(daemon->state, STATE_KEYS, id, on_kept, place, &place->read) != KC_OK)
        ssh_keys_end(place, status, NULL);
}
