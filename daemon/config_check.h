/*
 * What must fit together in a configuration, once each value by itself is good.
 * Used by config.c alone.
 * Must never repair: what does not fit is an error with its line.
 */
#ifndef DAEMON_CONFIG_CHECK_H
#define DAEMON_CONFIG_CHECK_H

#include "common/conf.h"
#include "common/status.h"
#include "daemon/config.h"
#include "daemon/options.h"

/* The lines in which sections and options stand; 0: not in the file. */
struct config_marks {
    unsigned section[CONFIG_SECTIONS];
    unsigned option[CONFIG_SECTIONS][CONFIG_OPTIONS_MAX]; /* of ACCESS, CALLER: of the last one */
};

/* Puts section, key and its line into an error, so that its text is left to fill. */
void config_marks_show(const struct config_marks *marks, enum config_section_id section,
    const char *key, struct kc_conf_error *ret_error);

/* KC_OK, or KC_CONFIG_INVALID with all of ret_error but its file. */
enum kc_status config_check(
    const struct config *config, const struct config_marks *marks, struct kc_conf_error *ret_error);

#endif
