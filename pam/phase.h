/*
 * The phases of a login, each a function that answers with a PAM code.
 * Used by the entry points alone.
 * Must never share anything but the PAM handle: sshd runs them in different processes.
 */
#ifndef PK_PHASE_H
#define PK_PHASE_H

#include <security/pam_modules.h>

int pk_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv);
int pk_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv);
int pk_account(pam_handle_t *pamh, int flags, int argc, const char **argv);
int pk_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv);
int pk_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv);
int pk_password(pam_handle_t *pamh, int flags, int argc, const char **argv);

#endif
