/*
 * One public key from a JWK, as an EVP_PKEY.
 * Used by jwks.c and by tests.
 * Must never take a symmetric key, a weak one, or a point that is not on its curve.
 */
#include "jose/jwk.h"

#include "common/base64.h"
#include "jose/json.h"
#include "jose/limits.h"
#include "jose/ossl.h"

#include <openssl/core_names.h>
#include <string.h>

/* The kinds of key that have a curve: JOSE's names and OpenSSL's. */
struct curve {
    const char *kty;
    const char *crv;
    const char *name; /* OpenSSL's key type for OKP, its group for EC */
    size_t field;     /* bytes of a coordinate, or of an OKP key */
};

static const struct curve curves[] = {
    {"EC", "P-256", "P-256", 32},
    {"EC", "P-384", "P-384", 48},
    {"EC", "P-521", "P-521", 66},
    {"OKP", "Ed25519", "ED25519", 32},
    {"OKP", "Ed448", "ED448", 57},
};

/* What a member's text became; freed by its clean-up. */
struct octets {
    uint8_t *bytes;
    size_t length;
};

static void octets_free(const struct octets *octets)
{
    free(octets->bytes);
}

#define AUTO_OCTETS KC_CLEANUP(octets_free)

/* A required member in base64url, of at most `max` bytes. */
static enum kc_status octets_member(
    const struct json_object *object, const char *name, size_t max, struct octets *ret_octets)
{
    const char *text;
    size_t length;
    enum kc_status status =
        jose_json_string(object, name, kc_base64url_encoded_length(max), &text, &length);
    if (status == KC_NOT_FOUND)
        return KC_MALFORMED;
    if (status != KC_OK)
        return status == KC_TOO_LARGE ? KC_TOKEN_KEY_UNFIT : status;
    struct octets octets = {malloc(max), 0};
    if (!octets.bytes)
        return KC_NO_MEMORY;
    status = kc_base64url_decode(text, length, octets.bytes, max, &octets.length);
    if (status != KC_OK) {
        octets_free(&octets);
        return status;
    }
    *ret_octets = octets;
    return KC_OK;
}

/* An optional text member; NULL where it is absent. */
static enum kc_status text_member(
    const struct json_object *object, const char *name, size_t max, const char **ret_text)
{
    const char *text = NULL;
    enum kc_status status = jose_json_string(object, name, max, &text, NULL);
    if (status != KC_OK && status != KC_NOT_FOUND)
        return status;
    *ret_text = text;
    return KC_OK;
}

/* --- the numbers of an RSA key ------------------------------------------------------------- */

/* RFC 8017 section 3.1: n and e are odd. OpenSSL takes e up to 64 bits from 3072 bits on. */
static bool rsa_numbers_fit(const BIGNUM *n, const BIGNUM *e)
{
    return BN_num_bits(n) >= JOSE_RSA_BITS_MIN && BN_num_bits(n) <= JOSE_RSA_BITS_MAX &&
           BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e) && BN_num_bits(e) <= 64;
}

static enum kc_status rsa_key(const struct json_object *object, struct jose_jwk *jwk)
{
    AUTO_OCTETS struct octets n = {NULL, 0};
    AUTO_OCTETS struct octets e = {NULL, 0};
    enum kc_status status = octets_member(object, "n", JOSE_RSA_BITS_MAX / 8 + 1, &n);
    if (status == KC_OK)
        status = octets_member(object, "e", 9, &e);
    if (status != KC_OK)
        return status;
    OSSL_AUTO_BN BIGNUM *modulus = BN_bin2bn(n.bytes, (int)n.length, NULL);
    OSSL_AUTO_BN BIGNUM *exponent = BN_bin2bn(e.bytes, (int)e.length, NULL);
    OSSL_AUTO_BUILDER OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (!modulus || !exponent || !builder)
        return KC_NO_MEMORY;
    if (!rsa_numbers_fit(modulus, exponent))
        return KC_TOKEN_KEY_UNFIT;
    if (!OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) ||
        !OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent))
        return KC_NO_MEMORY;
    jwk->bits = (size_t)BN_num_bits(modulus);
    return ossl_key_build("RSA", builder, &jwk->key);
}

/* --- points -------------------------------------------------------------------------------- */

/* RFC 7518 section 6.2.1: each coordinate has the full length of the field. */
static enum kc_status coordinate(
    const struct json_object *object, const char *name, size_t field, uint8_t *to)
{
    AUTO_OCTETS struct octets octets = {NULL, 0};
    enum kc_status status = octets_member(object, name, field, &octets);
    if (status != KC_OK)
        return status;
    if (octets.length != field)
        return KC_TOKEN_KEY_UNFIT;
    memcpy(to, octets.bytes, field);
    return KC_OK;
}

static enum kc_status ec_key(
    const struct json_object *object, const struct curve *curve, struct jose_jwk *jwk)
{
    uint8_t point[1 + 2 * 66] = {POINT_CONVERSION_UNCOMPRESSED};
    enum kc_status status = coordinate(object, "x", curve->field, point + 1);
    if (status == KC_OK)
        status = coordinate(object, "y", curve->field, point + 1 + curve->field);
    if (status != KC_OK)
        return status;
    OSSL_AUTO_BUILDER OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (!builder ||
        !OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) ||
        !OSSL_PARAM_BLD_push_octet_string(
            builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * curve->field))
        return KC_NO_MEMORY;
    status = ossl_key_build("EC", builder, &jwk->key);
    return status == KC_OK ? ossl_point_check(jwk->key) : status;
}

