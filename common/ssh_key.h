/*
 * An SSH public key as a realm keeps it: one line, of which type and base64 may go on to sshd.
 * Used by the daemon, which reads them, and by `kclogin ssh-keys`, which believes the daemon no more.
 * Must never let an option, a comment or a second line through.
 */
#ifndef KC_SSH_KEY_H
#define KC_SSH_KEY_H

#include "common/status.h"

#include <stddef.h>

#define KC_SSH_KEY_SIZE 3072u /* bytes of a key's text with its NUL: RSA of 16,384 bits has 2,750 */

/*
 * Reads `length` bytes as one line of an authorized_keys file (sshd(8)) that begins with a type, and
 * writes "TYPE BASE64" to ret_key. Blanks around it and a comment behind it are left out. Types:
 * ssh-ed25519, ssh-rsa (1,024 to 16,384 bits), ecdsa-sha2-nistp256, -384 and -521, and the two sk-
 * types of security keys; no certificate. The base64 is the one spelling of its bytes, and these
 * are exactly one key of that type (RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709 section 4,
 * OpenSSH's PROTOCOL.u2f). KC_MALFORMED for anything else, an option before the type included: it
 * was meant to narrow what the key is good for. KC_TOO_LARGE.
 */
enum kc_status kc_ssh_key_read(const char *bytes, size_t length, char ret_key[KC_SSH_KEY_SIZE]);

#endif
