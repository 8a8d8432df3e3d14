/*
 * Keys, key sets and tokens for tests.
 * Used by the tests of jose/.
 * Must never call jose/sign.c.
 */
#include "tests/jose/forge.h"

#include "common/base64.h"
#include "jose/json.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static EVP_PKEY *generate(const char *kind)
{
    EVP_PKEY *key;
    if (strncmp(kind, "RSA-", 4) == 0)
        key = EVP_RSA_gen((unsigned)strtoul(kind + 4, NULL, 10));
    else if (strncmp(kind, "ED", 2) == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, kind);
    else
        key = EVP_EC_gen(kind);
    must(key);
    return key;
}

EVP_PKEY *forge_key(const char *kind)
{
    static struct {
        const char *kind;
        EVP_PKEY *key;
    } made[] = {{"RSA-2048", NULL}, {"RSA-1024", NULL}, {"RSA-3072", NULL}, {"P-256", NULL},
        {"P-384", NULL}, {"P-521", NULL}, {"secp256k1", NULL}, {"ED25519", NULL}, {"ED448", NULL}};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        if (strcmp(made[i].kind, kind) != 0)
            continue;
        if (!made[i].key)
            made[i].key = generate(kind);
        return made[i].key;
    }
    fprintf(stderr, "no key of kind %s is made\n", kind);
    abort();
}

EVP_PKEY *forge_other_key(const char *kind)
{
    return generate(kind);
}

const char *forge_kind(const char *alg)
{
    if (strcmp(alg, "ES256") == 0)
        return "P-256";
    if (strcmp(alg, "ES384") == 0)
        return "P-384";
    if (strcmp(alg, "ES512") == 0)
        return "P-521";
    return strcmp(alg, "EdDSA") == 0 ? "ED25519" : "RSA-2048";
}

char *forge_text(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    must(vasprintf(&text, format, arguments) >= 0);
    va_end(arguments);
    return text;
}

struct jose_jwks *forge_set(const char *document)
{
    struct jose_jwks *set = NULL;
    must(jose_jwks_read(document, strlen(document), &set) == KC_OK);
    return set;
}

char *forge_jwk(EVP_PKEY *key, const char *members)
{
    struct json_object *object = NULL;
    must(jose_jwk_export(key, NULL, NULL, &object) == KC_OK);
    json_object_object_del(object, "use");
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
    char *jwk = forge_text("%.*s%s%s}", (int)strlen(text) - 1, text, *members ? "," : "", members);
    json_object_put(object);
    return jwk;
}

struct jose_jwks *forge_set_of(EVP_PKEY *key, const char *alg)
{
    char *members = alg ? forge_text("\"kid\":\"k1\",\"use\":\"sig\",\"alg\":\"%s\"", alg)
                        : forge_text("\"kid\":\"k1\",\"use\":\"sig\"");
    char *jwk = forge_jwk(key, members);
    char *document = forge_text("{\"keys\":[%s]}", jwk);
    struct jose_jwks *set = forge_set(document);
    free(document);
    free(jwk);
    free(members);
    return set;
}

char *forge_encode(const void *bytes, size_t length)
{
    size_t capacity = kc_base64url_encoded_length(length) + 1;
    char *text = malloc(capacity);
    must(text && kc_base64url_encode(bytes, length, text, capacity) == KC_OK);
    return text;
}

static size_t to_halves(uint8_t *der, size_t length, size_t half)
{
    const uint8_t *at = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)length);
    must(pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), der, (int)half) > 0 &&
         BN_bn2binpad(ECDSA_SIG_get0_s(pair), der + half, (int)half) > 0);
    ECDSA_SIG_free(pair);
    return 2 * half;
}

size_t forge_sign(EVP_PKEY *key, const char *alg, const char *input, uint8_t *to, size_t room)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    char digest[16];
    snprintf(digest, sizeof digest, "SHA%s", alg + 2);
    bool plain = strcmp(alg, "EdDSA") == 0;
    must(EVP_DigestSignInit_ex(context, &options, plain ? NULL : digest, NULL, NULL, key, NULL));
    if (*alg == 'P')
        must(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) > 0);
    must(EVP_DigestSign(context, to, &room, (const uint8_t *)input, strlen(input)) == 1);
    EVP_MD_CTX_free(context);
    if (strncmp(alg, "ES", 2) == 0)
        return to_halves(to, room, ((size_t)EVP_PKEY_get_bits(key) + 7) / 8);
    return room;
}

char *forge_assemble(const char *header, const void *payload, size_t length,
    const uint8_t *signature, size_t signature_length)
{
    char *first = forge_encode(header, strlen(header));
    char *second = forge_encode(payload, length);
    char *third = forge_encode(signature, signature_length);
    char *token = forge_text("%s.%s.%s", first, second, third);
    free(first);
    free(second);
    free(third);
    return token;
}

char *forge_token(const char *header, const char *payload, EVP_PKEY *key, const char *alg)
{
    uint8_t signature[2048] = {0};
    char *input = forge_assemble(header, payload, strlen(payload), signature, 0);
    input[strlen(input) - 1] = 0; /* the second dot */
    size_t length = forge_sign(key, alg, input, signature, sizeof signature);
    free(input);
    return forge_assemble(header, payload, strlen(payload), signature, length);
}
