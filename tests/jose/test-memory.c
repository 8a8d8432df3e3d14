/*
 * Memory that runs out: each allocation in turn fails, ours, json-c's and OpenSSL's.
 * Run by make check, except where a sanitizer owns the allocator.
 * A failure is a status, nothing leaks or crashes, and a bad token is never taken for a good one.
 */
#include "jose/json.h"
#include "jose/jws.h"
#include "jose/jwt.h"
#include "jose/limits.h"
#include "jose/sign.h"
#include "tests/jose/forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* glibc's own allocator, which ours stands in front of. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *block);

static long left = -1; /* allocations until one fails; -1: none does */
static long live;      /* blocks in use */

static bool fails(void)
{
    if (left < 0)
        return false;
    if (left == 0) {
        left = -1; /* one failure a run: what follows it must cope */
        return true;
    }
    left--;
    return false;
}

void *malloc(size_t size)
{
    void *block = fails() ? NULL : __libc_malloc(size);
    live += block != NULL;
    return block;
}

void *calloc(size_t count, size_t size)
{
    void *block = fails() ? NULL : __libc_calloc(count, size);
    live += block != NULL;
    return block;
}

void *realloc(void *old, size_t size)
{
    if (fails())
        return NULL;
    void *block = __libc_realloc(old, size);
    live += block != NULL && old == NULL;
    return block;
}

void free(void *block)
{
    live -= block != NULL;
    __libc_free(block);
}

/* --- the calls under test ------------------------------------------------------------------- */

#define HEADER "{\"alg\":\"%s\",\"kid\":\"k1\"}"
#define CLAIMS                                                                                     \
    "{\"iss\":\"i\",\"azp\":\"c\",\"typ\":\"Bearer\",\"exp\":2000,\"iat\":1.5e3,\"sub\":\"s\","    \
    "\"aud\":[\"api\"],\"preferred_username\":\"ada\",\"x\":{\"y\":[1,null,true]}}"

static const struct jwt_expect ada = {
    .issuer = "i", .client_id = "c", .user = "ada", .audience = "api", .now = 1600};

struct scene {
    const char *alg;
    struct jose_jwks *keys;
    char *document; /* of the keys */
    char *good;
    char *bad; /* of another signer */
};

static struct scene scene_for(const char *alg)
{
    EVP_PKEY *key = forge_key(forge_kind(alg)), *other = forge_other_key(forge_kind(alg));
    char *header = forge_text(HEADER, alg), *jwk = forge_jwk(key, "\"kid\":\"k1\",\"use\":\"sig\"");
    struct scene scene = {
        .alg = alg,
        .keys = forge_set_of(key, alg),
        .document = forge_text("{\"keys\":[%s],\"keys2\":1,\"a\":1,\"a\":2}", jwk),
        .good = forge_token(header, CLAIMS, key, alg),
        .bad = forge_token(header, CLAIMS, other, alg),
    };
    EVP_PKEY_free(other);
    free(header);
    free(jwk);
    return scene;
}

static void scene_end(struct scene *scene)
{
    jose_jwks_unref(scene->keys);
    free(scene->document);
    free(scene->good);
    free(scene->bad);
}

static enum kc_status verify_good(const struct scene *scene)
{
    struct jose_jwt *jwt = NULL;
    enum kc_status status =
        jose_jwt_verify(scene->keys, scene->good, strlen(scene->good), &ada, &jwt);
    jose_jwt_free(jwt);
    return status;
}

static enum kc_status verify_bad(const struct scene *scene)
{
    struct jose_jwt *jwt = NULL;
    enum kc_status status =
        jose_jwt_verify(scene->keys, scene->bad, strlen(scene->bad), &ada, &jwt);
    jose_jwt_free(jwt);
    return status;
}

static enum kc_status read_set(const struct scene *scene)
{
    struct jose_jwks *keys = NULL;
    enum kc_status status = jose_jwks_read(scene->document, strlen(scene->document), &keys);
    jose_jwks_unref(keys);
    return status;
}

static enum kc_status sign_claims(const struct scene *scene)
{
    KC_AUTO_SECRET struct kc_secret token = KC_SECRET_INIT;
    const struct jose_signer signer = {
        .key = forge_key(forge_kind(scene->alg)), .alg = scene->alg, .kid = "k1"};
    return jose_sign(&signer, CLAIMS, strlen(CLAIMS), &token);
}

static enum kc_status export_key(const struct scene *scene)
{
    struct json_object *object = NULL;
    enum kc_status status =
        jose_jwk_export(forge_key(forge_kind(scene->alg)), "k1", scene->alg, &object);
    json_object_put(object);
    return status;
}

/* Runs a call whose allocation `at` fails; whether it got that far, and what it gave. */
static bool run_starved(enum kc_status (*call)(const struct scene *), const struct scene *scene,
    long at, enum kc_status *ret_status)
{
    left = at;
    *ret_status = call(scene);
    bool reached = left < 0;
    left = -1;
    return reached;
}

/* OpenSSL keeps texts of its last 16 errors: a leak is what still grows after many times that. */
static bool leaks(enum kc_status (*call)(const struct scene *), const struct scene *scene, long at)
{
    enum kc_status status;
    for (unsigned i = 0; i < 64; i++)
        (void)run_starved(call, scene, at, &status);
    long before = live;
    for (unsigned i = 0; i < 64; i++)
        (void)run_starved(call, scene, at, &status);
    return live >= before + 64;
}

/*
 * Runs a call with the first, second, third ... allocation failing until none is left to fail.
 * Returns how often the call failed.
 */
static long starve(
    enum kc_status (*call)(const struct scene *), const struct scene *scene, enum kc_status whole)
{
    long failed = 0;
    assert_int_equal(call(scene), whole); /* whatever is made once is made now */
    for (long at = 0; at < 20000; at++) {
        long before = live;
        enum kc_status status;
        bool reached = run_starved(call, scene, at, &status);
        if (live > before && leaks(call, scene, at))
            fail_msg("allocation %ld: a leak", at);
        if (whole != KC_OK)
            assert_int_not_equal(status, KC_OK);
        failed += status != whole;
        if (!reached)
            return failed;
    }
    fail_msg("it never ends");
    return 0;
}

static void test_every_call(void **state)
{
    (void)state;
    static const char *const algs[] = {"RS256", "PS256", "ES256", "EdDSA"};
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        struct scene scene = scene_for(algs[i]);
        assert_true(starve(verify_good, &scene, KC_OK) > 20);
        assert_true(starve(verify_bad, &scene, KC_TOKEN_BAD_SIGNATURE) > 5);
        assert_true(starve(read_set, &scene, KC_OK) > 10);
        assert_true(starve(sign_claims, &scene, KC_OK) > 5);
        assert_true(starve(export_key, &scene, KC_OK) > 10);
        scene_end(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_call)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
