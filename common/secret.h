/*
 * The secret type: bytes that wipe themselves, stay out of core dumps and of a child's memory,
 * and are locked in memory where the limit allows it.
 * Used for every password, token and key; nothing else may hold one for longer than a call.
 */
#ifndef KC_SECRET_H
#define KC_SECRET_H

#include "common/cleanup.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pages of their own; bytes[length] is always a NUL, so that text can be read as a string. */
struct kc_secret {
    uint8_t *bytes;  /* NULL while empty */
    size_t length;   /* bytes in use */
    size_t capacity; /* bytes that fit, the NUL not counted */
};

#define KC_SECRET_INIT ((struct kc_secret){NULL, 0, 0})
#define KC_AUTO_SECRET KC_CLEANUP(kc_secret_wipe)

/* Reserves room for `capacity` bytes in an empty secret. KC_NO_MEMORY. */
enum kc_status kc_secret_reserve(struct kc_secret *secret, size_t capacity);

/* Replaces the content by a copy of `length` bytes. KC_NO_MEMORY (the old content stays). */
enum kc_status kc_secret_set(struct kc_secret *secret, const void *bytes, size_t length);

/* Appends `length` bytes, growing where needed; no copy is left behind. KC_NO_MEMORY. */
enum kc_status kc_secret_append(struct kc_secret *secret, const void *bytes, size_t length);

/* Wipes the content and gives the memory back. An empty secret is fine. */
void kc_secret_wipe(struct kc_secret *secret);

/* Moves the content to the caller and leaves an empty secret behind. */
struct kc_secret kc_secret_take(struct kc_secret *secret);

/* The content as text; "" while empty. Valid until the next change. */
const char *kc_secret_text(const struct kc_secret *secret);

/* Whole comparison; the time depends on the lengths alone. */
bool kc_secret_equal(const struct kc_secret *a, const struct kc_secret *b);

/* Fills a secret with `length` random bytes of the kernel. KC_NO_MEMORY, KC_SYSTEM. */
enum kc_status kc_secret_random(struct kc_secret *secret, size_t length);

/*
 * A program that has many secrets may define both, and keep pages (daemon/secret_pool.c); else each
 * secret has a mapping of its own. take: zeroed, locked pages that were kept, or NULL. keep: wipes
 * the pages and keeps them; false, and nothing done, where they are to be unmapped.
 */
void *kc_secret_pages_take(size_t size) __attribute__((weak, visibility("hidden")));
bool kc_secret_pages_keep(void *pages, size_t size) __attribute__((weak, visibility("hidden")));

/* Wipes plain memory; the compiler cannot leave it out. */
void kc_wipe(void *bytes, size_t length);

#endif
