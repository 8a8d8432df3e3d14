/*
 * Fuzz target: a JWKS document, its keys, and a signature held against each of them.
 * No key may verify a signature of zeros, whatever the document says.
 * A key must fit an algorithm for which it is found.
 */
#include "fuzz/target.h"
#include "jose/jwks.h"
#include "jose/limits.h"
#include "jose/verify.h"

#include <openssl/err.h>
#include <string.h>

static const char *const algs[] = {"RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"};
static const char *const kids[] = {NULL, "a", "k1", ""};

/* Ed25519 keys of small order exist and take such a signature: a realm that has one signs nothing.
 */
static void try_zeros(const struct jose_jwk *jwk, const struct jose_alg *alg)
{
    static const uint8_t zeros[JOSE_SIGNATURE_BYTES];
    size_t length = alg->half ? 2 * alg->half : jwk->bits ? (jwk->bits + 7) / 8 : 64;
    enum kc_status status = jose_verify(jwk, alg, "message", 7, zeros, length);
    FUZZ_MUST(status == KC_TOKEN_BAD_SIGNATURE || (status == KC_OK && alg->family == JOSE_EDDSA));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct jose_jwks *set = NULL;
    enum kc_status status = jose_jwks_read(bytes, length, &set);
    FUZZ_MUST((status == KC_OK) == (set != NULL));
    if (!set)
        return 0;
    FUZZ_MUST(jose_jwks_count(set) + jose_jwks_skipped(set) <= JOSE_JWKS_KEYS);
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++)
        for (size_t k = 0; k < sizeof kids / sizeof *kids; k++) {
            const struct jose_alg *alg = jose_alg_find(algs[i], strlen(algs[i]));
            const struct jose_jwk *jwk = NULL;
            if (jose_jwks_find(set, kids[k], alg, &jwk) != KC_OK)
                continue;
            FUZZ_MUST(jose_jwk_fits(jwk, alg));
            try_zeros(jwk, alg);
        }
    FUZZ_MUST(ERR_peek_error() == 0);
    jose_jwks_unref(set);
    return 0;
}
