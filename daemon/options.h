/*
 * The option tables of kclogin.conf: the one source for reading, defaults, checks and documents.
 * Used by config.c, kclogind -t and the check of the man page.
 * Must never hold a key for a secret itself.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include "common/option.h"

#include <stddef.h>

#define CONFIG_OPTIONS_MAX 24u /* options of one section */

enum config_section_id {
    CONFIG_REALM,
    CONFIG_DIRECTORY,
    CONFIG_GROUPS,
    CONFIG_ACCESS,
    CONFIG_LIMITS,
    CONFIG_CALLER,
    CONFIG_OFFLINE,
    CONFIG_SECTIONS, /* how many there are */
};

enum config_naming {
    CONFIG_PLAIN,  /* [section] */
    CONFIG_NAMED,  /* [section NAME], any number of them */
    CONFIG_EITHER, /* both */
};

struct config_section {
    const char *name;
    enum config_naming naming;
    struct kc_option_table table;
    size_t offset; /* of its struct in struct config; PLAIN alone */
    const char *meaning;
};

extern const struct config_section config_sections[CONFIG_SECTIONS];

#endif
