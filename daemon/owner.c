/*
 * Whose a name or number is: one realm id's, for ever, whether it is served or gone.
 * A part of the directory; bindings.c has who is not among people.c, remember.c writes it down.
 * Must never let a name, uid or gid pass to another realm id but at an administrator's word.
 */
#include "daemon/directory_internal.h"
#include "daemon/log.h"

#include <stdio.h>
#include <string.h>

/* --- who has it --- */

const char *owner_of_name(const struct directory *directory, const char *name, bool *ret_group)
{
    const struct known_user *user = people_by_name(directory->people, name);
    const struct binding *binding = user ? NULL : bindings_name(directory->bindings, name);
    *ret_group = binding && binding->group;
    return user ? user->id : binding ? binding->id : NULL;
}

bool directory_may_be(const struct directory *directory, const char *name, const char *id)
{
    bool group;
    const char *owner = owner_of_name(directory, name, &group);
    return !owner || (!group && strcmp(owner, id) == 0);
}

static const char *owner_of_uid(const struct directory *directory, uint32_t uid)
{
    const struct known_user *user = people_by_uid(directory->people, uid);
    const struct binding *binding =
        user ? NULL : bindings_number(directory->bindings, STATE_UIDS, uid);
    return user ? user->id : binding ? binding->id : NULL;
}

/* Whether the claim may take over: not where a living other has the number or the name. */
static enum kc_status judge_adoption(const struct directory *directory, const struct claim *claim)
{
    if (claim->group) {
        const struct known_group *holder = group_by_gid(&directory->groups, claim->number);
        if (people_by_name(directory->people, claim->name))
            return KC_ENTRY_NAME_TAKEN;
        return holder && strcmp(holder->name, claim->name) != 0 ? KC_ENTRY_ID_TAKEN : KC_OK;
    }
    const struct known_user *holder = people_by_uid(directory->people, claim->number);
    if (group_by_name(&directory->groups, claim->name))
        return KC_ENTRY_NAME_TAKEN;
    return holder && strcmp(holder->name, claim->name) != 0 && strcmp(holder->id, claim->id) != 0
               ? KC_ENTRY_ID_TAKEN
               : KC_OK;
}

static void say(const struct directory *directory, enum kc_status status, const struct claim *claim,
    const char *owner)
{
    const bool may_adopt = judge_adoption(directory, claim) == KC_OK;
    char name[LOG_VALUE_SIZE], from[LOG_VALUE_SIZE], to[LOG_VALUE_SIZE];
    log_line(LOG_WARNING,
        "binding %s=%s id=%u result=%s reason=%s bound=%s realm=%s advice=\"%s%s\"",
        claim->group ? "group" : "user", log_value(claim->name, name), claim->number,
        kc_class_word(kc_status_class(status)), kc_status_word(status), log_value(owner, from),
        log_value(claim->id, to),
        may_adopt ? "kclogin ids adopt " : "give one of the two another in the realm",
        may_adopt ? claim->name : "");
}

static enum kc_status refuse(struct directory *directory, enum kc_status status, bool group,
    const char *name, uint32_t number, const char *id, const char *owner)
{
    struct claim claim = {.group = group, .number = number, .id = (char *)(uintptr_t)id};
    snprintf(claim.name, sizeof claim.name, "%s", name);
    const enum claims_word word = claims_note(directory->claims, &claim, directory_now());
    if (word != CLAIMS_SAID)
        say(directory, status, &claim, owner);
    if (word == CLAIMS_LAST)
        log_line(LOG_WARNING, "binding result=%s reason=%s detail=\"more may be refused: the log "
                              "says no more of it for an hour\"",
            kc_class_word(kc_status_class(status)), kc_status_word(status));
    return status;
}

enum kc_status owner_judge_user(
    struct directory *directory, const char *id, const char *name, uint32_t uid)
{
    bool group;
    const char *owner = owner_of_name(directory, name, &group);
    if (owner && (group || strcmp(owner, id) != 0))
        return refuse(directory, KC_ENTRY_NAME_TAKEN, false, name, uid, id, owner);
    owner = owner_of_uid(directory, uid);
    if (owner && strcmp(owner, id) != 0)
        return refuse(directory, KC_ENTRY_ID_TAKEN, false, name, uid, id, owner);
    return KC_OK;
}

