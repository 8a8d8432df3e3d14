/*
 * Where the host keeps what kclogin reads, and whose it must be.
 * Used by whoever opens one of these. A library of its own (libpaths.la): tests of the module link
 * another one, that looks in a folder of theirs, and change nothing else.
 * Must never take a path from an environment.
 */
#ifndef KC_PATHS_H
#define KC_PATHS_H

#include <sys/types.h>

const char *kc_path_host_conf(void); /* the host bounds */
const char *kc_path_passwd(void);    /* the host's own accounts */
const char *kc_path_group(void);
const char *kc_path_run(void); /* the folder of the sockets */

/* Whom host.conf and the sockets belong to: root. */
uid_t kc_path_owner(void);

#endif
