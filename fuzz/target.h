/*
 * What a fuzz target is: one function, called again and again in one process.
 * Used by every fuzz/fuzz_*.c; libFuzzer calls it, or fuzz/driver.c where there is no libFuzzer.
 * A property that does not hold ends the process, in a build with NDEBUG too.
 */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define FUZZ_MUST(condition)                                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
