/*
 * Pages of secrets that are kept for the next one: a login holds about twenty, each for a moment,
 * and to map, lock and unmap them all would be the greater part of its time.
 * Opened by main.c, once; used by common/secret.c, which finds it by its hooks where it is linked.
 * Must never keep a byte of what a page held.
 */
#ifndef DAEMON_SECRET_POOL_H
#define DAEMON_SECRET_POOL_H

#include <stddef.h>

/* From now on pages are kept, at most 256 KiB of them; for a program with one thread. */
void secret_pool_open(void);

/* Gives back what is kept, and keeps nothing any more. */
void secret_pool_close(void);

/* Bytes that are kept now. */
size_t secret_pool_kept(void);

#endif