enum kc_status owner_judge_group(
    struct directory *directory, const char *id, const char *name, uint32_t gid)
{
    bool group;
    const char *owner = owner_of_name(directory, name, &group);
    if (owner && (!group || strcmp(owner, id) != 0))
        return refuse(directory, KC_ENTRY_NAME_TAKEN, true, name, gid, id, owner);
    const struct binding *binding = bindings_number(directory->bindings, STATE_GIDS, gid);
    if (binding && strcmp(binding->id, id) != 0)
        return refuse(directory, KC_ENTRY_ID_TAKEN, true, name, gid, id, binding->id);
    return KC_OK;
}

/* --- binding --- */

/* Not for want of trying: without memory a name is free again until the next start. */
static void bind_row(struct directory *directory, const struct state_row *row, bool saved)
{
    if (bindings_put(directory->bindings, row, saved) != KC_OK)
        log_line(LOG_ERR, "binding result=failed reason=no-memory");
}

static void bind_name(
    struct directory *directory, const char *name, const char *id, bool group, bool saved)
{
    const struct state_row row = {.table = STATE_NAMES, .name = name, .id = id, .group = group};
    const struct binding *binding = bindings_name(directory->bindings, name);
    if (!binding || binding->group != group || strcmp(binding->id, id) != 0)
        bind_row(directory, &row, saved);
}

static void bind_number(struct directory *directory, enum state_table table, uint32_t number,
    const char *id, bool allocated, bool saved)
{
    const struct state_row row = {
        .table = table, .number = number, .id = id, .allocated = allocated};
    const struct binding *binding = bindings_number(directory->bindings, table, number);
    if (!binding || strcmp(binding->id, id) != 0)
        bind_row(directory, &row, saved);
}

void owner_release(struct directory *directory, struct known_user *user)
{
    const bool saved = user->bound;
    bind_name(directory, user->name, user->id, false, saved);
    bind_number(directory, STATE_UIDS, user->uid, user->id, user->allocated, saved);
    publish_fresh(directory, user->fresh, 0);
    publish_fresh(directory, user->fresh + 1, 0);
    words_give_back(directory->words, user->fresh);
    remember_gone(directory, user);
    people_remove(directory->people, user);
}

void owner_bind_group(struct directory *directory, const struct known_group *group)
{
    bind_name(directory, group->name, group->id, true, false);
    bind_number(directory, STATE_GIDS, group->gid, group->id, false, false);
}

/* --- taking over --- */

static void hand_over(
    struct directory *directory, const struct claim *claim, enum state_table numbers)
{
    const struct state_row name = {.table = STATE_NAMES,
        .name = claim->name,
        .id = claim->id,
        .group = claim->group,
        .adopted = true};
    const struct state_row number = {
        .table = numbers, .number = claim->number, .id = claim->id, .adopted = true};
    bind_row(directory, &name, false);
    bind_row(directory, &number, false);
}

static void adopt_user(struct directory *directory, const struct claim *claim)
{
    struct known_user *namesake = people_by_name(directory->people, claim->name);
    if (namesake && strcmp(namesake->id, claim->id) != 0)
        directory_forget(directory, namesake);
    hand_over(directory, claim, STATE_UIDS);
}

static void adopt_group(struct directory *directory, const struct claim *claim)
{
    hand_over(directory, claim, STATE_GIDS);
    directory_sweep_now(directory);
}

/* Of a number: who has it, of those who are there and those who are gone. */
static const char *owner_of_number(const struct directory *directory, const struct claim *claim)
{
    const struct binding *binding =
        claim->group ? bindings_number(directory->bindings, STATE_GIDS, claim->number) : NULL;
    return !claim->group ? owner_of_uid(directory, claim->number) : binding ? binding->id : NULL;
}

enum kc_status directory_adopt(struct directory *directory, const char *name, const char *id,
    struct directory_adopted *ret_adopted)
{
    const struct claim *claim = claims_find(directory->claims, name);
    struct directory_adopted adopted = {0};
    bool group;
    if (!claim)
        return KC_NOT_FOUND;
    const char *owner = owner_of_name(directory, name, &group);
    if (!owner || strcmp(owner, claim->id) == 0)
        owner = owner_of_number(directory, claim);
    adopted.group = claim->group;
    adopted.number = claim->number;
    snprintf(adopted.from, sizeof adopted.from, "%s", owner ? owner : "");
    snprintf(adopted.to, sizeof adopted.to, "%s", claim->id);
    *ret_adopted = adopted;
    const enum kc_status status =
        id && strcmp(id, claim->id) != 0 ? KC_BUSY : judge_adoption(directory, claim);
    if (status != KC_OK || !id)
        return status;
    if (claim->group)
        adopt_group(directory, claim);
    else
        adopt_user(directory, claim);
    claims_drop(directory->claims, name);
    remember_soon(directory);
    return KC_OK;
}
