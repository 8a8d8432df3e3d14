/*
 * The directory from within: directory.c, question.c, fetch.c, sweep.c and publish.c are its parts.
 * Used by those alone; everybody else has directory.h.
 * Must never be left half way between two sweeps.
 */
#ifndef DAEMON_DIRECTORY_INTERNAL_H
#define DAEMON_DIRECTORY_INTERNAL_H

#include "daemon/absent.h"
#include "daemon/admin.h"
#include "daemon/allocate.h"
#include "daemon/bindings.h"
#include "daemon/claims.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/directory.h"
#include "daemon/groups.h"
#include "daemon/locals.h"
#include "daemon/people.h"
#include "daemon/upkeep.h"
#include "daemon/served.h"
#include "daemon/sight.h"
#include "daemon/snapshot.h"
#include "daemon/state.h"
#include "daemon/words.h"

#include <sys/queue.h>

/* Somebody who waits: for the groups, or for one user. */
struct directory_wait {
    struct directory *directory;
    struct kc_wire_lookup lookup;
    bool may_ask;
    bool privileged;
    sd_event_source *timer;
    directory_found *found;
    void *userdata;
    bool *ended; /* while directory_lookup runs: set by an answer that came at once */
    LIST_ENTRY(directory_wait) link;
};

LIST_HEAD(directory_waits, directory_wait);

/* One user that is being asked for; everybody who wants to know it waits here. */
struct fetch {
    struct directory *directory;
    char name[KC_LOOKUP_NAME_MAX];
    bool gids; /* the groups, of a user who is known */
    struct sight_wait sight; /* before an empty answer is believed */
    char *id;  /* whose groups; NULL before the first page */
    struct allocate_request *request;
    struct directory_waits waits;
    uint32_t *found; /* gids of the pages so far */
    uint32_t found_count;
    uint32_t first; /* of the page that is under way */
    LIST_ENTRY(fetch) link;
};

struct numbers;
struct remember;
struct sweep;

struct directory {
    struct daemon *daemon;
    struct admin *admin;
    struct people *people;
    struct bindings *bindings; /* of names and ids that none of the people has */
    struct claims *claims;     /* who was refused one */
    uint32_t next_uid;         /* to be given out where it is free (allocate.c); 0: the last one */
    LIST_HEAD(, numbers) numbers;
    struct remember *remember; /* NULL: there is no state.db, or not all of it was read */
    struct known_groups groups;
    struct known_groups *judged_by; /* users are judged by these: a sweep's own, or the above */
    struct locals *locals;
    struct sight *sight;
    struct wake *wake;
    struct upkeep *upkeep;
    bool named; /* groups are known by name and gid, and the client may see users */
    bool ready; /* so are their members */
    int64_t groups_until;
    struct snapshot *snapshot;
    struct words *words; /* who has which in the snapshot */
    sd_event_source *publish_timer;
    bool publish_planned;
    struct sweep *sweep; /* under way; NULL: none */
    sd_event_source *sweep_timer;
    unsigned sweep_failures;
    bool swept;                   /* one has ended, well or not */
    uint64_t sweep_next_us; /* after a failure: not before */
    struct absent *absent;
    struct directory_waits waits; /* for the sweep */
    unsigned wait_count[2];       /* of the public socket, of root's */
    LIST_HEAD(, fetch) fetches;
    unsigned fetch_count;
    char **shells;
    struct directory_report report;
    bool clock_set_back; /* when the directory was recalled */
};

/* Seconds of CLOCK_MONOTONIC. */
uint32_t directory_now(void);

/*
 * Takes in what the realm says of a user: entry, local names, others' names and ids. KC_OK with
 * the user as it is known now; else why it has no entry.
 */
enum kc_status directory_take_person(
    struct directory *directory, const struct json_object *object, struct known_user **ret_user);

/* Replaces a user's groups; they are fresh until then, seconds of CLOCK_MONOTONIC. Takes `gids`. */
void directory_set_gids(struct directory *directory, struct known_user *user, uint32_t *gids,
    uint32_t count, uint32_t until);

/* question.c: answers from what is known, or joins whoever brings the answer. */
void directory_resolve(struct directory_wait *wait);

/* Answers a wait from what is known; ends it. */
void directory_answer(struct directory_wait *wait, enum kc_status status);
/* Moves all waits to a list of the caller's own, to be ended one by one: an end may begin others. */
void directory_take_waits(struct directory_waits *from, struct directory_waits *ret_waits);

