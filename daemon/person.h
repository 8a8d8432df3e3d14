/*
 * A user of the realm as the Admin API tells of it, read and bounded.
 * Used by the directory. What of it becomes a passwd entry, passwd_entry.c decides.
 * Must never hold what the answer did not say in the type that it must have.
 */
#ifndef DAEMON_PERSON_H
#define DAEMON_PERSON_H

#include "common/cleanup.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>

#define PERSON_ID_MAX 255u         /* a UUID, or f:COMPONENT:ID of a federated user */
#define PERSON_NAME_MAX 255u       /* Keycloak's own limit */
#define PERSON_ATTRIBUTE_MAX 2048u /* likewise */
#define PERSON_KEYS_MAX 64u

struct json_object;
struct config_directory;

/* Texts are NULL where the realm says nothing. */
struct person {
    char *id;
    char *username;
    bool enabled;
    char *first_name;
    char *last_name;
    char *uid; /* the first values of the attributes that the configuration names */
    char *gid;
    char *home;
    char *shell;
    char **keys; /* of the key attribute, as many as count; NULL-terminated, or NULL */
};

#define PERSON_AUTO KC_CLEANUP(person_cleanup)

/*
 * Reads a UserRepresentation. Attributes that nobody is configured to read are not looked at.
 * KC_ANSWER_MALFORMED: no id, username or `enabled`, or not of its type. KC_ENTRY_MALFORMED: this
 * user's names or attributes are of another shape, too long or too many. KC_NO_MEMORY.
 */
enum kc_status person_read(const struct json_object *object,
    const struct config_directory *directory, struct person **ret_person);

void person_free(struct person *person);

static inline void person_cleanup(struct person **person)
{
    person_free(*person);
}

#endif
