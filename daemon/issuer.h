/*
 * The issuer's URL: which ones the daemon speaks to.
 * Used by the check of the configuration. Pure: no I/O.
 * Must never take a URL that two programs could read as two hosts.
 */
#ifndef DAEMON_ISSUER_H
#define DAEMON_ISSUER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Says what is wrong with an issuer, or NULL: https, or with `allow_http` http to a loopback host
 * (localhost, 127.0.0.0/8, [::1]); no user, query, fragment, empty or dotted path component, and
 * no slash at its end (OpenID Connect Discovery 1.0, section 3).
 */
const char *issuer_check(const char *issuer, bool allow_http);

/* Whether a host is an IPv6 address in brackets (RFC 3986 section 3.2.2; no zone, no other form). */
bool issuer_host_is_v6(const char *text, size_t length);

#endif
