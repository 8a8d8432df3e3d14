/*
 * What single values of kclogin.conf must look like, beyond their type.
 * Used by the option tables alone; each says what is wrong, or NULL.
 * Must never repeat the value in what it says.
 */
#ifndef DAEMON_OPTION_CHECK_H
#define DAEMON_OPTION_CHECK_H

const char *option_check_printable(const char *value);  /* printable ASCII, blanks included */
const char *option_check_scope(const char *value);      /* RFC 6749 section 3.3 */
const char *option_check_address(const char *value);    /* host:port */
const char *option_check_attribute(const char *value);  /* a name of a user's attribute */
const char *option_check_credential(const char *value); /* a path, or a credential's name */
const char *option_check_home(const char *value);       /* a path with %u */
const char *option_check_group(const char *value);      /* a Linux group's name */
const char *option_check_name(const char *value);       /* the KEY of name.KEY */
const char *option_check_served(const char *value);     /* a path of the realm, or its children */
const char *option_check_group_path(const char *value); /* a path of the realm */
const char *option_check_service(const char *value);    /* a PAM service's name */

#endif
