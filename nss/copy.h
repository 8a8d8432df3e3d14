/*
 * Copies records of the snapshot into a caller's buffer.
 * Used by find.c within an attempt, which judges afterwards whether what was copied counts.
 * Must never follow an offset, a size or a count that it has not checked.
 */
#ifndef NSS_COPY_H
#define NSS_COPY_H

#include "nss/find.h"

/* A record that a search found: its place in the arena, and its head. */
struct nss_record {
    uint64_t at;
    union {
        struct kc_record_user user;
        struct kc_record_group group;
    } head;
};

/* Copies a record that was found, with the checks that the snapshot's reader owes its caller. */
enum nss_found nss_copy_user(const struct nss_attempt *attempt, const struct nss_record *record,
    enum nss_age age, struct nss_room room, struct passwd *ret_user);
enum nss_found nss_copy_group(const struct nss_attempt *attempt, const struct nss_record *record,
    enum nss_age age, struct nss_room room, struct group *ret_group);

/* Adds a user's gids. The array's count is put back by who sees the attempt fail. */
enum nss_found nss_copy_gids(const struct nss_attempt *attempt, const struct nss_record *record,
    enum nss_age age, struct nss_gids *gids);

/* Fetches `size` bytes of strings, and ends the last one. */
bool nss_copy_strings(const struct nss_attempt *attempt, uint64_t at, size_t size, char *to);

#endif
