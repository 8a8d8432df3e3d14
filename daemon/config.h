/*
 * The daemon's configuration: kclogin.conf read, checked and with its secrets in memory.
 * Used by every part of the daemon; immutable once loaded, and refcounted, since a reload puts a
 * new one under logins that still run. One thread counts the references: the event loop's.
 * Must never be half good: a file with one mistake gives no configuration at all.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "common/cleanup.h"
#include "common/conf.h"
#include "common/option.h"
#include "common/secret.h"
#include "common/status.h"
#include "daemon/client_auth.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* An OAuth client. Texts are NULL where they are not set; a secret is then empty. */
struct config_client {
    char *client_id;
    enum client_auth_method auth;
    char *secret_file;       /* a path, or the name of a systemd credential */
    char *key_file;          /* as secret_file */
    char *certificate_file;  /* a path */
    struct kc_secret secret; /* the content of secret_file, without a newline at its end */
    struct kc_secret key;    /* the content of key_file, PEM */
};

struct config_realm {
    char *issuer; /* https, or http to the loopback with allow_http; no slash at its end */
    struct config_client client;
    char *ca_file; /* PEM; NULL: the system's */
    bool allow_http;
    struct kc_list connect_to; /* host:port */
    char *scope;               /* NULL: none is asked for */
    char *audience;            /* NULL: none is required */
    char *username_claim;      /* never NULL */
    bool forward_client_address;
};

enum config_allocate { CONFIG_ALLOCATE_NO, CONFIG_ALLOCATE_HOST };

struct config_directory {
    struct config_client client; /* client_id NULL: the realm's client is used */
    char *uid_attribute, *gid_attribute, *home_attribute, *shell_attribute, *key_attribute;
    char *home; /* with %u for the user's name */
    char *shell;
    char *primary_group; /* NULL: gid_attribute alone decides */
    enum config_allocate allocate;
    bool enumerate;
    uint32_t found_ttl, absent_ttl, max_stale, group_max_stale; /* seconds */
};

struct config_groups {
    struct kc_list serve; /* paths; one that ends in an asterisk: its children */
    struct kc_map names;  /* Linux name = path */
    bool parents;
    bool members;
};

enum config_otp { CONFIG_OTP_NEVER, CONFIG_OTP_ENROLLED, CONFIG_OTP_ALWAYS };
enum config_method { CONFIG_METHOD_PASSWORD, CONFIG_METHOD_DEVICE };
enum config_token { CONFIG_TOKEN_TOKEN, CONFIG_TOKEN_HANDLE, CONFIG_TOKEN_NONE };

/* [access], or one [access NAME]. Its rules are read by access.h. */
struct access_section {
    char *name;                          /* NULL: [access] */
    unsigned line;                       /* of the section in the file */
    struct kc_list allow, require, deny; /* one rule an item */
    uint32_t outage;                     /* seconds that an old answer is good; 0: deny */
    enum config_otp otp;
    uint32_t otp_grace; /* seconds */
    enum config_method method;
    enum config_token token_environment;
};

struct config_limits {
    uint32_t source_failures, target_failures; /* in `window` */
    uint32_t window;                           /* seconds, and all below */
    uint32_t login_timeout, prompt_timeout, grant_timeout, lookup_timeout;
};

/* [caller NAME]: an unprivileged user who may authenticate others, for these services alone. */
struct config_caller {
    char *name;
    unsigned line;
    struct kc_list services;
};

struct config_offline {
    bool enabled;
    uint32_t max_age; /* seconds */
    uint32_t attempts;
};

struct config {
    unsigned references;
    struct config_realm realm;
    struct config_directory directory;
    struct config_groups groups;
    struct config_limits limits;
    struct config_offline offline;
    struct access_section *access; /* in the file's order */
    size_t access_count;
    struct config_caller *callers;
    size_t caller_count;
};

/* Where a configuration comes from. */
struct config_source {
    const char *path;
    uid_t owner;             /* who must own the file: 0, but in tests */
    uid_t self;              /* the daemon's own uid; a secret's file belongs to it */
    bool check_only;         /* for a look at the file: no credential is asked for */
    const char *credentials; /* the folder of systemd's credentials; NULL: none */
};

/*
 * Reads and checks the file and the secrets that it names. The caller holds one reference.
 * KC_CONFIG_INVALID, KC_CONFIG_UNTRUSTED (an owner or a mode), KC_SYSTEM, KC_NO_MEMORY; each with
 * ret_error filled: file, and where there is one line, section and key.
 */
enum kc_status config_load(const struct config_source *source, struct config **ret_config,
    struct kc_conf_error *ret_error);

/* The same for a text in memory, without the files that it names; ret_error's file is left alone.
 */
enum kc_status config_parse(
    const char *bytes, size_t length, struct config **ret_config, struct kc_conf_error *ret_error);

struct config *config_ref(struct config *config);
void config_unref(struct config *config); /* NULL is fine; the last one wipes the secrets */

static inline void config_cleanup(struct config **config)
{
    config_unref(*config);
}
#define CONFIG_AUTO KC_CLEANUP(config_cleanup)

/*
 * The access section that decides: [access SECTION] where `section` is not NULL, and no other;
 * else [access SERVICE] where there is one, else [access]. NULL: nobody may enter.
 */
const struct access_section *config_access(
    const struct config *config, const char *section, const char *service);

/* Whether the user `caller` may authenticate others for `service`. */
bool config_caller_may(const struct config *config, const char *caller, const char *service);

/* Writes every option in force, as a file would have it, for kclogind -t. No secret is in it. */
void config_print(const struct config *config, FILE *file);

#endif
