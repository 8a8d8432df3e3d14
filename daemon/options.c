/*
 * The option tables of kclogin.conf.
 * Used by config.c, kclogind -t and the check of the man page.
 * Must never hold a key for a secret itself: a secret stands in a file of its own.
 */
#include "daemon/options.h"

#include "common/limits.h"
#include "daemon/access_rule.h"
#include "daemon/config.h"
#include "daemon/option_check.h"

#define MINUTE 60u
#define HOUR 3600u
#define DAY 86400ull

/* What a module waits for, and a moment for the answer: beyond it nobody hears one. */
#define LOGIN_MAX (KC_LOGIN_MS / 1000 - 2)

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TABLE(rows)                                                                                \
    {                                                                                              \
        rows, COUNT(rows)                                                                          \
    }

static const char *const client_auths[] = {
    "none", "post", "basic", "secret-jwt", "key-jwt", "mtls", NULL};
static const char *const allocates[] = {"no", "host", NULL};
static const char *const otps[] = {"never", "enrolled", "always", NULL};
static const char *const methods[] = {"password", "device", NULL};
static const char *const tokens[] = {"token", "handle", "none", NULL};

/* clang-format off */

/* A client's five options; realm and directory have the same, each in its own struct. */
#define CLIENT(s, id_meaning, is_later)                                                            \
    {.name = "client_id", .type = KC_OPTION_STRING, .offset = offsetof(struct s, client.client_id), \
        .min = 1, .max = 255, .check = option_check_printable, .meaning = id_meaning,              \
        .later = is_later},                                                                        \
    {.name = "client_auth", .type = KC_OPTION_ENUM, .offset = offsetof(struct s, client.auth),      \
        .fallback = "basic", .words = client_auths,                                                \
        .meaning = "How the client proves itself to the realm.", .later = is_later},               \
    {.name = "client_secret_file", .type = KC_OPTION_STRING,                                       \
        .offset = offsetof(struct s, client.secret_file), .min = 1, .max = 1000,                   \
        .check = option_check_credential, .syntax = "a path, or the name of a systemd credential", \
        .meaning = "The file that holds the client's secret, for post, basic and secret-jwt.",     \
        .later = is_later},                                                                        \
    {.name = "client_key_file", .type = KC_OPTION_STRING,                                          \
        .offset = offsetof(struct s, client.key_file), .min = 1, .max = 1000,                      \
        .check = option_check_credential, .syntax = "a path, or the name of a systemd credential", \
        .meaning = "The file that holds the client's private key, PEM, for key-jwt and mtls.",     \
        .later = is_later},                                                                        \
    {.name = "client_certificate_file", .type = KC_OPTION_PATH,                                    \
        .offset = offsetof(struct s, client.certificate_file), .min = 1, .max = 1000,              \
        .meaning = "The file that holds the client's certificate, PEM, for mtls.",                 \
        .later = is_later}

static const struct kc_option realm[] = {
    {.name = "issuer", .type = KC_OPTION_STRING, .offset = offsetof(struct config_realm, issuer),
        .min = 1, .max = 1000, .syntax = "an https URL without a slash at its end",
        .meaning = "The realm's issuer, as it stands in its tokens."},
    CLIENT(config_realm, "The OAuth client that logs people in.", false),
    {.name = "ca_file", .type = KC_OPTION_PATH, .offset = offsetof(struct config_realm, ca_file),
        .min = 1, .max = 1000,
        .meaning = "Certificate authorities, PEM, in place of the system's."},
    {.name = "allow_http", .type = KC_OPTION_BOOL,
        .offset = offsetof(struct config_realm, allow_http), .fallback = "no",
        .meaning = "Take an http issuer, on a loopback address alone; for trials."},
    {.name = "connect_to", .type = KC_OPTION_WORDS,
        .offset = offsetof(struct config_realm, connect_to), .check = option_check_address,
        .syntax = "host:port, parted by blanks",
        .meaning = "Addresses to connect to in place of the issuer's own."},
    {.name = "scope", .type = KC_OPTION_STRING, .offset = offsetof(struct config_realm, scope),
        .min = 1, .max = 1000, .check = option_check_scope, .syntax = "scope names",
        .meaning = "The scope that a login asks for."},
    {.name = "audience", .type = KC_OPTION_STRING,
        .offset = offsetof(struct config_realm, audience), .min = 1, .max = 255,
        .check = option_check_printable,
        .meaning = "An audience that the token must name, beside being made for our client."},
    {.name = "username_claim", .type = KC_OPTION_STRING,
        .offset = offsetof(struct config_realm, username_claim), .fallback = "preferred_username",
        .min = 1, .max = 64, .check = option_check_printable, .syntax = "a claim's name",
        .meaning = "The claim that must equal the user's name, byte for byte."},
    {.name = "forward_client_address", .type = KC_OPTION_BOOL,
        .offset = offsetof(struct config_realm, forward_client_address), .fallback = "no",
        .meaning = "Tell the realm the client's address in X-Forwarded-For."},
};

