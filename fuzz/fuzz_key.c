/*
 * Fuzz target: the client's private key, PEM.
 * What is read signs for its algorithm alone, and the published half verifies nothing else; no
 * private member is published.
 */
#include "fuzz/target.h"
#include "jose/json.h"
#include "jose/jws.h"
#include "jose/limits.h"
#include "jose/sign.h"

#include <openssl/err.h>
#include <string.h>

#define PEM_MAX ((size_t)8 * 1024) /* a larger RSA key is slow */
#define BITS_MAX 4096

static const char payload[] = "{\"iss\":\"c\",\"aud\":\"https://i\"}";
static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "k", "oth"};

static struct jose_jwks *publish(EVP_PKEY *key, const char *alg)
{
    struct json_object *jwk = NULL;
    struct jose_jwks *keys = NULL;
    if (jose_jwk_export(key, "k1", alg, &jwk) != KC_OK)
        return NULL;
    for (size_t i = 0; i < sizeof private_members / sizeof *private_members; i++)
        FUZZ_MUST(!json_object_object_get_ex(jwk, private_members[i], NULL));
    char document[8 * 1024];
    int length =
        snprintf(document, sizeof document, "{\"keys\":[%s]}", json_object_to_json_string(jwk));
    json_object_put(jwk);
    FUZZ_MUST(length > 0 && (size_t)length < sizeof document);
    if (jose_jwks_read(document, (size_t)length, &keys) != KC_OK)
        return NULL;
    return keys;
}

/* A key whose halves do not belong together signs what does not verify: never anything else. */
static void sign_and_verify(EVP_PKEY *key, const char *alg)
{
    struct kc_secret token = KC_SECRET_INIT;
    struct jose_jws *jws = NULL;
    struct jose_jwks *keys = publish(key, alg);
    const struct jose_signer signer = {.key = key, .alg = alg, .kid = "k1"};
    enum kc_status status = jose_sign(&signer, payload, sizeof payload - 1, &token);
    FUZZ_MUST(status == KC_OK || token.length == 0);
    if (status == KC_OK && keys) {
        status = jose_jws_verify(keys, token.bytes, token.length, &jws);
        FUZZ_MUST((status == KC_OK) == (jws != NULL));
        FUZZ_MUST(status == KC_OK || status == KC_TOKEN_BAD_SIGNATURE ||
                  status == KC_TOKEN_KEY_UNKNOWN || status == KC_TOKEN_KEY_UNFIT);
        size_t length = 0;
        FUZZ_MUST(
            !jws || (memcmp(jose_jws_payload(jws, &length), payload, sizeof payload - 1) == 0 &&
                        length == sizeof payload - 1));
    }
    jose_jws_free(jws);
    jose_jwks_unref(keys);
    kc_secret_wipe(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char *const others[] = {"RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"};
    KC_AUTO_SECRET struct kc_secret pem = KC_SECRET_INIT;
    KC_AUTO_SECRET struct kc_secret token = KC_SECRET_INIT;
    EVP_PKEY *key = NULL;
    if (length > PEM_MAX)
        return 0;
    FUZZ_MUST(kc_secret_set(&pem, bytes, length) == KC_OK);
    enum kc_status status = jose_sign_key_read(&pem, &key);
    FUZZ_MUST((status == KC_OK) == (key != NULL));
    FUZZ_MUST(ERR_peek_error() == 0);
    if (!key)
        return 0;
    const char *usual = jose_sign_alg_for(key);
    bool is_rsa = usual && strcmp(usual, "RS256") == 0;
    if (EVP_PKEY_get_bits(key) <= BITS_MAX)
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
            const struct jose_signer signer = {.key = key, .alg = others[i]};
            if (usual && (strcmp(usual, others[i]) == 0 ||
                             (is_rsa && others[i][1] == 'S' && others[i][0] != 'E')))
                sign_and_verify(key, others[i]);
            else
                FUZZ_MUST(jose_sign(&signer, "", 0, &token) == KC_TOKEN_KEY_UNFIT);
        }
    FUZZ_MUST(ERR_peek_error() == 0);
    EVP_PKEY_free(key);
    return 0;
}
