/*
 * libcurl's memory.
 * Used by main.c once, by http_request.c to tell a shortage from what only looks like one.
 * Must never give memory back that has not been wiped: passwords and tokens pass through it.
 */
#include "daemon/http_request.h"

#include <string.h>

/* libcurl's allocator: blocks remember their size, and are wiped before they go. */
#define BLOCK_HEAD 16

/* libcurl says "out of memory" of a header line without end as well. */
static bool refused_memory;

bool http_refused_memory(void)
{
    bool refused = refused_memory;
    refused_memory = false;
    return refused;
}

static void *block_new(size_t size)
{
    if (size > SIZE_MAX - BLOCK_HEAD)
        return NULL;
    uint8_t *block = malloc(BLOCK_HEAD + size);
    if (!block) {
        refused_memory = true;
        return NULL;
    }
    memcpy(block, &size, sizeof(size));
    return block + BLOCK_HEAD;
}

static void block_free(void *bytes)
{
    if (!bytes)
        return;
    uint8_t *block = (uint8_t *)bytes - BLOCK_HEAD;
    size_t size;
    memcpy(&size, block, sizeof(size));
    kc_wipe(bytes, size);
    free(block);
}

static void *block_resize(void *bytes, size_t size)
{
    size_t old = 0;
    void *fresh = block_new(size);
    if (!fresh || !bytes)
        return fresh;
    memcpy(&old, (uint8_t *)bytes - BLOCK_HEAD, sizeof(old));
    memcpy(fresh, bytes, old < size ? old : size);
    block_free(bytes);
    return fresh;
}

static char *block_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = block_new(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

static void *block_zeroed(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    void *bytes = block_new(count * size);
    if (bytes)
        memset(bytes, 0, count * size);
    return bytes;
}

enum kc_status http_global_init(void)
{
    CURLcode code = curl_global_init_mem(
        CURL_GLOBAL_DEFAULT, block_new, block_free, block_resize, block_text, block_zeroed);
    if (code == CURLE_OUT_OF_MEMORY)
        return KC_NO_MEMORY;
    return code == CURLE_OK ? KC_OK : KC_SYSTEM;
}
