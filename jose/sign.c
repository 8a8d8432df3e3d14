/*
 * Making a JWS in compact form.
 * Used by daemon/ for client assertions, by the demo realm, by tests.
 * Must never leave a copy of a secret behind, nor sign with a key of the wrong kind.
 */
#include "jose/sign.h"

#include "common/base64.h"
#include "jose/alg.h"
#include "jose/json.h"
#include "jose/limits.h"
#include "jose/ossl.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

/* A signature as JOSE spells it. */
struct mark {
    uint8_t bytes[JOSE_SIGNATURE_BYTES];
    size_t length;
};

/* --- which key for which algorithm --------------------------------------------------------- */

static bool is_curve(const EVP_PKEY *key, const char *name)
{
    char group[32] = "";
    return EVP_PKEY_get_utf8_string_param(
               key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, NULL) == 1 &&
           strcmp(group, name) == 0;
}

static const char *curve_alg(const EVP_PKEY *key)
{
    if (is_curve(key, "prime256v1"))
        return "ES256";
    if (is_curve(key, "secp384r1"))
        return "ES384";
    return is_curve(key, "secp521r1") ? "ES512" : NULL;
}

const char *jose_sign_alg_for(const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "RSA"))
        return EVP_PKEY_get_bits(key) >= JOSE_RSA_BITS_MIN &&
                       EVP_PKEY_get_bits(key) <= JOSE_RSA_BITS_MAX
                   ? "RS256"
                   : NULL;
    if (EVP_PKEY_is_a(key, "EC"))
        return curve_alg(key);
    return EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") ? "EdDSA" : NULL;
}

static bool key_fits(const EVP_PKEY *key, const struct jose_alg *alg)
{
    const char *usual = jose_sign_alg_for(key);
    if (!usual)
        return false;
    if (alg->family == JOSE_RSA_PKCS1 || alg->family == JOSE_RSA_PSS)
        return strcmp(usual, "RS256") == 0;
    return strcmp(usual, alg->name) == 0;
}

/* --- signatures ---------------------------------------------------------------------------- */

/* RFC 7518 section 3.4: r and s, each of full length. */
static enum kc_status from_der(struct mark *mark, size_t half)
{
    const uint8_t *der = mark->bytes;
    OSSL_AUTO_ECDSA ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)mark->length);
    if (!pair || BN_bn2binpad(ECDSA_SIG_get0_r(pair), mark->bytes, (int)half) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), mark->bytes + half, (int)half) < 0)
        return ossl_failed(KC_SYSTEM);
    mark->length = 2 * half;
    return KC_OK;
}

static enum kc_status sign_with_key(
    EVP_PKEY *key, const struct jose_alg *alg, const struct kc_secret *input, struct mark *ret_mark)
{
    OSSL_AUTO_DIGEST EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL; /* the context's own */
    if (!context)
        return ossl_failed(KC_NO_MEMORY);
    if (!key_fits(key, alg))
        return KC_TOKEN_KEY_UNFIT;
    if (EVP_DigestSignInit_ex(context, &options, alg->digest, NULL, NULL, key, NULL) != 1)
        return ossl_failed(KC_SYSTEM);
    if (alg->family == JOSE_RSA_PSS &&
        (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
            EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1))
        return ossl_failed(KC_SYSTEM);
    ret_mark->length = sizeof ret_mark->bytes;
    if (EVP_DigestSign(context, ret_mark->bytes, &ret_mark->length, input->bytes, input->length) !=
        1)
        return ossl_failed(KC_SYSTEM);
    return alg->family == JOSE_ECDSA ? from_der(ret_mark, alg->half) : KC_OK;
}

static enum kc_status sign_with_secret(const struct kc_secret *secret, const struct jose_alg *alg,
    const struct kc_secret *input, struct mark *ret_mark)
{
    if (!secret->length || secret->length > INT_MAX)
        return KC_TOKEN_KEY_UNFIT;
    if (!EVP_Q_mac(NULL, "HMAC", NULL, alg->digest, NULL, secret->bytes, secret->length,
            input->bytes, input->length, ret_mark->bytes, sizeof ret_mark->bytes,
            &ret_mark->length))
        return ossl_failed(KC_SYSTEM);
    return KC_OK;
}

