/*
 * What each phase answers, told to the test program: libpam shows only what a stack makes of it.
 * Linked into the test build of the module, around the phases (ld --wrap).
 * Must never change an answer.
 */
#include "pam/phase.h"

__attribute__((weak)) void play_returned(int code);

#define WRAP(name)                                                                                 \
    int __real_##name(pam_handle_t *pamh, int flags, int argc, const char **argv);                 \
    int __wrap_##name(pam_handle_t *pamh, int flags, int argc, const char **argv);                 \
    int __wrap_##name(pam_handle_t *pamh, int flags, int argc, const char **argv)                  \
    {                                                                                              \
        int code = __real_##name(pamh, flags, argc, argv);                                         \
        if (play_returned)                                                                         \
            play_returned(code);                                                                   \
        return code;                                                                               \
    }

WRAP(pk_authenticate)
WRAP(pk_setcred)
WRAP(pk_account)
WRAP(pk_open_session)
WRAP(pk_close_session)
WRAP(pk_password)