#define D(field) offsetof(struct config_directory, field)
#define ATTRIBUTE(option, field, value, text, is_later)                                            \
    {.name = option, .type = KC_OPTION_STRING, .offset = D(field), .fallback = value, .min = 1,    \
        .max = 255, .check = option_check_attribute, .syntax = "an attribute's name",              \
        .meaning = text, .later = is_later}

static const struct kc_option directory[] = {
    CLIENT(config_directory, "The OAuth client that reads users and groups; default: the realm's.",
        false),
    ATTRIBUTE("uid_attribute", uid_attribute, "uidNumber", "The user's attribute with the uid.", false),
    ATTRIBUTE("gid_attribute", gid_attribute, "gidNumber",
        "The user's and the group's attribute with the gid.", false),
    ATTRIBUTE("home_attribute", home_attribute, "homeDirectory",
        "The user's attribute with the home.", false),
    ATTRIBUTE("shell_attribute", shell_attribute, "loginShell",
        "The user's attribute with the shell.", false),
    ATTRIBUTE("key_attribute", key_attribute, "sshPublicKey",
        "The user's attribute with the SSH keys.", false),
    {.name = "home", .type = KC_OPTION_PATH, .offset = D(home), .fallback = "/home/%u",
        .min = 1, .max = 255, .check = option_check_home, .syntax = "an absolute path with %u",
        .meaning = "The home of users without one of their own."},
    {.name = "shell", .type = KC_OPTION_PATH, .offset = D(shell), .fallback = "/bin/bash",
        .min = 1, .max = 255, .meaning = "The shell of users without one of their own."},
    {.name = "primary_group", .type = KC_OPTION_STRING, .offset = D(primary_group), .min = 1,
        .max = 32, .check = option_check_group, .syntax = "a served group's name",
        .meaning = "The primary group of users without a gid."},
    {.name = "allocate", .type = KC_OPTION_ENUM, .offset = D(allocate), .fallback = "no",
        .words = allocates, .meaning = "Who gives ids to users that have none in the realm."},
    {.name = "enumerate", .type = KC_OPTION_BOOL, .offset = D(enumerate), .fallback = "no",
        .meaning = "Whether a listing of all users shows the realm's."},
    {.name = "found_ttl", .type = KC_OPTION_SECONDS, .offset = D(found_ttl), .fallback = "5m",
        .min = 1, .max = DAY, .meaning = "How long a found user or group is fresh."},
    {.name = "absent_ttl", .type = KC_OPTION_SECONDS, .offset = D(absent_ttl), .fallback = "1m",
        .min = 1, .max = DAY, .meaning = "How long an absent name stays absent."},
    {.name = "max_stale", .type = KC_OPTION_SECONDS, .offset = D(max_stale), .fallback = "24h",
        .min = 1, .max = 30 * DAY, .meaning = "How long a user is served while the realm is out."},
    {.name = "group_max_stale", .type = KC_OPTION_SECONDS, .offset = D(group_max_stale),
        .fallback = "1h", .min = 1, .max = 30 * DAY,
        .meaning = "How long memberships are served while the realm is out."},
};

static const struct kc_option groups[] = {
    {.name = "serve", .type = KC_OPTION_WORDS, .offset = offsetof(struct config_groups, serve),
        .check = option_check_served, .syntax = "group paths, parted by blanks",
        .meaning = "The realm's groups that are Linux groups; /x/* is every child of /x."},
    {.name = "name", .type = KC_OPTION_MAP, .offset = offsetof(struct config_groups, names),
        .check = option_check_group_path, .check_key = option_check_name,
        .syntax = "a group's path",
        .meaning = "name.NAME: serve this group under the name NAME."},
    {.name = "parents", .type = KC_OPTION_BOOL, .offset = offsetof(struct config_groups, parents),
        .fallback = "no", .meaning = "Whether a member of a group is one of its parents too."},
    {.name = "members", .type = KC_OPTION_BOOL, .offset = offsetof(struct config_groups, members),
        .fallback = "yes", .meaning = "Whether a group lists its members."},
};

#define A(field) offsetof(struct access_section, field)
#define RULES(option, field, text)                                                                 \
    {.name = option, .type = KC_OPTION_LINES, .offset = A(field), .check = access_rule_check,      \
        .syntax = "one rule a line", .meaning = text}

