/*
 * passwd: getpwnam, getpwuid and getpwent.
 * Used by glibc.
 * Must never answer for a name or an id that is not the realm's.
 */
#include "nss/ask.h"
#include "nss/entry.h"
#include "nss/lookup.h"

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

static enum kc_status ask_user(const struct nss_key *key, const struct nss_target *target)
{
    NSS_AUTO_ANSWER struct nss_answer answer = NSS_ANSWER_INIT;
    const enum kc_status status = nss_ask(KC_LOOKUP_USER, key, 0, &answer);
    if (status != KC_OK)
        return status;
    return put_user(&answer.entry, target->room, target->user) ? KC_OK : KC_TOO_LARGE;
}

enum nss_status _nss_keycloak_getpwnam_r(
    const char *name, struct passwd *user, char *buffer, size_t size, int *errnop)
{
    const struct nss_target target = {.room = {buffer, size}, .user = user};
    return nss_look_up_name(name, &target, ask_user, errnop);
}

enum nss_status _nss_keycloak_getpwuid_r(
    uid_t uid, struct passwd *user, char *buffer, size_t size, int *errnop)
{
    const struct nss_target target = {.room = {buffer, size}, .user = user};
    return nss_look_up(&(struct nss_key){.id = uid}, &target, ask_user, errnop);
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
    const struct nss_target target = {.room = {buffer, size}, .user = user};
    return nss_walk_on(&walk, &target, errnop);
}
