/*
 * What the host program is told: one table from class to PAM code.
 * Used at the end of each call.
 * Must never say PAM_SUCCESS for anything but KC_CLASS_OK; what the table does not know is denied.
 */
#ifndef PK_RESULT_H
#define PK_RESULT_H

#include "common/status.h"

/* What is asked of the module; authenticate and account differ for listed local accounts. */
enum pk_question {
    PK_AUTHENTICATE,
    PK_AUTHENTICATE_LISTED,
    PK_SETCRED,
    PK_ACCOUNT,
    PK_ACCOUNT_LISTED,
    PK_SESSION,
    PK_PASSWORD,
};

/* The PAM code; PAM_SYSTEM_ERR for a class or question outside the table. */
int pk_result(enum pk_question question, enum kc_class class);

#endif
