/*
 * TLS: the certificate of this start, and what a client's certificate says.
 * Used by main and server.
 * Never writes a private key anywhere.
 */
#ifndef REALM_TLS_H
#define REALM_TLS_H

#include "common/status.h"

struct realm_tls {
    char *certificate, *key; /* PEM, the server's */
    char *authority;         /* PEM, of the authority that signed it; NULL where it was given */
    char *client_authority;  /* PEM; NULL: no client certificate is taken */
};

/* A fresh authority and a certificate of its own for localhost, 127.0.0.1 and ::1. KC_SYSTEM. */
enum kc_status realm_tls_make(struct realm_tls *ret_tls);

/* Reads a PEM file of at most 64 KiB. KC_NOT_FOUND, KC_TOO_LARGE. The caller frees. */
enum kc_status realm_tls_read(const char *path, char **ret_pem);

void realm_tls_free(struct realm_tls *tls);

/*
 * What a client's certificate says, once it has been proved against `authority` (PEM): the names of
 * subject and issuer as RFC 4514 writes them. `session` is a gnutls_session_t. KC_NOT_FOUND: there
 * is none, or it does not verify. The caller frees both.
 */
enum kc_status realm_tls_peer(
    void *session, const char *authority, char **ret_subject, char **ret_issuer);

#endif
