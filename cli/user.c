/*
 * kclogin user.
 * Used by kclogin.c.
 * Must never print what a daemon says without looking at it: it may have been replaced.
 */
#include "cli/user.h"

#include "cli/exchange.h"

#include <string.h>

#define WAIT_MS 10000 /* the realm is asked twice */

struct values {
    const char *name;
    const char *service;
    const char *access;
    const char *socket;
};

static const struct cli_option options[] = {
    {"NAME", CLI_ARGUMENT, NULL, offsetof(struct values, name), true, "of the user"},
    {"SERVICE", CLI_ARGUMENT, NULL, offsetof(struct values, service), false,
        "the PAM service whose access rules are asked for [sshd]"},
    {"access", CLI_TEXT, "SECTION", offsetof(struct values, access), false,
        "the section of access rules, as access= of the PAM line has it"},
    {"socket", CLI_TEXT, "DIR", offsetof(struct values, socket), false,
        "the folder of the daemon's sockets [" KC_RUNDIR "]"},
};

static const char notes[] =
    "For root. The realm is asked now. The rules are judged as for a login by key, sudo or cron:\n"
    "by an open session's token or by the directory. Exit status: 0 where access would be granted.\n";

static enum kc_status put(char *to, const char *from, size_t size)
{
    const size_t length = from ? strlen(from) : 0;
    if (length >= size)
        return KC_TOO_LARGE;
    memcpy(to, from ? from : "", length);
    to[length] = '\0';
    return KC_OK;
}

static enum cli_exit run(const void *given)
{
    const struct values *values = given;
    struct kc_wire_request request = {.type = KC_WIRE_EXPLAIN, .login = {.uid = KC_WIRE_NO_UID}};
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    struct kc_wire_reply reply;
    enum kc_status status = put(request.login.user, values->name, sizeof request.login.user);
    if (status == KC_OK)
        status = put(request.login.service, values->service ? values->service : "sshd",
            sizeof request.login.service);
    if (status == KC_OK)
        status = put(request.login.access, values->access, sizeof request.login.access);
    if (status == KC_OK)
        status = cli_exchange(values->socket, &request, WAIT_MS, &storage, &reply);
    if (status == KC_OK) {
        cli_print_report(reply.report, stdout);
        status = cli_done(&reply);
    }
    if (status != KC_OK)
        fprintf(stderr, "kclogin user: %s\n", kc_status_word(status));
    return status == KC_OK ? CLI_EXIT_OK : CLI_EXIT_REFUSED;
}

const struct cli_verb user_verb = {.words = "user",
    .meaning = "Says what is known of a user, from where, and what the access rules say and why",
    .options = options,
    .count = sizeof options / sizeof *options,
    .notes = notes,
    .values_size = sizeof(struct values),
    .run = run};
