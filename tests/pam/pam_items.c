/*
 * A PAM module that stands before or after ours in a test's stack.
 * `authtok=TEXT` sets PAM_AUTHTOK, `user=NAME` sets PAM_USER, `report` logs what PAM_AUTHTOK is,
 * `return=CODE` ends with that number (default: PAM_IGNORE).
 */
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

static int act(pam_handle_t *pamh, int argc, const char **argv)
{
    int code = PAM_IGNORE;
    const void *value = NULL;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "authtok=", 8) == 0)
            pam_set_item(pamh, PAM_AUTHTOK, argv[i] + 8);
        else if (strncmp(argv[i], "user=", 5) == 0)
            pam_set_item(pamh, PAM_USER, argv[i] + 5);
        else if (strncmp(argv[i], "return=", 7) == 0)
            code = (int)strtol(argv[i] + 7, NULL, 10);
        else if (strcmp(argv[i], "report") == 0) {
            pam_get_item(pamh, PAM_AUTHTOK, &value);
            pam_syslog(pamh, LOG_INFO, "authtok=%s", value ? (const char *)value : "(none)");
        }
    }
    return code;
}

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)flags;
    return act(pamh, argc, argv);
}

int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh, (void)flags, (void)argc, (void)argv;
    return PAM_IGNORE;
}

int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)flags;
    return act(pamh, argc, argv);
}

int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)flags;
    return act(pamh, argc, argv);
}

int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)flags;
    return act(pamh, argc, argv);
}

int pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)flags;
    return act(pamh, argc, argv);
}
