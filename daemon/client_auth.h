/*
 * Client authentication: how the daemon proves to the realm which OAuth client it is.
 * Used by grant.c and logout.c; one object a client, made from the configuration.
 * Must never put a secret into anything but the form, the Authorization value or a signature.
 */
#ifndef DAEMON_CLIENT_AUTH_H
#define DAEMON_CLIENT_AUTH_H

#include "common/secret.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

enum client_auth_method {
    CLIENT_AUTH_NONE,  /* a public client: client_id alone */
    CLIENT_AUTH_POST,  /* client_secret_post, RFC 6749 2.3.1 */
    CLIENT_AUTH_BASIC, /* client_secret_basic: id and secret form-encoded first, RFC 6749 2.3.1 */
    CLIENT_AUTH_SECRET_JWT, /* client_secret_jwt, HS256, RFC 7523 */
    CLIENT_AUTH_KEY_JWT,    /* private_key_jwt, RFC 7523 */
    CLIENT_AUTH_MTLS,       /* tls_client_auth, RFC 8705; mtls_endpoint_aliases are used */
};

struct client_auth;

/* What an object is made from; everything is copied. */
struct client_auth_setting {
    enum client_auth_method method;
    const char *client_id;
    const struct kc_secret *secret; /* post, basic, secret-jwt */
    const struct kc_secret *key;    /* PEM: key-jwt, mtls */
    const char *certificate_file;   /* PEM: mtls */
};

/* KC_CONFIG_INVALID (what the method needs is absent, a key that cannot be read or is of no use),
 * KC_NO_MEMORY. Refcounted: the caller holds one reference. */
enum kc_status client_auth_new(
    const struct client_auth_setting *setting, struct client_auth **ret_client);
struct client_auth *client_auth_ref(struct client_auth *client);
void client_auth_unref(struct client_auth *client);

const char *client_auth_id(const struct client_auth *client);
enum client_auth_method client_auth_method(const struct client_auth *client);

/* The shared secret, empty for methods without; to keep it out of logs. */
const struct kc_secret *client_auth_secret(const struct client_auth *client);

/* The certificate for mutual TLS; both NULL for every other method. Owned by the client. */
const char *client_auth_certificate_file(const struct client_auth *client);
const struct kc_secret *client_auth_key(const struct client_auth *client);

/*
 * Appends the method's parameters to `form` and, for basic, sets `ret_authorization` to the
 * header's value ("Basic ..."; untouched otherwise). An assertion names `issuer` as its one
 * audience, lives 60 s from `now` (epoch seconds) and is never made twice. KC_NO_MEMORY, KC_SYSTEM.
 */
enum kc_status client_auth_apply(const struct client_auth *client, const char *issuer, int64_t now,
    struct kc_secret *form, struct kc_secret *ret_authorization);

#endif
