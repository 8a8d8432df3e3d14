/*
 * The secret type.
 * Used for every password, token and key.
 * Must never leave a copy behind: growth moves the content and wipes the old pages.
 */
#include "common/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

/* A page or a power of two of them, so that what one gave back fits the next. */
static size_t size_for(size_t capacity)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    while (size < capacity + 1)
        size *= 2;
    return size;
}

static uint8_t *pages_map(size_t size)
{
    void *kept = kc_secret_pages_take ? kc_secret_pages_take(size) : NULL;
    if (kept)
        return kept;
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    /* Each is a wish: an unprivileged process may have no right to lock anything. */
    (void)madvise(pages, size, MADV_DONTDUMP);
    (void)madvise(pages, size, MADV_WIPEONFORK);
    (void)mlock2(pages, size, MLOCK_ONFAULT);
    return pages;
}

void kc_wipe(void *bytes, size_t length)
{
    explicit_bzero(bytes, length);
}

void kc_secret_wipe(struct kc_secret *secret)
{
    if (secret->bytes) {
        /* Only what was in use: the kernel clears pages that it gives to somebody else. */
        explicit_bzero(secret->bytes, secret->length);
        size_t size = size_for(secret->capacity);
        if (!kc_secret_pages_keep || !kc_secret_pages_keep(secret->bytes, size))
            munmap(secret->bytes, size);
    }
    *secret = KC_SECRET_INIT;
}

enum kc_status kc_secret_reserve(struct kc_secret *secret, size_t capacity)
{
    if (secret->bytes && capacity <= secret->capacity)
        return KC_OK;
    if (capacity > SIZE_MAX / 2)
        return KC_NO_MEMORY;
    size_t size = size_for(capacity);
    uint8_t *pages = pages_map(size);
    if (!pages)
        return KC_NO_MEMORY;
    size_t length = secret->length;
    if (length)
        memcpy(pages, secret->bytes, length);
    kc_secret_wipe(secret);
    *secret = (struct kc_secret){pages, length, size - 1};
    return KC_OK;
}

enum kc_status kc_secret_set(struct kc_secret *secret, const void *bytes, size_t length)
{
    KC_AUTO_SECRET struct kc_secret fresh = KC_SECRET_INIT;
    enum kc_status status = kc_secret_append(&fresh, bytes, length);
    if (status != KC_OK)
        return status;
    kc_secret_wipe(secret);
    *secret = kc_secret_take(&fresh);
    return KC_OK;
}

enum kc_status kc_secret_append(struct kc_secret *secret, const void *bytes, size_t length)
{
    if (length > SIZE_MAX / 4 || secret->length > SIZE_MAX / 4)
        return KC_NO_MEMORY;
    size_t needed = secret->length + length;
    if (!secret->bytes || needed > secret->capacity) {
        enum kc_status status = kc_secret_reserve(
            secret, needed > 2 * secret->capacity ? needed : 2 * secret->capacity);
        if (status != KC_OK)
            return status;
    }
    if (length)
        memcpy(secret->bytes + secret->length, bytes, length);
    secret->length = needed;
    secret->bytes[needed] = 0;
    return KC_OK;
}

struct kc_secret kc_secret_take(struct kc_secret *secret)
{
    struct kc_secret taken = *secret;
    *secret = KC_SECRET_INIT;
    return taken;
}

const char *kc_secret_text(const struct kc_secret *secret)
{
    return secret->bytes ? (const char *)secret->bytes : "";
}

bool kc_secret_equal(const struct kc_secret *a, const struct kc_secret *b)
{
    if (a->length != b->length)
        return false;
    uint8_t difference = 0;
    for (size_t i = 0; i < a->length; i++)
        difference |= a->bytes[i] ^ b->bytes[i];
    return difference == 0;
}

enum kc_status kc_secret_random(struct kc_secret *secret, size_t length)
{
    KC_AUTO_SECRET struct kc_secret fresh = KC_SECRET_INIT;
    enum kc_status status = kc_secret_reserve(&fresh, length);
    if (status != KC_OK)
        return status;
    while (fresh.length < length) {
        ssize_t got = getrandom(fresh.bytes + fresh.length, length - fresh.length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return KC_SYSTEM;
        fresh.length += (size_t)got;
    }
    kc_secret_wipe(secret);
    *secret = kc_secret_take(&fresh);
    return KC_OK;
}
