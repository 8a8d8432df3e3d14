/*
 * Failures counted before the realm is asked: per source and target, and per target.
 * Used by login.c when a grant's turn has come and when its answer is there.
 * Must never let what others do to somebody's counter keep that person out from a source where
 * they succeeded lately (lessons 28 and 43).
 */
#ifndef DAEMON_LIMITS_H
#define DAEMON_LIMITS_H

#include "common/status.h"

#include <stdint.h>

struct limits;

/* Where an attempt comes from: a local person, or a client's network. */
struct limits_source {
    uint8_t bytes[17];
};

/*
 * The calling process's real uid where it is not 0, else the client's address (an IPv6 address
 * stands for its /64), else its host name as it was given, else the console.
 */
struct limits_source limits_source(uint32_t caller_uid, const char *rhost);

struct limits_setting {
    uint32_t source_failures, target_failures; /* refused from so many on; 0: no limit */
    uint64_t window_ms;
};

/* KC_NO_MEMORY. */
enum kc_status limits_new(struct limits **ret_limits);
void limits_free(struct limits *limits);

/* KC_OK, or KC_LIMITED: this attempt must not reach the realm. Times: milliseconds, any clock. */
enum kc_status limits_check(const struct limits *limits, const struct limits_setting *setting,
    const struct limits_source *source, const char *user, uint64_t now_ms);

/* The realm refused the credentials. Never fails: what does not fit takes the oldest's place. */
void limits_failed(struct limits *limits, const struct limits_setting *setting,
    const struct limits_source *source, const char *user, uint64_t now_ms);

/* The realm took them: the failures of this source, and the user's, are forgiven. */
void limits_succeeded(
    struct limits *limits, const struct limits_source *source, const char *user, uint64_t now_ms);

#endif
