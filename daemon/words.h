/*
 * Which words of the snapshot's table of freshness belong to which user or group.
 * Used by the directory.
 * Must never give a word to somebody while readers may still look at it for somebody else.
 */
#ifndef DAEMON_WORDS_H
#define DAEMON_WORDS_H

#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

struct words;

enum kc_status words_new(struct words **ret_words); /* KC_NO_MEMORY */
void words_free(struct words *words);

/*
 * What the last run published: a name and the first of its two words. Users come before groups, and
 * each in the order of names. KC_NO_MEMORY: the words will not be given out again.
 */
enum kc_status words_found(struct words *words, bool group, const char *name, uint32_t word);

/* The first of two words: those that the name had in the last run, or two that nobody has. */
uint32_t words_take(struct words *words, bool group, const char *name);

/* The words' user or group is gone. Where there is no memory, they are not given out again. */
void words_give_back(struct words *words, uint32_t word);

/* An arena without all who are gone is published. */
void words_published(struct words *words);

#endif
