/*
 * kclogin status.
 * Used by kclogin.c.
 * Must never print what a daemon says without looking at it: it may have been replaced.
 */
#include "cli/status.h"

#include "cli/exchange.h"

#include <string.h>

#define REACHABLE "realm: reachable\n"

struct values {
    const char *socket;
};

static const struct cli_option options[] = {
    {"socket", CLI_TEXT, "DIR", offsetof(struct values, socket), false,
        "the folder of the daemon's sockets [" KC_RUNDIR "]"},
};

static const char notes[] =
    "Exit status: 0 where daemon and realm are reachable, 1 where one is not, 2 for usage.\n"
    "Root is told more: what the server said, issuer and client, the keys' age, open sessions.\n";

static enum cli_exit status_run(const void *given)
{
    const struct values *values = given;
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    struct kc_wire_reply reply;
    const struct kc_wire_request request = {.type = KC_WIRE_STATUS};
    enum kc_status status =
        cli_exchange(values->socket, &request, KC_STATUS_MS, &storage, &reply);
    if (status == KC_OK && (reply.type != KC_WIRE_DONE || reply.class != KC_CLASS_OK))
        status = KC_PROTOCOL;
    if (status != KC_OK) {
        printf("daemon: unreachable (%s)\n", kc_status_word(status));
        return CLI_EXIT_REFUSED;
    }
    puts("daemon: reachable");
    cli_print_report(reply.report, stdout);
    size_t length = sizeof REACHABLE - 1;
    bool reachable =
        reply.report.length >= length && memcmp(reply.report.bytes, REACHABLE, length) == 0;
    return reachable ? CLI_EXIT_OK : CLI_EXIT_REFUSED;
}

const struct cli_verb status_verb = {.words = "status",
    .meaning = "Tells whether daemon and realm are reachable, since when, and the last error",
    .options = options,
    .count = sizeof options / sizeof *options,
    .notes = notes,
    .values_size = sizeof(struct values),
    .run = status_run};
