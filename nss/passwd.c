/*
 * passwd: getpwnam, getpwuid and getpwent.
 * Used by glibc.
 * Must never answer for a name or an id that is not the realm's.
 */
#include "nss/ask.h"
#include "nss/entry.h"
#include "nss/guard.h"
#include "nss/result.h"

#include <errno.h>

/* Copies a text and its NUL. NULL: no room. */
static char *put(struct nss_room *room, const void *bytes, size_t length)
{
    char *text = room->bytes;
    if (room->size <= length)
        return NULL;
    memcpy(text, bytes, length);
    text[length] = '\0';
    room->bytes += length + 1;
    room->size -= length + 1;
    return text;
}

static bool put_user(
    const struct kc_wire_entry *entry, struct nss_room room, struct passwd *ret_user)
{
    ret_user->pw_name = put(&room, entry->name, strlen(entry->name));
    ret_user->pw_passwd = put(&room, "x", 1);
    ret_user->pw_gecos = put(&room, entry->gecos.bytes, entry->gecos.length);
    ret_user->pw_dir = put(&room, entry->home.bytes, entry->home.length);
    ret_user->pw_shell = put(&room, entry->shell.bytes, entry->shell.length);
    ret_user->pw_uid = entry->uid;
    ret_user->pw_gid = entry->gid;
    return ret_user->pw_name && ret_user->pw_passwd && ret_user->pw_gecos && ret_user->pw_dir &&
           ret_user->pw_shell;
}

/* What the daemon says; where it says nothing, what was known until lately. */
static enum nss_status ask_user(
    const struct nss_key *key, struct nss_room room, struct passwd *ret_user, int *errnop)
{
    NSS_AUTO_ANSWER struct nss_answer answer = NSS_ANSWER_INIT;
    const enum kc_status status = nss_ask(KC_LOOKUP_USER, key, 0, &answer);
    enum nss_found found;
    if (status == KC_OK)
        return put_user(&answer.entry, room, ret_user) ? NSS_STATUS_SUCCESS : nss_no_room(errnop);
    if (!nss_is_outage(status))
        return nss_result(status, errnop);
    found = nss_find_user(key, NSS_WITHIN_GRACE, room, ret_user);
    if (found == NSS_FOUND)
        return NSS_STATUS_SUCCESS;
    return found == NSS_NO_ROOM ? nss_no_room(errnop) : nss_result(status, errnop);
}

static enum nss_status get_user(
    const struct nss_key *key, struct nss_room room, struct passwd *ret_user, int *errnop)
{
    switch (nss_find_user(key, NSS_FRESH, room, ret_user)) {
    case NSS_FOUND:
        return NSS_STATUS_SUCCESS;
    case NSS_NO_ROOM:
        return nss_no_room(errnop);
    case NSS_LOCAL:
        return nss_result(KC_NOT_OURS, errnop);
    default:
        return ask_user(key, room, ret_user, errnop);
    }
}

enum nss_status _nss_keycloak_getpwnam_r(
    const char *name, struct passwd *user, char *buffer, size_t size, int *errnop)
{
    const int before = errno;
    struct nss_key key;
    enum nss_status status;
    if (!nss_key_by_name(name, &key))
        return nss_result(KC_USER_UNKNOWN, errnop);
    status = get_user(&key, (struct nss_room){buffer, size}, user, errnop);
    if (errnop != &errno || status == NSS_STATUS_SUCCESS)
        errno = before;
    return status;
}

enum nss_status _nss_keycloak_getpwuid_r(
    uid_t uid, struct passwd *user, char *buffer, size_t size, int *errnop)
{
    const int before = errno;
    const struct nss_key key = {.id = uid};
    enum nss_status status = get_user(&key, (struct nss_room){buffer, size}, user, errnop);
    if (status == NSS_STATUS_SUCCESS && !nss_guard_user(user))
        status = nss_result(KC_PROTOCOL, errnop);
    if (errnop != &errno || status == NSS_STATUS_SUCCESS)
        errno = before;
    return status;
}

/* Where getpwent has come to. glibc holds a lock of its own around these three. */
static struct nss_walk walk;

enum nss_status _nss_keycloak_setpwent(int stay_open)
{
    (void)stay_open;
    walk = (struct nss_walk){0};
    return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_keycloak_endpwent(void)
{
    return _nss_keycloak_setpwent(0);
}

enum nss_status _nss_keycloak_getpwent_r(
    struct passwd *user, char *buffer, size_t size, int *errnop)
{
    const int before = errno;
    const enum nss_found found = nss_find_next_user(&walk, (struct nss_room){buffer, size}, user);
    errno = before;
    if (found == NSS_NO_ROOM)
        return nss_no_room(errnop);
    return found == NSS_FOUND ? NSS_STATUS_SUCCESS : nss_result(KC_USER_UNKNOWN, errnop);
}
