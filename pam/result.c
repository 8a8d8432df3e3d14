/*
 * What the host program is told: the table.
 * Used at the end of each call.
 * Must never say PAM_SUCCESS for anything but KC_CLASS_OK, nor stand anywhere else.
 */
#include "pam/result.h"

#include <security/_pam_types.h>
#include <stddef.h>

#define QUESTIONS 7u

struct row {
    enum kc_class class;
    int codes[QUESTIONS];
};

enum code {
    SUCCESS = PAM_SUCCESS,
    IGNORE = PAM_IGNORE,
    AUTH = PAM_AUTH_ERR,
    DENIED = PAM_PERM_DENIED,
    EXPIRED = PAM_ACCT_EXPIRED,
    UNKNOWN = PAM_USER_UNKNOWN,
    UNAVAIL = PAM_AUTHINFO_UNAVAIL,
    AGAIN = PAM_TRY_AGAIN,
    AUTHTOK = PAM_AUTHTOK_ERR,
    CONV = PAM_CONV_ERR,
    SYSTEM = PAM_SYSTEM_ERR,
};

/*
 * Of a listed account: a realm that no byte came from leaves the decision to the modules after us
 * (PAM_IGNORE), and its account phase always does. A session is never denied. No password has been
 * changed while the daemon can only say where to do it, so that no answer is a success there.
 */
/* clang-format off */
static const struct row rows[] = {
    /*                        authenticate       setcred  account            session  password
                                       (listed)                    (listed)                   */
    {KC_CLASS_OK,            {SUCCESS, SUCCESS,  SUCCESS, SUCCESS, IGNORE,   SUCCESS, AUTHTOK}},
    {KC_CLASS_REFUSED,       {AUTH,    AUTH,     IGNORE,  DENIED,  DENIED,   IGNORE,  AUTHTOK}},
    {KC_CLASS_FORBIDDEN,     {DENIED,  DENIED,   IGNORE,  DENIED,  DENIED,   IGNORE,  DENIED}},
    {KC_CLASS_EXPIRED,       {EXPIRED, EXPIRED,  IGNORE,  EXPIRED, EXPIRED,  IGNORE,  DENIED}},
    {KC_CLASS_UNKNOWN,       {UNKNOWN, DENIED,   IGNORE,  UNKNOWN, DENIED,   IGNORE,  UNKNOWN}},
    {KC_CLASS_NOT_OURS,      {UNKNOWN, DENIED,   IGNORE,  IGNORE,  DENIED,   IGNORE,  IGNORE}},
    {KC_CLASS_UNREACHABLE,   {UNAVAIL, IGNORE,   IGNORE,  UNAVAIL, UNAVAIL,  IGNORE,  AGAIN}},
    {KC_CLASS_UNAVAILABLE,   {UNAVAIL, UNAVAIL,  IGNORE,  UNAVAIL, UNAVAIL,  IGNORE,  AGAIN}},
    {KC_CLASS_MISCONFIGURED, {SYSTEM,  SYSTEM,   IGNORE,  SYSTEM,  SYSTEM,   IGNORE,  SYSTEM}},
    {KC_CLASS_INTERNAL,      {SYSTEM,  SYSTEM,   IGNORE,  SYSTEM,  SYSTEM,   IGNORE,  SYSTEM}},
    {KC_CLASS_CONVERSATION,  {CONV,    CONV,     IGNORE,  CONV,    CONV,     IGNORE,  CONV}},
};
/* clang-format on */

int pk_result(enum pk_question question, enum kc_class class)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].class == class && (size_t)question < QUESTIONS)
            return rows[i].codes[question];
    return PAM_SYSTEM_ERR;
}
