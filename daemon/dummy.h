/*
 * sshd's dummy password: what it types for users that do not exist or may not log in.
 * Used by login.c.
 * Must never let it reach the realm, whose lock counts it against a real user (lesson 28).
 */
#ifndef DAEMON_DUMMY_H
#define DAEMON_DUMMY_H

#include "common/buf.h"

/*
 * Whether `password` is a non-empty prefix of "\b\n\r\177INCORRECT" repeated without end: sshd
 * cuts or repeats it to the length that was typed (OpenSSH, auth-pam.c, fake_password).
 */
bool dummy_password(struct kc_view password);

#endif
