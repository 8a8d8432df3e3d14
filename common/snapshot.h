/*
 * The snapshot: realm users and groups in one file that every process of the host may read.
 * Used by the NSS module, which reads it without a lock, and the daemon, which writes it.
 * Offsets in it are claims of the daemon: a reader checks each before it is used.
 *
 * The file: a head, a table of freshness words, and two arenas of one size. Generation G lives in
 * arena G mod 2. The writer fills the other arena while nobody reads it, then moves `generation`;
 * `building` is moved before the first byte is written, so that a reader who was overtaken sees
 * it. Numbers are in the host's byte order: the file never leaves the host that made it.
 */
#ifndef KC_SNAPSHOT_H
#define KC_SNAPSHOT_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KC_SNAPSHOT_MAGIC 0x32504e534e4c434bull /* "KCLNSNP2" */
#define KC_SNAPSHOT_NAME "users.v1"             /* in the folder `snapshot` of the run folder */
#define KC_SNAPSHOT_HEAD_SIZE 4096u
#define KC_SNAPSHOT_UNIT 8u     /* every record's place in an arena is a multiple of it */
#define KC_SNAPSHOT_ITEM 4u     /* and every list's of this: gids and members are 32 bits each */
#define KC_SNAPSHOT_PROBES 512u /* slots that a search looks at, at most */

#define KC_SNAPSHOT_STRINGS_MAX 1024u      /* bytes of a user's five strings */
#define KC_SNAPSHOT_GROUPS_MAX 4096u       /* groups of a user */
#define KC_SNAPSHOT_MEMBERS_MAX (1u << 20) /* members of a group */

/* The words of the head that change while others read. Each is an atomic 32-bit word. */
struct kc_snapshot_state {
    uint32_t generation; /* the newest whole arena; 0: none yet */
    uint32_t building;   /* the arena that is whole, or the next one, being written */
    uint32_t moved;      /* not 0: another file has taken this one's place */
    uint32_t enumerate;  /* not 0: getpwent lists users */
    uint32_t user_grace; /* seconds that an entry may be used beyond its time when nobody answers */
    uint32_t group_grace;
};

struct kc_snapshot_head {
    uint64_t magic;
    uint64_t file_size;
    uint64_t fresh_offset; /* the table of freshness words, 32 bits each */
    uint64_t fresh_count;
    uint64_t arena_offset[2];
    uint64_t arena_size;
    uint64_t unused;
    struct kc_snapshot_state state; /* a cache line of its own */
};

enum kc_snapshot_index {
    KC_INDEX_USER_NAME,
    KC_INDEX_UID,
    KC_INDEX_GROUP_NAME,
    KC_INDEX_GID,
    KC_INDEX_COUNT,
};

/* Where an index's slots are: `place` in units, `count` slots of 8 bytes. */
struct kc_snapshot_slots {
    uint32_t place;
    uint32_t count;
};

/* Records that stand one after the other, in the order of their names: places, `end` behind. */
struct kc_snapshot_range {
    uint32_t begin;
    uint32_t end;
};

/*
 * An arena begins with this. A search needs its first cache line only. A slot is 32 bits of place
 * (0: empty) below 32 bits of hash; open addressing, linear, no deletion.
 */
struct kc_arena_head {
    uint64_t seed[2];
    struct kc_snapshot_slots index[KC_INDEX_COUNT];
    uint64_t used;     /* bytes of the arena, this head included */
    uint64_t checksum; /* of all used bytes behind this head */
    struct kc_snapshot_range users;
    struct kc_snapshot_range groups;
    uint64_t unused[6];
};

/* What a record is, in its first byte. */
enum kc_record_kind {
    KC_RECORD_USER = 1,
    KC_RECORD_GROUP = 2,
    KC_RECORD_LOCAL = 3, /* a name of the host's own files: never the realm's */
};

/*
 * A user: this head, then "name\0x\0gecos\0home\0shell\0", filled up with zeros to a whole unit.
 * `fresh` counts in the table of freshness: the entry's word, and after it the group list's.
 * A LOCAL record has kind, name_size, strings_size and the name, and nothing else.
 */
struct kc_record_user {
    uint8_t kind;
    uint8_t name_size; /* sizes include the NUL */
    uint16_t strings_size;
    uint16_t gecos; /* where a string begins, counted from the name */
    uint16_t home;
    uint16_t shell;
    uint16_t group_count;
    uint32_t uid;
    uint32_t gid;
    uint32_t fresh;
    uint32_t groups; /* the place, in items, of group_count gids */
    uint32_t unused;
};

