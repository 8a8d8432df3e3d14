/*
 * The people and groups that lookups are measured with: as many as wanted, the same each time.
 * Used by bench/fill, which publishes them, and bench/seek, which looks them up.
 * Must never depend on anything but the numbers given.
 */
#include "bench/crowd.h"

#include <stdio.h>
#include <stdlib.h>

/* A number's bits, well stirred. */
static uint64_t stir(uint64_t number)
{
    number = (number ^ number >> 31) * 0x7fb5d329728ea185ull;
    number = (number ^ number >> 27) * 0x81dadef4bc2dd44dull;
    return number ^ number >> 33;
}

void crowd_name(uint32_t number, char ret_name[CROWD_TEXT])
{
    static const char letters[] = "bdfk";
    if (number == 0) {
        snprintf(ret_name, CROWD_TEXT, "ada");
        return;
    }
    /* the digits come first after one letter, so that names are in the order of numbers */
    snprintf(ret_name, CROWD_TEXT, "u%06x%.*s", number, (int)(stir(number) % 4), letters);
}

void crowd_gecos(uint32_t number, uint32_t version, char ret_gecos[CROWD_TEXT])
{
    static const char names[] = "Ada Lovelace Hopper";
    if (version > 0)
        snprintf(ret_gecos, CROWD_TEXT, "Version %u", version);
    else
        snprintf(ret_gecos, CROWD_TEXT, "%.*s", 8 + (int)(stir(number + 1000) % 10), names);
}

void crowd_home(uint32_t number, char ret_home[CROWD_TEXT])
{
    char name[CROWD_TEXT];
    crowd_name(number, name);
    snprintf(ret_home, CROWD_TEXT, "/home/%.*s", 32, name);
}

uint32_t *crowd_shuffle(uint32_t count)
{
    uint32_t *order = calloc(count + 1u, sizeof *order);
    if (!order)
        abort();
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at = (uint32_t)(stir(i + 1) % (i + 1u));
        order[i] = order[at];
        order[at] = i;
    }
    return order;
}
