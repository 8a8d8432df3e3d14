/*
 * Looks for secrets in this process's own memory (lesson 23).
 * Used by try-grant, after everything that held a secret has been given back.
 * Must never hold a pattern in plain: it would find itself.
 */
#ifndef TESTS_SCAN_H
#define TESTS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scan_pattern {
    uint8_t masked[512];
    size_t length;
};

/* Takes a pattern: the last bytes, where there are more than fit. */
void scan_take(struct scan_pattern *pattern, const void *bytes, size_t length);

/* False where a sanitizer's shadow, terabytes of it, is part of the memory. */
bool scan_possible(void);

/* How often it stands in writable memory: heap, stack, data and anonymous mappings. */
size_t scan_count(const struct scan_pattern *pattern);

#endif