/* The same after a failure: with what was known, where that is not too old. */
void directory_fail(struct directory_wait *wait, enum kc_status status);
void directory_answer_user(struct directory_wait *wait, const struct known_user *user);

/* Takes a uid out of all member lists: its user is no longer the one who was put there. */
void directory_drop_member(struct directory *directory, uint32_t uid);

/* The client may not see users: nothing that it does not see is absent. */
void directory_forbidden(struct directory *directory);

/* A user of the realm has no entry any more: nobody is answered with it. */
void directory_forget(struct directory *directory, struct known_user *user);

/* fetch.c: joins the fetch of a user or its groups, or begins one. */
enum kc_status fetch_join(
    struct directory *directory, const char *name, bool gids, struct directory_wait *wait);
void fetch_abandon_all(struct directory *directory); /* who waits hears that it is not known */

/* precedence.c: takes out what the host's own files have by now. */
void precedence_apply(struct directory *directory);

/* schedule.c */
enum kc_status schedule_init(struct directory *directory);
void schedule_sweep(struct directory *directory); /* begins one, unless one is under way */
void schedule_after(struct directory *directory, enum kc_status status); /* plans the next one */
void directory_sweep_now(struct directory *directory); /* as soon as the loop comes round */

/* sweep.c */
enum kc_status sweep_begin(struct directory *directory);
void sweep_free(struct sweep *sweep);
/* In schedule.c: users can be judged by the groups of the sweep that is under way. */
void directory_named(struct directory *directory);
/* In schedule.c: its end. `begun`: seconds of CLOCK_MONOTONIC. */
void sweep_done(
    struct directory *directory, enum kc_status status, const char *detail, uint32_t begun);

/* publish.c */
void publish_soon(struct directory *directory);
enum kc_status publish_init(struct directory *directory, const char *folder);
void publish_free(struct directory *directory);
/* The first of two words that are this name's alone. */
uint32_t publish_new_words(struct directory *directory, bool group, const char *name);
/* `until`: seconds of CLOCK_MONOTONIC; what lies before the host's start counts as never. */
void publish_fresh(struct directory *directory, uint32_t word, int64_t until);

/* owner.c: whether a realm id may have a name and a number: nobody else has, or has had them.
 * KC_ENTRY_NAME_TAKEN, KC_ENTRY_ID_TAKEN: logged, once. */
/* Whose a name is, a user's id or a group's; NULL: nobody's. */
const char *owner_of_name(const struct directory *directory, const char *name, bool *ret_group);
enum kc_status owner_judge_user(
    struct directory *directory, const char *id, const char *name, uint32_t uid);
enum kc_status owner_judge_group(
    struct directory *directory, const char *id, const char *name, uint32_t gid);
/* A user is gone, or called otherwise: is no more among the people, nor fresh; name and uid stay
 * bound. Member lists are the caller's. */
void owner_release(struct directory *directory, struct known_user *user);
void owner_bind_group(struct directory *directory, const struct known_group *group);

/* remember.c: what is known is written, soon and by itself. KC_NO_MEMORY, KC_SYSTEM. */
enum kc_status remember_new(struct directory *directory);
void remember_free(struct directory *directory);
void remember_drop(struct directory *directory); /* writes nothing any more */
void remember_soon(struct directory *directory);
void remember_user(struct directory *directory, struct known_user *user);
void remember_gone(struct directory *directory, struct known_user *user);
void remember_no_more(struct directory *directory, enum state_table table, const char *id);
/* Before `groups` take the place of the directory's. */
void remember_groups(struct directory *directory, struct known_groups *groups);
void remember_swept(struct directory *directory);
/* The disk has it so. */
void remember_loaded(struct known_user *user);
void remember_loaded_group(struct known_group *group);
/* Which groups the configuration serves, in a number. */
uint32_t remember_served(const struct directory *directory);

/* recall.c: takes in what the last run knew. KC_NO_MEMORY. */
enum kc_status recall_all(struct directory *directory);

/* allocate.c: nobody waits for a number any more. */
void allocate_free(struct directory *directory);

/* The entry of somebody who may have one here; `allocated` is the uid where the realm has none, 0:
 * neither. Else why there is none; who has name and uid already is owner_judge_user's to say. */
enum kc_status directory_make_entry(const struct directory *directory, const struct person *person,
    uint32_t allocated, struct passwd_entry *ret_entry);

/* Whether an entry may stand here beside local names and groups: KC_OK, or why not. */
enum kc_status directory_judge_entry(
    const struct directory *directory, const struct passwd_entry *entry);

#endif
