/*
 * Changes to people while the realm runs: what an administrator would do to users and groups.
 * Used by control.
 * Never changes the file's own entries: a reset puts everybody back.
 */
#ifndef REALM_CHANGE_H
#define REALM_CHANGE_H

#include "realm/realm.h"

/*
 * Each takes a control document, is called with the realm locked, and returns NULL or the reason
 * of a refusal, in which case part of what was asked may have been done.
 */
const char *realm_change_user(struct realm *realm, struct json_object *body);
const char *realm_change_group(struct realm *realm, struct json_object *body);

/* Deletes the user that `username` names. */
const char *realm_change_delete_user(struct realm *realm, struct json_object *body);

#endif
