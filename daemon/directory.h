/*
 * The directory: realm users and groups as this host knows them.
 * Used by lookup.c to answer, by main.c (one object). What it knows it publishes in the snapshot.
 * Must never say that somebody does not exist unless the realm itself has just said so.
 */
#ifndef DAEMON_DIRECTORY_H
#define DAEMON_DIRECTORY_H

#include "common/wire.h"

struct admin;
struct daemon;
struct directory;
struct directory_wait;
struct json_object;
struct person;
struct sight;

/* Begins to learn at once. `daemon` must outlive it; its realm, config and bounds are borrowed.
 * `folder` is where the snapshot goes. KC_CONFIG_INVALID, KC_SYSTEM, KC_BUSY, KC_NO_MEMORY. */
enum kc_status directory_new(
    struct daemon *daemon, const char *folder, struct directory **ret_directory);
void directory_free(struct directory *directory);

/* Before directory_free where no user is served any more: what is published counts no longer. */
void directory_withdraw(struct directory *directory);

/* After a reload: learns anew under the configuration in force. What is published stays. */
enum kc_status directory_reload(struct directory *directory);

/*
 * What came of a lookup. KC_OK: `entry` is there, its views valid during the call. KC_USER_UNKNOWN
 * and the KC_ENTRY_ words: no such user or group on this host. KC_NOT_OURS: the host's own. All
 * others: not known just now.
 */
typedef void directory_found(
    void *userdata, enum kc_status status, const struct kc_wire_entry *entry);

/* Looks something up; where the realm would have to be asked and may not be, that is KC_BUSY, or
 * what was known before. The callback may come before this returns; `ret_wait` is set only while it
 * has not (else to NULL). `deadline_us` is of CLOCK_MONOTONIC. KC_BUSY, KC_NO_MEMORY. */
struct directory_question {
    struct kc_wire_lookup lookup;
    bool may_ask;
    bool privileged; /* asked on root's socket, which has places of its own */
    uint64_t deadline_us;
};

enum kc_status directory_lookup(struct directory *directory,
    const struct directory_question *question, directory_found *found, void *userdata,
    struct directory_wait **ret_wait);

void directory_wait_cancel(struct directory_wait *wait);

/* For who asks the realm about one user, now (inquiry.h). Borrowed until the loop goes on. */
struct admin *directory_admin(const struct directory *directory);

/* The realm id that a name has here; NULL: none. Borrowed until the loop goes on. */
const char *directory_user_id(const struct directory *directory, const char *name);

/* Whether the realm had this user enabled when it was asked last; false for nobody. */
bool directory_user_enabled(const struct directory *directory, const char *name);

/* Whether the name is that realm id's, or nobody's yet: it may be bound to another's, who is gone. */
bool directory_may_be(const struct directory *directory, const char *name, const char *id);

/* Whether at the start the clock was behind what state.db tells: nobody knows how old that is. */
bool directory_clock_set_back(const struct directory *directory);

/* The uid that a name has here; false: nobody is known by it. */
bool directory_user_uid(const struct directory *directory, const char *name, uint32_t *ret_uid);

/* The passwd entry of somebody, and where its values come from. Errors of passwd_entry_make. */
struct passwd_entry;
enum kc_status directory_entry_of(
    struct directory *directory, const struct person *person, struct passwd_entry *ret_entry);

/* Whether that name is known here, with that uid. */
bool directory_is_user(const struct directory *directory, const char *name, uint32_t uid);

/* The host's own names and ids. Borrowed. */
struct locals;
const struct locals *directory_locals(const struct directory *directory);

/* The highest ids in the host's range that a user or a group has or has had here from the realm, not
 * from this host, which gives those at the range's end; 0: none. */
void directory_highest_ids(const struct directory *directory, uint32_t *ret_uid, uint32_t *ret_gid);

/* Who knows whether this client sees users, so that an empty answer means that there is nobody.
 * Borrowed. */
struct sight *directory_sight(const struct directory *directory);

/*
 * Takes in what the realm has just said of a user (a UserRepresentation), as a lookup does. KC_OK
 * with all that it said and the uid that this user has here; else why there is no entry, as for
 * directory_found, or KC_ANSWER_MALFORMED, KC_NO_MEMORY.
 */
enum kc_status directory_learn(struct directory *directory, const struct json_object *user,
    struct person **ret_person, uint32_t *ret_uid);

/*
 * What is known of a user, or of everybody and all groups (`name` NULL), counts no longer until the
 * realm has been asked anew; for an outage it stays. Tells of how many users.
 */
size_t directory_flush(struct directory *directory, const char *name);

/* What directory_adopt has done, or would do. */
struct directory_adopted {
    bool group;
    uint32_t number; /* uid or gid */
    char from[256];  /* realm ids: who had the name, or else the number; empty: nobody */
    char to[256];
};

/*
 * Gives a name and number to the realm id that was refused them last; whoever had them has them no
 * more. Without `id` (NULL) nothing is changed; KC_BUSY: it is another one who was refused them last. `ret_adopted` is filled but for KC_NOT_FOUND. KC_NOT_FOUND: nobody was refused that name since the start: look it up, and try again.
 * KC_ENTRY_NAME_TAKEN: the realm has both a user and a group of the name. KC_ENTRY_ID_TAKEN:
 * somebody else who is served has the number.
 */
enum kc_status directory_adopt(struct directory *directory, const char *name, const char *id,
    struct directory_adopted *ret_adopted);

struct directory_report {
    bool ready;             /* groups are known */
    enum kc_status failure; /* of the last sweep; KC_OK: it went well */
    char detail[256];
    size_t users, groups;
};

void directory_status(const struct directory *directory, struct directory_report *ret_report);

#endif
