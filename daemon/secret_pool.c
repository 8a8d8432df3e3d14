/*
 * The pool of secrets' pages.
 * Used through the hooks of common/secret.h.
 * Must never give out or keep a page that is not all zeros, but for its link while it is kept.
 */
#include "daemon/secret_pool.h"

#include "common/secret.h"

#include <stdbool.h>
#include <sys/mman.h>

#define KEPT_MAX ((size_t)256 * 1024)
#define CLASSES 5 /* of 4, 8, 16, 32 and 64 KiB */
#define CLASS_FIRST 4096u

struct pages {
    struct pages *next;
};

static struct {
    bool open;
    size_t kept;
    struct pages *free[CLASSES];
} pool;

/* CLASSES: not a size that is kept. */
static unsigned class_of(size_t size)
{
    unsigned class = 0;
    while (class < CLASSES && (size_t)CLASS_FIRST << class != size)
        class++;
    return class;
}

void *kc_secret_pages_take(size_t size)
{
    unsigned class = class_of(size);
    struct pages *pages = class < CLASSES ? pool.free[class] : NULL;
    if (!pages)
        return NULL;
    pool.free[class] = pages->next;
    pool.kept -= size;
    pages->next = NULL;
    return pages;
}

bool kc_secret_pages_keep(void *bytes, size_t size)
{
    unsigned class = class_of(size);
    if (!pool.open || class == CLASSES || pool.kept + size > KEPT_MAX)
        return false;
    kc_wipe(bytes, size);
    struct pages *pages = bytes;
    pages->next = pool.free[class];
    pool.free[class] = pages;
    pool.kept += size;
    return true;
}

void secret_pool_open(void)
{
    pool.open = true;
}

void secret_pool_close(void)
{
    pool.open = false;
    for (unsigned class = 0; class < CLASSES; class++) {
        size_t size = (size_t)CLASS_FIRST << class;
        for (void *pages; (pages = kc_secret_pages_take(size));)
            munmap(pages, size);
    }
}

size_t secret_pool_kept(void)
{
    return pool.kept;
}
