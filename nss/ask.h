/*
 * Asks the daemon what the snapshot does not know.
 * Used by passwd.c, group.c and initgroups.c after a miss.
 * Must never wait longer than KC_LOOKUP_MS, nor again and again for a daemon that is silent.
 */
#ifndef NSS_ASK_H
#define NSS_ASK_H

#include "common/bounds.h"
#include "common/client.h"
#include "nss/find.h"

/* A question and its answer; entry's views point into storage. */
struct nss_answer {
    struct kc_secret storage;
    int64_t deadline; /* of all pages, in kc_now_ms time; 0: nothing is asked yet */
    struct kc_wire_entry entry;
};

#define NSS_ANSWER_INIT ((struct nss_answer){.storage = KC_SECRET_INIT})
#define NSS_AUTO_ANSWER KC_CLEANUP(nss_answer_clear)

/*
 * Asks for what `kind` and `key` say, from member or gid `skip` on. KC_OK only with an entry that
 * is the one asked for and lies in the host bounds. A daemon that let one call of this process
 * wait in vain is not asked again for a while: KC_TIMED_OUT at once.
 */
enum kc_status nss_ask(enum kc_lookup_kind kind, const struct nss_key *key, uint32_t skip,
    struct nss_answer *ret_answer);

static inline void nss_answer_clear(struct nss_answer *answer)
{
    kc_secret_wipe(&answer->storage);
}

#endif