static enum kc_status okp_key(
    const struct json_object *object, const struct curve *curve, struct jose_jwk *jwk)
{
    uint8_t bytes[57];
    enum kc_status status = coordinate(object, "x", curve->field, bytes);
    if (status != KC_OK)
        return status;
    jwk->key = EVP_PKEY_new_raw_public_key_ex(NULL, curve->name, NULL, bytes, curve->field);
    return jwk->key ? KC_OK : ossl_failed(KC_TOKEN_KEY_UNFIT);
}

static const struct curve *curve_find(const char *kty, const char *crv)
{
    for (size_t i = 0; crv && i < sizeof curves / sizeof *curves; i++)
        if (strcmp(curves[i].kty, kty) == 0 && strcmp(curves[i].crv, crv) == 0)
            return &curves[i];
    return NULL;
}

static enum kc_status curve_key(
    const struct json_object *object, const char *kty, struct jose_jwk *jwk)
{
    const char *crv = NULL;
    enum kc_status status = text_member(object, "crv", 32, &crv);
    if (status != KC_OK)
        return status;
    const struct curve *curve = curve_find(kty, crv);
    if (!curve)
        return KC_TOKEN_KEY_UNFIT;
    jwk->curve = curve->crv;
    return strcmp(kty, "EC") == 0 ? ec_key(object, curve, jwk) : okp_key(object, curve, jwk);
}

/* --- what the key is for -------------------------------------------------------------------- */

/* RFC 7517 section 4.3: absent, or one of the operations is to verify. */
static enum kc_status check_operations(const struct json_object *object)
{
    struct json_object *operations = NULL;
    enum kc_status status = jose_json_array(object, "key_ops", &operations);
    if (status != KC_OK)
        return status == KC_NOT_FOUND ? KC_OK : status;
    for (size_t i = 0; i < json_object_array_length(operations); i++) {
        const char *operation;
        struct json_object *element = json_object_array_get_idx(operations, i);
        status = jose_json_text(element, JOSE_CLAIM_BYTES, &operation, NULL);
        if (status != KC_OK)
            return status;
        if (strcmp(operation, "verify") == 0)
            return KC_OK;
    }
    return KC_TOKEN_KEY_UNFIT;
}

static enum kc_status check_purpose(const struct json_object *object, struct jose_jwk *jwk)
{
    const char *use = NULL, *alg = NULL;
    enum kc_status status = text_member(object, "use", 64, &use);
    if (status == KC_OK)
        status = text_member(object, "alg", 64, &alg);
    if (status == KC_OK)
        status = check_operations(object);
    if (status != KC_OK)
        return status;
    if (use && strcmp(use, "sig") != 0)
        return KC_TOKEN_KEY_UNFIT;
    if (!alg)
        return KC_OK;
    jwk->alg = jose_alg_find(alg, strlen(alg));
    return jwk->alg ? KC_OK : KC_TOKEN_KEY_UNFIT;
}

static enum kc_status read_kid(const struct json_object *object, struct jose_jwk *jwk)
{
    const char *kid = NULL;
    enum kc_status status = text_member(object, "kid", JOSE_KID_BYTES, &kid);
    if (status != KC_OK)
        return status;
    jwk->kid = strdup(kid ? kid : "");
    return jwk->kid ? KC_OK : KC_NO_MEMORY;
}

static enum kc_status read_key(const struct json_object *object, struct jose_jwk *jwk)
{
    const char *kty = NULL;
    enum kc_status status = text_member(object, "kty", 64, &kty);
    if (status != KC_OK)
        return status;
    if (!kty)
        return KC_MALFORMED;
    return strcmp(kty, "RSA") == 0 ? rsa_key(object, jwk) : curve_key(object, kty, jwk);
}

enum kc_status jose_jwk_read(const struct json_object *object, struct jose_jwk *ret_jwk)
{
    KC_CLEANUP(jose_jwk_clear) struct jose_jwk jwk = {NULL, NULL, NULL, 0, NULL};
    enum kc_status status = check_purpose(object, &jwk);
    if (status == KC_OK)
        status = read_kid(object, &jwk);
    if (status == KC_OK)
        status = read_key(object, &jwk);
    if (status == KC_OK && jwk.alg && !jose_jwk_fits(&jwk, jwk.alg))
        status = KC_TOKEN_KEY_UNFIT;
    if (status != KC_OK)
        return status;
    *ret_jwk = jwk;
    jwk = (struct jose_jwk){NULL, NULL, NULL, 0, NULL};
    return KC_OK;
}

void jose_jwk_clear(struct jose_jwk *jwk)
{
    free(jwk->kid);
    EVP_PKEY_free(jwk->key);
    *jwk = (struct jose_jwk){NULL, NULL, NULL, 0, NULL};
}

bool jose_jwk_fits(const struct jose_jwk *jwk, const struct jose_alg *alg)
{
    if (jwk->alg && jwk->alg != alg)
        return false;
    switch (alg->family) {
    case JOSE_RSA_PKCS1:
    case JOSE_RSA_PSS:
        return jwk->bits != 0;
    case JOSE_ECDSA:
        return jwk->curve && strcmp(jwk->curve, alg->curve) == 0;
    case JOSE_EDDSA:
        return jwk->curve && strncmp(jwk->curve, "Ed", 2) == 0;
    case JOSE_HMAC:
        break;
    }
    return false;
}
