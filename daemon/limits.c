/*
 * Failures counted before the realm is asked.
 * Used by login.c.
 * Must never grow: two tables of fixed size, in which a newcomer takes the oldest one's place.
 */
#include "daemon/limits.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define TABLE_SIZE 4096 /* entries of each table, a power of two */
#define PROBES 8        /* places where an entry may stand */
#define LATELY_MS (7ull * 24 * 3600 * 1000)

struct passwd_entry {
    uint64_t name;     /* a keyed hash of whom it counts; 0: free */
    uint64_t since_ms; /* of the first failure that counts */
    uint64_t touched_ms;
    uint64_t success_ms; /* 0: never */
    uint32_t failures;
};

struct limits {
    uint8_t seed[16]; /* so that nobody can choose names that meet in one place */
    struct passwd_entry pairs[TABLE_SIZE];
    struct passwd_entry targets[TABLE_SIZE];
};

static struct limits_source tagged(char tag, const void *bytes, size_t length)
{
    struct limits_source source = {.bytes = {(uint8_t)tag}};
    memcpy(source.bytes + 1, bytes, length);
    return source;
}

struct limits_source limits_source(uint32_t caller_uid, const char *rhost)
{
    uint8_t address[16] = {0}, digest[EVP_MAX_MD_SIZE];
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (caller_uid != 0)
        return tagged('u', &caller_uid, sizeof caller_uid);
    if (!*rhost)
        return tagged('c', "", 0);
    if (inet_pton(AF_INET, rhost, address) == 1)
        return tagged('4', address, 4);
    if (inet_pton(AF_INET6, rhost, address) == 1)
        return memcmp(address, mapped, sizeof mapped) == 0 ? tagged('4', address + 12, 4)
                                                           : tagged('6', address, 8);
    if (EVP_Digest(rhost, strlen(rhost), digest, NULL, EVP_sha256(), NULL) != 1)
        return tagged('c', "", 0);
    return tagged('h', digest, 16);
}

static uint64_t name_of(
    const struct limits *limits, const struct limits_source *source, const char *user)
{
    uint8_t text[sizeof limits->seed + sizeof(struct limits_source) + 256] = {0};
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t length = strnlen(user, 255), used = sizeof limits->seed;
    memcpy(text, limits->seed, used);
    if (source) {
        memcpy(text + used, source->bytes, sizeof source->bytes);
        used += sizeof source->bytes;
    }
    memcpy(text + used, user, length);
    uint64_t name = 0;
    if (EVP_Digest(text, used + length, digest, NULL, EVP_sha256(), NULL) == 1)
        memcpy(&name, digest, sizeof name);
    return name ? name : 1;
}

static const struct passwd_entry *find(const struct passwd_entry *table, uint64_t name)
{
    for (size_t i = 0; i < PROBES; i++) {
        const struct passwd_entry *entry = &table[(name + i) % TABLE_SIZE];
        if (entry->name == name)
            return entry;
    }
    return NULL;
}

/* Whether `a` is worth less than `b`: who succeeded once is kept before who only failed. */
static bool worth_less(const struct passwd_entry *a, const struct passwd_entry *b)
{
    if ((a->success_ms != 0) != (b->success_ms != 0))
        return a->success_ms == 0;
    return a->touched_ms < b->touched_ms;
}

static struct passwd_entry *make(struct passwd_entry *table, uint64_t name, uint64_t now_ms)
{
    struct passwd_entry *worst = &table[name % TABLE_SIZE];
    for (size_t i = 0; i < PROBES; i++) {
        struct passwd_entry *entry = &table[(name + i) % TABLE_SIZE];
        if (entry->name == name) {
            entry->touched_ms = now_ms;
            return entry;
        }
        if (entry->name == 0 || (worst->name != 0 && worth_less(entry, worst)))
            worst = entry;
    }
    *worst = (struct passwd_entry){.name = name, .touched_ms = now_ms};
    return worst;
}

static bool over(const struct passwd_entry *entry, uint32_t limit, const struct limits_setting *setting,
    uint64_t now_ms)
{
    return entry && limit && entry->failures >= limit &&
           now_ms - entry->since_ms < setting->window_ms;
}

enum kc_status limits_check(const struct limits *limits, const struct limits_setting *setting,
    const struct limits_source *source, const char *user, uint64_t now_ms)
{
    const struct passwd_entry *pair = find(limits->pairs, name_of(limits, source, user));
    if (over(pair, setting->source_failures, setting, now_ms))
        return KC_LIMITED;
    if (pair && pair->success_ms && now_ms - pair->success_ms < LATELY_MS)
        return KC_OK;
    const struct passwd_entry *target = find(limits->targets, name_of(limits, NULL, user));
    return over(target, setting->target_failures, setting, now_ms) ? KC_LIMITED : KC_OK;
}

static void count(struct passwd_entry *entry, const struct limits_setting *setting, uint64_t now_ms)
{
    if (entry->failures == 0 || now_ms - entry->since_ms >= setting->window_ms) {
        entry->since_ms = now_ms;
        entry->failures = 0;
    }
    entry->failures++;
}

void limits_failed(struct limits *limits, const struct limits_setting *setting,
    const struct limits_source *source, const char *user, uint64_t now_ms)
{
    count(make(limits->pairs, name_of(limits, source, user), now_ms), setting, now_ms);
    count(make(limits->targets, name_of(limits, NULL, user), now_ms), setting, now_ms);
}

void limits_succeeded(
    struct limits *limits, const struct limits_source *source, const char *user, uint64_t now_ms)
{
    struct passwd_entry *pair = make(limits->pairs, name_of(limits, source, user), now_ms);
    struct passwd_entry *target = make(limits->targets, name_of(limits, NULL, user), now_ms);
    pair->success_ms = now_ms ? now_ms : 1;
    pair->failures = 0;
    target->failures = 0;
}

enum kc_status limits_new(struct limits **ret_limits)
{
    struct limits *limits = calloc(1, sizeof *limits);
    if (!limits)
        return KC_NO_MEMORY;
    if (getrandom(limits->seed, sizeof limits->seed, 0) != sizeof limits->seed) {
        free(limits);
        return KC_SYSTEM;
    }
    *ret_limits = limits;
    return KC_OK;
}

void limits_free(struct limits *limits)
{
    free(limits);
}
