/*
 * Runs a fuzz target over the files given as arguments: the corpus as a regression test.
 * Linked into each target where the compiler has no libFuzzer.
 * A file that cannot be read is a failure, and so is no file at all.
 */
#include "fuzz/target.h"

#include <string.h>

#define FILE_BYTES (2 * 1024 * 1024)

/* The input lies at the end of memory of its own, so that a sanitizer sees a read past it. */
static int run_file(const char *path)
{
    static uint8_t room[FILE_BYTES];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    size_t length = fread(room, 1, sizeof room, file);
    fclose(file);
    uint8_t *exact = malloc(length ? length : 1);
    if (!exact)
        return 1;
    memcpy(exact, room, length);
    (void)LLVMFuzzerTestOneInput(exact, length);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++)
        failed |= run_file(argv[i]);
    fprintf(stderr, "%s: %d files\n", argv[0], argc - 1);
    return failed;
}
