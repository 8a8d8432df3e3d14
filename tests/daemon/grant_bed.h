/*
 * A realm object, and the realm that it talks to, told what to answer.
 * Used by test-grant.c and test-realm.c.
 */
#ifndef TESTS_GRANT_BED_H
#define TESTS_GRANT_BED_H

#include "daemon/clock.h"
#include "daemon/config.h"
#include "daemon/grant.h"
#include "daemon/http.h"
#include "daemon/realm.h"
#include "jose/jwk.h"
#include "jose/jwt.h"
#include "jose/sign.h"
#include "tests/daemon/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PASSWORD "corr ect%&+h\xc3\xb6rse"
#define PASSWORD_CODED "corr+ect%25%26%2Bh%C3%B6rse"

struct bed {
    struct peer *peer;
    sd_event *event;
    struct config *config;
    struct realm *realm;
    EVP_PKEY *key;
    char issuer[64];
    char folder[32];
};

struct outcome {
    bool done;
    enum kc_status status;
    char detail[300];
    char access[8192], refresh[64], scope[64], subject[64];
    int64_t expires_at;
    uint64_t at_us;
};

/* What the token says; NULL in a field: left out. */
struct claims {
    const char *user, *azp, *typ, *kid;
    int64_t lifetime;
    const char *extra; /* of the answer, e.g. ,"scope":"x" */
    const char *type;  /* token_type */
    bool no_refresh;
    int64_t ahead; /* seconds that the realm's clock is ahead of ours */
};

extern const struct claims bed_good;

/* A grant_done that fills in an outcome. */
void bed_granted(
    void *userdata, enum kc_status status, const char *detail, struct grant_answer *answer);
void bed_spin_until(struct bed *bed, const bool *done);
void bed_spin(struct bed *bed, unsigned ms);
void bed_spin_until_count(struct bed *bed, enum peer_place place, unsigned count);
struct grant *bed_start(struct bed *bed, const char *user, struct outcome *outcome);
struct outcome bed_login(struct bed *bed, const char *user);
void bed_keys(struct bed *bed, EVP_PKEY *key, const char *kid);
void bed_discovery(struct bed *bed, const char *issuer);
void bed_token(struct bed *bed, EVP_PKEY *key, const struct claims *claims);
void bed_refuse(struct bed *bed);
struct config *bed_configure(struct bed *bed, const char *issuer, const char *more);
int bed_set_up(void **state);
int bed_tear_down(void **state);

#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_set_up, bed_tear_down)

#endif
