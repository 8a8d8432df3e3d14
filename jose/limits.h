/*
 * The limits of everything that arrives as JSON, together in one place.
 * Used by jose/ and by whoever reads the realm's answers.
 * A limit is a bound on what is taken in; what is larger is refused, never cut.
 */
#ifndef JOSE_LIMITS_H
#define JOSE_LIMITS_H

#include <stddef.h>

#define JOSE_TOKEN_BYTES ((size_t)256 * 1024)   /* a compact token, as it came */
#define JOSE_HEADER_BYTES 4096                  /* its decoded JOSE header */
#define JOSE_JWKS_BYTES ((size_t)256 * 1024)    /* a JWKS document */
#define JOSE_ANSWER_BYTES ((size_t)1024 * 1024) /* any other answer of the realm */
#define JOSE_JSON_DEPTH 32                      /* arrays and objects within each other */
#define JOSE_JSON_VALUES 65536                  /* values of a document: what bounds its memory */
#define JOSE_JSON_NUMBER 512                    /* characters of a number */
#define JOSE_JWKS_KEYS 64                       /* keys of a set; a set with more is refused */
#define JOSE_KID_BYTES 256
#define JOSE_RSA_BITS_MIN 2048
#define JOSE_RSA_BITS_MAX 16384
#define JOSE_SIGNATURE_BYTES (JOSE_RSA_BITS_MAX / 8)
#define JOSE_CLAIM_BYTES 2048 /* a claim that a decision reads as text */

#endif
