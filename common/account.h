/*
 * The host's own accounts: /etc/passwd and /etc/group read as files, never through getpwnam.
 * Used by the modules and the daemon to know which names and ids are the host's.
 * Must never hold a whole file or line: a group of 100,000 members costs the same memory.
 */
#ifndef KC_ACCOUNT_H
#define KC_ACCOUNT_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KC_ACCOUNT_FIELD_MAX 256u          /* bytes of a field that is compared */
#define KC_ACCOUNT_FILE_MAX (256ull << 20) /* bytes of a file that are read */

struct kc_account {
    bool sound; /* the line has its seven fields and two numbers; else uid and gid mean nothing */
    uid_t uid;
    gid_t gid;
};

/*
 * Finds the first line of `passwd` (a path) whose name is `name`, whole, or whose uid is `uid`.
 * KC_NOT_FOUND; KC_SYSTEM: the file cannot be read; KC_TOO_LARGE.
 */
enum kc_status kc_account_find(const char *passwd, const char *name, struct kc_account *ret);
enum kc_status kc_account_find_uid(const char *passwd, uid_t uid, struct kc_account *ret);

/*
 * Whether `user`, whose primary group is `gid`, is in `group`, looked up in the file at path
 * `groups`: named as a member, or by its gid. A group that is not there has no members.
 * KC_SYSTEM, KC_TOO_LARGE.
 */
enum kc_status kc_account_in_group(
    const char *groups, const char *group, const char *user, gid_t gid, bool *ret_member);

/* Whether the file at path `groups` has a group of that name, or with that gid. KC_SYSTEM,
 * KC_TOO_LARGE. */
enum kc_status kc_account_group_exists(const char *groups, const char *name, bool *ret_exists);
enum kc_status kc_account_gid_exists(const char *groups, gid_t gid, bool *ret_exists);

/*
 * Calls `each` for every line of a passwd or group file at path `file`: with its name, NULL where it
 * has none or one that is too long, and with its number, where it has one. KC_SYSTEM, KC_NO_ROOM,
 * KC_NO_MEMORY, KC_TOO_LARGE; what `each` returns ends the walk where it is not KC_OK.
 */
typedef enum kc_status kc_account_each(
    void *userdata, const char *name, bool numbered, uint32_t number);
enum kc_status kc_account_walk(const char *file, kc_account_each *each, void *userdata);

/* The same on bytes in memory. */
enum kc_status kc_account_parse(
    const char *bytes, size_t length, const char *name, struct kc_account *ret);
enum kc_status kc_account_parse_lines(
    const char *bytes, size_t length, kc_account_each *each, void *userdata);
bool kc_account_parse_group(
    const char *bytes, size_t length, const char *group, const char *user, gid_t gid);

#endif