static enum kc_status make_mark(const struct jose_signer *signer, const struct jose_alg *alg,
    const struct kc_secret *input, struct mark *ret_mark)
{
    if (alg->family == JOSE_HMAC)
        return signer->secret ? sign_with_secret(signer->secret, alg, input, ret_mark)
                              : KC_TOKEN_KEY_UNFIT;
    return signer->key ? sign_with_key(signer->key, alg, input, ret_mark) : KC_TOKEN_KEY_UNFIT;
}

/* --- the compact form ---------------------------------------------------------------------- */

/* Appends bytes in base64url to a secret that has the room. */
static enum kc_status append_encoded(struct kc_secret *text, const void *bytes, size_t length)
{
    size_t encoded = kc_base64url_encoded_length(length);
    enum kc_status status = kc_secret_reserve(text, text->length + encoded + 1);
    if (status == KC_OK)
        status = kc_base64url_encode(
            bytes, length, (char *)text->bytes + text->length, text->capacity - text->length + 1);
    if (status == KC_OK)
        text->length += encoded;
    return status;
}

static enum kc_status append_header(struct kc_secret *text, const struct jose_signer *signer)
{
    JOSE_AUTO_JSON struct json_object *header = json_object_new_object();
    if (!header)
        return KC_NO_MEMORY;
    enum kc_status status = jose_json_add_text(header, "alg", signer->alg);
    if (status == KC_OK)
        status = jose_json_add_text(header, "typ", signer->typ ? signer->typ : "JWT");
    if (status == KC_OK && signer->kid)
        status = jose_json_add_text(header, "kid", signer->kid);
    if (status != KC_OK)
        return status;
    const char *spelled = json_object_to_json_string_ext(header, JSON_C_TO_STRING_PLAIN);
    return spelled ? append_encoded(text, spelled, strlen(spelled)) : KC_NO_MEMORY;
}

enum kc_status jose_sign(const struct jose_signer *signer, const void *payload, size_t length,
    struct kc_secret *ret_token)
{
    const struct jose_alg *alg = jose_alg_find(signer->alg, strlen(signer->alg));
    if (!alg)
        return KC_TOKEN_ALG_NOT_ALLOWED;
    KC_AUTO_SECRET struct kc_secret text = KC_SECRET_INIT;
    struct mark mark = {.length = 0};
    enum kc_status status = append_header(&text, signer);
    if (status == KC_OK)
        status = kc_secret_append(&text, ".", 1);
    if (status == KC_OK)
        status = append_encoded(&text, payload, length);
    if (status == KC_OK)
        status = make_mark(signer, alg, &text, &mark);
    if (status == KC_OK)
        status = kc_secret_append(&text, ".", 1);
    if (status == KC_OK)
        status = append_encoded(&text, mark.bytes, mark.length);
    if (status != KC_OK)
        return status;
    kc_secret_wipe(ret_token);
    *ret_token = kc_secret_take(&text);
    return KC_OK;
}

static enum kc_status sign_claims(
    const struct jose_signer *signer, struct json_object *payload, struct kc_secret *ret_token)
{
    const char *spelled = json_object_to_json_string_ext(
        payload, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    return spelled ? jose_sign(signer, spelled, strlen(spelled), ret_token) : KC_NO_MEMORY;
}

enum kc_status jose_jws_sign(EVP_PKEY *key, const char *alg, const char *kid,
    struct json_object *payload, struct kc_secret *ret_token)
{
    const struct jose_signer signer = {.key = key, .alg = alg, .kid = kid};
    return sign_claims(&signer, payload, ret_token);
}

enum kc_status jose_jws_sign_secret(const struct kc_secret *secret, const char *alg,
    struct json_object *payload, struct kc_secret *ret_token)
{
    const struct jose_signer signer = {.secret = secret, .alg = alg};
    return sign_claims(&signer, payload, ret_token);
}

/* --- keys ---------------------------------------------------------------------------------- */

/* A daemon has nobody to ask for a passphrase. */
static int no_passphrase(char *buffer, int size, int writing, void *userdata)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)userdata;
    return -1;
}

enum kc_status jose_sign_key_read(const struct kc_secret *pem, EVP_PKEY **ret_key)
{
    if (!pem->length || pem->length > INT_MAX)
        return KC_MALFORMED;
    BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->length);
    if (!bio)
        return ossl_failed(KC_NO_MEMORY);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    if (!key)
        return ossl_failed(KC_MALFORMED);
    *ret_key = key;
    return KC_OK;
}
