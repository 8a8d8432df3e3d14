/*
 * Files beside the configuration: secrets, which must be private, and certificates.
 * Used by config.c alone, at load time.
 * Must never follow a link to a secret, nor read one that others can read.
 */
#ifndef DAEMON_SECRET_FILE_H
#define DAEMON_SECRET_FILE_H

#include "common/conf.h"
#include "common/secret.h"
#include "common/status.h"
#include "daemon/config.h"

#define SECRET_TEXT_MAX 4096u       /* bytes of a client's secret */
#define SECRET_KEY_MAX ((size_t)64 * 1024) /* bytes of a private key in PEM */

/*
 * Reads a client's secret: one line, its newline cut off. `name` is a path, or without a slash the
 * name of a systemd credential. The file is regular, no link, belongs to source->self, and nobody
 * else has access to it. A credential may be source->owner's, and its group may read it: systemd
 * hands it over by an access control list, which shows so. With check_only a credential's secret
 * stays empty. KC_CONFIG_INVALID, KC_CONFIG_UNTRUSTED, KC_SYSTEM, KC_NO_MEMORY with
 * ret_error->text.
 */
enum kc_status secret_file_read_text(const struct config_source *source, const char *name,
    struct kc_secret *ret_secret, struct kc_conf_error *ret_error);

/* The same for a private key: the file's bytes as they are. */
enum kc_status secret_file_read_key(const struct config_source *source, const char *name,
    struct kc_secret *ret_secret, struct kc_conf_error *ret_error);

/*
 * Checks that a certificate's file can be read, belongs to root, source->owner or source->self
 * and that others cannot write it; links are followed. Errors as above.
 */
enum kc_status secret_file_examine(
    const struct config_source *source, const char *path, struct kc_conf_error *ret_error);

#endif