/*
 * A group: this head, then "name\0x\0", filled up; the words of `fresh` are entry and members.
 * A member is the place of a user's name, in units, with the name's length less one above it: so
 * that whoever lists a group reads nothing of a member but the name.
 */
struct kc_record_group {
    uint8_t kind;
    uint8_t name_size;
    uint16_t strings_size;
    uint32_t gid;
    uint32_t fresh;
    uint32_t members; /* the place, in items, of member_count members */
    uint32_t member_count;
    uint32_t member_size; /* bytes of all members' names */
};

#define KC_MEMBER_PLACE_BITS 27
#define KC_MEMBER_PLACE_MAX ((1u << KC_MEMBER_PLACE_BITS) - 1)

static inline uint32_t kc_member_make(uint32_t place, size_t length)
{
    return place | (uint32_t)(length - 1) << KC_MEMBER_PLACE_BITS;
}

static inline uint32_t kc_member_place(uint32_t member)
{
    return member & KC_MEMBER_PLACE_MAX;
}

static inline size_t kc_member_length(uint32_t member)
{
    return (member >> KC_MEMBER_PLACE_BITS) + 1;
}

_Static_assert(sizeof(struct kc_arena_head) == 128, "an arena's head is two cache lines");
_Static_assert(sizeof(struct kc_record_user) == 32, "a user's head is half a cache line");
_Static_assert(sizeof(struct kc_record_group) == 24, "a group's head is three units");
_Static_assert(offsetof(struct kc_snapshot_head, state) == 64, "the words have their own line");

/* Two 64-bit numbers folded into one: the core of the hash below. */
static inline uint64_t kc_snapshot_fold(uint64_t a, uint64_t b)
{
    const unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A name as the index sees it: its bytes in words, the first one lowest, filled up with zeros. */
#define KC_SNAPSHOT_NAME_WORDS 4u

/*
 * At most 8 bytes as a word. Put together in registers: a word that is read where single bytes have
 * just been written waits for them.
 */
static inline uint64_t kc_snapshot_name_word(const char *bytes, size_t length)
{
    const unsigned char *single = (const unsigned char *)bytes;
    uint64_t whole;
    uint32_t low;
    uint32_t high;
    if (length >= sizeof whole) {
        memcpy(&whole, bytes, sizeof whole);
        return le64toh(whole);
    }
    if (length >= sizeof low) { /* the two may overlap */
        memcpy(&low, bytes, sizeof low);
        memcpy(&high, bytes + length - sizeof high, sizeof high);
        return le32toh(low) | (uint64_t)le32toh(high) << 8 * (length - sizeof high);
    }
    if (length == 0)
        return 0;
    return single[0] | (uint64_t)single[length / 2] << 8 * (length / 2) |
           (uint64_t)single[length - 1] << 8 * (length - 1);
}

static inline void kc_snapshot_name_words(
    const char *name, size_t length, uint64_t ret_words[KC_SNAPSHOT_NAME_WORDS])
{
    ret_words[0] = kc_snapshot_name_word(name, length);
    ret_words[1] = ret_words[2] = ret_words[3] = 0;
    for (size_t i = 1; i * sizeof ret_words[0] < length; i++)
        ret_words[i] = kc_snapshot_name_word(
            name + i * sizeof ret_words[0], length - i * sizeof ret_words[0]);
}

/*
 * The hash of a name of at most 32 bytes; most have at most 16. The seed is random in each arena, so
 * that names chosen by somebody do not meet in one place; the probe limit holds whatever he knows.
 */
static inline uint64_t kc_snapshot_hash_name(
    const uint64_t seed[2], const uint64_t words[KC_SNAPSHOT_NAME_WORDS])
{
    const uint64_t hash = kc_snapshot_fold(words[0] ^ seed[0], words[1] ^ seed[1]);
    if (words[2] == 0) /* a name has no byte 0 */
        return hash;
    return hash ^ kc_snapshot_fold(words[2] ^ ~seed[0], words[3] ^ ~seed[1]);
}

static inline uint64_t kc_snapshot_hash_id(const uint64_t seed[2], uint32_t id)
{
    return kc_snapshot_fold(id ^ seed[0], seed[1] | 1);
}

/* The first slot that a search for `hash` looks at. */
static inline uint32_t kc_snapshot_first_slot(uint64_t hash, uint32_t count)
{
    return (uint32_t)(((hash & UINT32_MAX) * count) >> 32);
}

static inline uint32_t kc_snapshot_tag(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

/* Bytes in whole units. */
static inline uint64_t kc_snapshot_round(uint64_t size)
{
    return (size + KC_SNAPSHOT_UNIT - 1) & ~(uint64_t)(KC_SNAPSHOT_UNIT - 1);
}

#endif
