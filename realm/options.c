/*
 * The command line of kclogin-realm: one table of what may be said.
 * Used by main and by the test that holds the table against the man page.
 * Never guesses: what is unknown or malformed is an error.
 */
#include "realm/options.h"

#include "realm/fill.h"
#include "realm/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct realm_options, member)

const struct realm_option realm_option_table[] = {
    {"ca-out", REALM_OPTION_TEXT, AT(ca_out), NULL, 0, 0, "FILE",
        "where the certificate of this start's own authority goes (--tls)"},
    {"certificate", REALM_OPTION_TEXT, AT(certificate), NULL, 0, 0, "FILE",
        "the server's certificate, instead of a fresh one (--tls)"},
    {"client-ca", REALM_OPTION_TEXT, AT(client_ca), NULL, 0, 0, "FILE",
        "the authority whose client certificates are taken (--tls)"},
    {"fill-groups", REALM_OPTION_NUMBER, AT(fill_groups), "0", 0, REALM_FILL_GROUPS, "N",
        "this many groups more, below /fill"},
    {"fill-members", REALM_OPTION_NUMBER, AT(fill_members), "100", 0, REALM_FILL_USERS, "N",
        "how many members each of them has"},
    {"fill-users", REALM_OPTION_NUMBER, AT(fill_users), "0", 0, REALM_FILL_USERS, "N",
        "this many users more, all of them members of /fill"},
    {"hash-delay", REALM_OPTION_NUMBER, AT(hash_delay), "30", 0, 60000, "MS",
        "what checking a password costs"},
    {"help", REALM_OPTION_FLAG, AT(help), NULL, 0, 0, NULL, "this list"},
    {"key", REALM_OPTION_TEXT, AT(key), NULL, 0, 0, "FILE", "the key of --certificate"},
    {"like", REALM_OPTION_NUMBER, AT(like), "26", 24, 26, "24|26",
        "whose answers are given: Keycloak 24.0.5 or 26.7.0"},
    {"list-options", REALM_OPTION_FLAG, AT(list), NULL, 0, 0, NULL, "the names, one a line"},
    {"listen", REALM_OPTION_TEXT, AT(listen), "127.0.0.1", 0, 0, "ADDRESS",
        "an address of the loopback; no other is taken"},
    {"log", REALM_OPTION_TEXT, AT(log), NULL, 0, 0, "FILE",
        "where a line for each request goes, instead of standard error"},
    {"path", REALM_OPTION_TEXT, AT(path), "", 0, 0, "PATH",
        "what stands before /realms, such as /auth"},
    {"port", REALM_OPTION_NUMBER, AT(port), "8080", 0, 65535, "N",
        "the port; 0 takes any that is free"},
    {"ready", REALM_OPTION_TEXT, AT(ready), NULL, 0, 0, "FILE",
        "gets the base URL when the realm answers"},
    {"realm", REALM_OPTION_TEXT, AT(realm), NULL, 0, 0, "FILE",
        "the realm, as Keycloak exports and imports it"},
    {"tls", REALM_OPTION_FLAG, AT(tls), NULL, 0, 0, NULL, "https"},
    {NULL, REALM_OPTION_FLAG, 0, NULL, 0, 0, NULL, NULL},
};

static bool set(struct realm_options *options, const struct realm_option *option, const char *value)
{
    void *at = (char *)options + option->offset;
    if (option->type == REALM_OPTION_FLAG) {
        *(bool *)at = true;
    } else if (option->type == REALM_OPTION_TEXT) {
        *(const char **)at = value;
    } else {
        char *end = NULL;
        long long number = strtoll(value, &end, 10);
        if (end == value || *end != '\0' || number < option->low || number > option->high)
            return false;
        *(int64_t *)at = number;
    }
    return true;
}

static const struct realm_option *find(const char *name, size_t length)
{
    for (const struct realm_option *option = realm_option_table; option->name; option++)
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0)
            return option;
    return NULL;
}

/* --name VALUE and --name=VALUE. */
static enum kc_status read_one(
    struct realm_options *options, int argc, char **argv, int *at, char **ret_reason)
{
    const char *word = argv[*at];
    const char *equals = strchr(word, '=');
    const struct realm_option *option =
        strncmp(word, "--", 2) == 0
            ? find(word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2))
            : NULL;
    if (option == NULL || (equals != NULL && option->type == REALM_OPTION_FLAG)) {
        *ret_reason = realm_text_format("%s: no such option (--help lists them)", word);
        return KC_CONFIG_INVALID;
    }
    const char *value = equals ? equals + 1 : NULL;
    if (option->type != REALM_OPTION_FLAG && value == NULL) {
        if (*at + 1 == argc) {
            *ret_reason = realm_text_format("--%s needs %s", option->name, option->argument);
            return KC_CONFIG_INVALID;
        }
        value = argv[++*at];
    }
    if (!set(options, option, value)) {
        *ret_reason = realm_text_format("--%s %s: not a number from %lld to %lld", option->name,
            value, (long long)option->low, (long long)option->high);
        return KC_CONFIG_INVALID;
    }
    return KC_OK;
}

static const char *contradiction(const struct realm_options *options)
{
    if (options->realm == NULL)
        return "--realm FILE is needed";
    if (options->like == 25)
        return "--like is 24 or 26";
    if ((options->certificate == NULL) != (options->key == NULL))
        return "--certificate and --key go together";
    if (!options->tls && (options->certificate || options->ca_out || options->client_ca))
        return "--certificate, --ca-out and --client-ca need --tls";
    if (options->fill_groups > 0 &&
        options->fill_members > REALM_FILL_MEMBERSHIPS / options->fill_groups)
        return "--fill-groups times --fill-members is too many";
    if (options->certificate && options->ca_out)
        return "--ca-out has no meaning with --certificate";
    if (*options->path != '\0' &&
        (*options->path != '/' || options->path[strlen(options->path) - 1] == '/'))
        return "--path begins with a slash and ends without one";
    return NULL;
}

enum kc_status realm_options_read(
    int argc, char **argv, struct realm_options *ret_options, char **ret_reason)
{
    struct realm_options options = {0};
    for (const struct realm_option *option = realm_option_table; option->name; option++)
        if (option->initial != NULL)
            set(&options, option, option->initial);
    for (int i = 1; i < argc; i++) {
        enum kc_status status = read_one(&options, argc, argv, &i, ret_reason);
        if (status != KC_OK)
            return status;
    }
    const char *reason = options.help || options.list ? NULL : contradiction(&options);
    if (reason != NULL) {
        *ret_reason = realm_text_copy(reason);
        return KC_CONFIG_INVALID;
    }
    *ret_options = options;
    return KC_OK;
}

void realm_options_show(bool plain)
{
    if (!plain)
        puts(
            "kclogin-realm: a realm in memory that answers as Keycloak does; for trying and tests");
    for (const struct realm_option *option = realm_option_table; option->name; option++) {
        if (plain) {
            puts(option->name);
            continue;
        }
        char *left =
            realm_text_format("--%s %s", option->name, option->argument ? option->argument : "");
        printf("  %-22s %s%s%s%s\n", left, option->meaning, option->initial ? " [" : "",
            option->initial ? option->initial : "", option->initial ? "]" : "");
        free(left);
    }
}
