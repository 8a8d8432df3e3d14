/*
 * Names that the realm has just said it does not know.
 * Used by directory.c and fetch.c.
 * Must never keep a name that the realm did not speak of, nor grow with what people ask for.
 */
#include "daemon/absent.h"

#include "common/limits.h"
#include "common/snapshot.h"

#include <stdlib.h>
#include <sys/random.h>

#define PLACES 4096u

struct absent {
    uint64_t seed[2];
    struct {
        char name[KC_LOOKUP_NAME_MAX];
        uint32_t until;
    } places[PLACES];
};

/* The one place that a name may have. Whoever shares it is asked for at the realm once more. */
static size_t place_of(const struct absent *absent, const char *name)
{
    uint64_t words[KC_SNAPSHOT_NAME_WORDS];
    kc_snapshot_name_words(name, strnlen(name, KC_LOOKUP_NAME_MAX - 1), words);
    return kc_snapshot_hash_name(absent->seed, words) % PLACES;
}

enum kc_status absent_new(struct absent **ret_absent)
{
    struct absent *absent = calloc(1, sizeof *absent);
    if (!absent)
        return KC_NO_MEMORY;
    if (getrandom(absent->seed, sizeof absent->seed, 0) != (ssize_t)sizeof absent->seed) {
        free(absent);
        return KC_SYSTEM;
    }
    *ret_absent = absent;
    return KC_OK;
}

void absent_free(struct absent *absent)
{
    free(absent);
}

void absent_put(struct absent *absent, const char *name, uint32_t until)
{
    const size_t place = place_of(absent, name);
    const size_t length = strnlen(name, KC_LOOKUP_NAME_MAX - 1);
    memcpy(absent->places[place].name, name, length);
    absent->places[place].name[length] = '\0';
    absent->places[place].until = until;
}

bool absent_has(const struct absent *absent, const char *name, uint32_t now)
{
    const size_t place = place_of(absent, name);
    return now < absent->places[place].until && strcmp(absent->places[place].name, name) == 0;
}

void absent_clear(struct absent *absent)
{
    memset(absent->places, 0, sizeof absent->places);
}
