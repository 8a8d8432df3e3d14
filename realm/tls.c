/*
 * TLS: the certificate of this start, and what a client's certificate says.
 * Used by main and server.
 * Never writes a private key anywhere.
 */
#include "realm/tls.h"

#include "common/cleanup.h"
#include "realm/text.h"

#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEM_LIMIT = 65536, DAYS = 30 };

static bool extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool good = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

/* A certificate for `pair`; signed by itself where there is no issuer. */
static X509 *certify(EVP_PKEY *pair, const char *name, X509 *issuer, EVP_PKEY *issuer_pair)
{
    X509 *certificate = X509_new();
    uint64_t serial = 0;
    if (certificate == NULL || RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
        return certificate;
    X509_NAME *subject = X509_get_subject_name(certificate);
    bool good =
        X509_set_version(certificate, 2) == 1 &&
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1 | 1) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(certificate), DAYS * 86400L) != NULL &&
        X509_NAME_add_entry_by_txt(
            subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1 &&
        X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject) == 1 &&
        X509_set_pubkey(certificate, pair) == 1;
    if (issuer == NULL)
        good = good &&
               extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE") &&
               extend(certificate, certificate, NID_key_usage, "critical,keyCertSign") &&
               extend(certificate, certificate, NID_subject_key_identifier, "hash");
    else
        good = good &&
               extend(certificate, issuer, NID_subject_alt_name,
                   "DNS:localhost,IP:127.0.0.1,IP:::1") &&
               extend(certificate, issuer, NID_ext_key_usage, "serverAuth") &&
               extend(certificate, issuer, NID_authority_key_identifier, "keyid");
    if (good && X509_sign(certificate, issuer_pair ? issuer_pair : pair, EVP_sha256()) > 0)
        return certificate;
    X509_free(certificate);
    return NULL;
}

static char *text_of(BIO *bio)
{
    char *bytes = NULL;
    long length = BIO_get_mem_data(bio, &bytes);
    return length > 0 ? realm_text_format("%.*s", (int)length, bytes) : NULL;
}

static char *certificate_text(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = PEM_write_bio_X509(bio, certificate) == 1 ? text_of(bio) : NULL;
    BIO_free(bio);
    return text;
}

static char *key_text(EVP_PKEY *pair)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = PEM_write_bio_PKCS8PrivateKey(bio, pair, NULL, NULL, 0, NULL, NULL) == 1
                     ? text_of(bio)
                     : NULL;
    BIO_free(bio);
    return text;
}

enum kc_status realm_tls_make(struct realm_tls *ret_tls)
{
    EVP_PKEY *authority_pair = EVP_EC_gen("P-256"), *pair = EVP_EC_gen("P-256");
    X509 *authority = NULL, *certificate = NULL;
    struct realm_tls tls = {0};
    if (authority_pair != NULL && pair != NULL)
        authority = certify(authority_pair, "kclogin-realm authority of this start", NULL, NULL);
    if (authority != NULL)
        certificate = certify(pair, "localhost", authority, authority_pair);
    if (certificate != NULL) {
        tls.certificate = certificate_text(certificate);
        tls.key = key_text(pair);
        tls.authority = certificate_text(authority);
    }
    X509_free(certificate);
    X509_free(authority);
    EVP_PKEY_free(pair);
    EVP_PKEY_free(authority_pair);
    if (tls.certificate == NULL || tls.key == NULL || tls.authority == NULL) {
        realm_tls_free(&tls);
        return KC_SYSTEM;
    }
    *ret_tls = tls;
    return KC_OK;
}

enum kc_status realm_tls_read(const char *path, char **ret_pem)
{
    int fd KC_AUTO_CLOSE = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return KC_NOT_FOUND;
    char *pem KC_AUTO_FREE = realm_text_room(PEM_LIMIT + 1, 1);
    ssize_t length = read(fd, pem, PEM_LIMIT + 1);
    if (length <= 0)
        return KC_NOT_FOUND;
    if (length > PEM_LIMIT)
        return KC_TOO_LARGE;
    pem[length] = '\0';
    *ret_pem = KC_TAKE(pem);
    return KC_OK;
}

void realm_tls_free(struct realm_tls *tls)
{
    free(tls->certificate);
    free(tls->key);
    free(tls->authority);
    free(tls->client_authority);
    *tls = (struct realm_tls){0};
}

static char *name_of(
    gnutls_x509_crt_t certificate, int (*get)(gnutls_x509_crt_t, gnutls_datum_t *, unsigned))
{
    gnutls_datum_t name = {NULL, 0};
    if (get(certificate, &name, 0) != GNUTLS_E_SUCCESS)
        return NULL;
    char *text = realm_text_format("%.*s", (int)name.size, (const char *)name.data);
    gnutls_free(name.data);
    return text;
}

static bool proved(gnutls_x509_crt_t certificate, const char *authority)
{
    gnutls_datum_t pem = {(unsigned char *)(uintptr_t)authority, (unsigned)strlen(authority)};
    gnutls_x509_trust_list_t list;
    unsigned flaws = 1;
    if (gnutls_x509_trust_list_init(&list, 0) != GNUTLS_E_SUCCESS)
        return false;
    if (gnutls_x509_trust_list_add_trust_mem(list, &pem, NULL, GNUTLS_X509_FMT_PEM, 0, 0) < 1 ||
        gnutls_x509_trust_list_verify_crt(list, &certificate, 1, 0, &flaws, NULL) !=
            GNUTLS_E_SUCCESS)
        flaws = 1;
    gnutls_x509_trust_list_deinit(list, 1);
    return flaws == 0;
}

enum kc_status realm_tls_peer(
    void *session, const char *authority, char **ret_subject, char **ret_issuer)
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    gnutls_x509_crt_t certificate;
    if (chain == NULL || count == 0 || authority == NULL ||
        gnutls_x509_crt_init(&certificate) != GNUTLS_E_SUCCESS)
        return KC_NOT_FOUND;
    enum kc_status status = KC_NOT_FOUND;
    if (gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) == GNUTLS_E_SUCCESS &&
        proved(certificate, authority)) {
        *ret_subject = name_of(certificate, gnutls_x509_crt_get_dn3);
        *ret_issuer = name_of(certificate, gnutls_x509_crt_get_issuer_dn3);
        status = KC_OK;
    }
    gnutls_x509_crt_deinit(certificate);
    return status;
}
