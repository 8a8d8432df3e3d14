/*
 * The module's arguments: what the PAM line says.
 * Used once a call.
 * Must never guess: an unknown or malformed argument is an error that the caller logs and denies.
 */
#ifndef PK_OPTIONS_H
#define PK_OPTIONS_H

#include "common/cleanup.h"
#include "common/option.h"

struct pk_options {
    char *access;        /* the access section, or NULL: the service's own */
    bool no_token;       /* keep the token out of the session's environment */
    char *socket;        /* the folder of the sockets, or NULL: the host's */
    bool try_first_pass; /* take PAM_AUTHTOK where a module before us has set it */
    bool use_first_pass; /* take PAM_AUTHTOK, and never ask for a password */
};

/* Sorted by name; held against pam_keycloak(8) by a test. */
extern const struct kc_option_table pk_option_table;

#define PK_AUTO_OPTIONS KC_CLEANUP(pk_options_free)
#define PK_OPTIONS_INIT ((struct pk_options){0})

/*
 * Reads the arguments. KC_CONFIG_INVALID with the argument's name (cleaned) and what is wrong with
 * it in ret_error->key and text; KC_NO_MEMORY. ret_options is the caller's to free.
 */
enum kc_status pk_options_read(
    int argc, const char **argv, struct pk_options *ret_options, struct kc_conf_error *ret_error);

void pk_options_free(struct pk_options *options);

#endif
