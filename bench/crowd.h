/*
 * The people and groups that lookups are measured with: as many as wanted, the same each time.
 * Used by bench/fill, which publishes them, and bench/seek, which looks them up.
 * Must never depend on anything but the numbers given.
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include <stddef.h>
#include <stdint.h>

#define CROWD_FIRST_ID 1879048192u
#define CROWD_ADA_GROUPS 20u /* that `ada` is in: g00 to g19 */
#define CROWD_HUNDRED 100u   /* members of the group `hundred` */
#define CROWD_TEXT 48u       /* bytes that hold any name, gecos or home */

/* User 0 is `ada`; the others' names are seven to ten letters and digits, in the order of numbers. */
void crowd_name(uint32_t number, char ret_name[CROWD_TEXT]);
void crowd_gecos(uint32_t number, uint32_t version, char ret_gecos[CROWD_TEXT]);
void crowd_home(uint32_t number, char ret_home[CROWD_TEXT]);

static inline uint32_t crowd_uid(uint32_t number)
{
    return CROWD_FIRST_ID + number;
}

/* A group's gid: `hundred` is group 0, g00 group 1, and so on; then one for each 100 users. */
static inline uint32_t crowd_gid(uint32_t group)
{
    return CROWD_FIRST_ID + group;
}

/* The numbers 0 to count - 1 in an order that no cache foresees. The caller frees it. */
uint32_t *crowd_shuffle(uint32_t count);

#endif