static const struct kc_option access_options[] = {
    RULES("allow", allow, "One of these rules must hold."),
    RULES("require", require, "Each of these rules must hold."),
    RULES("deny", deny, "None of these rules may hold."),
    {.name = "outage", .type = KC_OPTION_STALE, .offset = A(outage), .fallback = "deny",
        .min = 1, .max = 30 * DAY,
        .meaning = "How old an answer may be when the realm is unreachable."},
    {.name = "otp", .type = KC_OPTION_ENUM, .offset = A(otp), .fallback = "never", .words = otps,
        .meaning = "Who is asked for a one-time code.", .later = true},
    {.name = "otp_grace", .type = KC_OPTION_SECONDS, .offset = A(otp_grace), .fallback = "0s",
        .min = 0, .max = DAY, .meaning = "How long after a code none is asked for again.",
        .later = true},
    {.name = "method", .type = KC_OPTION_ENUM, .offset = A(method), .fallback = "password",
        .words = methods, .meaning = "How people log in.", .later = true},
    {.name = "token_environment", .type = KC_OPTION_ENUM, .offset = A(token_environment),
        .fallback = "token", .words = tokens,
        .meaning = "What the session's environment gets: token and handle, handle, or nothing."},
};

#define LIMIT(option, text, value, low, high, is_later)                                            \
    {.name = #option, .type = KC_OPTION_SECONDS,                                                   \
        .offset = offsetof(struct config_limits, option), .fallback = value, .min = low,           \
        .max = high, .meaning = text, .later = is_later}
#define FAILURES(option, text, value)                                                              \
    {.name = #option, .type = KC_OPTION_NUMBER,                                                    \
        .offset = offsetof(struct config_limits, option), .fallback = value, .min = 1,             \
        .max = 1000, .meaning = text}

static const struct kc_option limits[] = {
    FAILURES(source_failures, "Failed logins of one user from one source, then it waits.", "5"),
    FAILURES(target_failures, "Failed logins of one user from anywhere, then unknown sources wait.",
        "10"),
    LIMIT(window, "The time in which failures are counted.", "15m", MINUTE, DAY, false),
    LIMIT(login_timeout, "Machine time of a whole login.", "30s", 2, LOGIN_MAX, false),
    LIMIT(prompt_timeout, "Time for the answer to one prompt.", "60s", 5, 110, false),
    LIMIT(grant_timeout, "Time of one request for a token.", "15s", 1, LOGIN_MAX, false),
    LIMIT(lookup_timeout, "Time of one lookup of a user or group.", "2s", 1, KC_LOOKUP_MS / 1000, false),
};

static const struct kc_option caller[] = {
    {.name = "service", .type = KC_OPTION_WORDS, .offset = offsetof(struct config_caller, services),
        .check = option_check_service, .syntax = "names of PAM services, parted by blanks",
        .meaning = "The services for which this unprivileged user may authenticate others."},
};

static const struct kc_option offline[] = {
    {.name = "enabled", .type = KC_OPTION_BOOL, .offset = offsetof(struct config_offline, enabled),
        .fallback = "no", .meaning = "Log in by a remembered password while the realm is out.",
        .later = true},
    {.name = "max_age", .type = KC_OPTION_SECONDS,
        .offset = offsetof(struct config_offline, max_age), .fallback = "7d", .min = MINUTE,
        .max = 90 * DAY, .meaning = "How long after a login with the realm.", .later = true},
    {.name = "attempts", .type = KC_OPTION_NUMBER,
        .offset = offsetof(struct config_offline, attempts), .fallback = "5", .min = 1, .max = 100,
        .meaning = "Wrong passwords, then only the realm opens the account again.",
        .later = true},
};

const struct config_section config_sections[CONFIG_SECTIONS] = {
    [CONFIG_REALM] = {"realm", CONFIG_PLAIN, TABLE(realm), offsetof(struct config, realm),
        "The realm and the client that logs people in."},
    [CONFIG_DIRECTORY] = {"directory", CONFIG_PLAIN, TABLE(directory),
        offsetof(struct config, directory), "Users of the realm as Linux users."},
    [CONFIG_GROUPS] = {"groups", CONFIG_PLAIN, TABLE(groups), offsetof(struct config, groups),
        "Groups of the realm as Linux groups."},
    [CONFIG_ACCESS] = {"access", CONFIG_EITHER, TABLE(access_options), 0,
        "Who may log in; [access NAME] for one service."},
    [CONFIG_LIMITS] = {"limits", CONFIG_PLAIN, TABLE(limits), offsetof(struct config, limits),
        "Deadlines, and how much guessing is borne."},
    [CONFIG_CALLER] = {"caller", CONFIG_NAMED, TABLE(caller), 0,
        "An unprivileged user that authenticates others."},
    [CONFIG_OFFLINE] = {"offline", CONFIG_PLAIN, TABLE(offline), offsetof(struct config, offline),
        "Logins while the realm is unreachable."},
};
