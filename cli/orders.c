/*
 * kclogin flush and kclogin ids adopt.
 * Used by kclogin.c.
 * Must never change anything that was not said to be changed.
 */
#include "cli/orders.h"

#include "cli/exchange.h"

#include <string.h>

#define WAIT_MS 5000

struct values {
    const char *name;
    const char *id;
    const char *socket;
    bool yes;
};

static const struct cli_option flush_options[] = {
    {"USER", CLI_ARGUMENT, NULL, offsetof(struct values, name), false,
        "whom to ask for anew; everybody, if not given"},
    {"socket", CLI_TEXT, "DIR", offsetof(struct values, socket), false,
        "the folder of the daemon's sockets [" KC_RUNDIR "]"},
};

static const struct cli_option adopt_options[] = {
    {"NAME", CLI_ARGUMENT, NULL, offsetof(struct values, name), true, "of the user or group"},
    {"ID", CLI_ARGUMENT, NULL, offsetof(struct values, id), false,
        "of the realm, who is to have it, as it was shown; --yes needs it"},
    {"socket", CLI_TEXT, "DIR", offsetof(struct values, socket), false,
        "the folder of the daemon's sockets [" KC_RUNDIR "]"},
    {"yes", CLI_FLAG, NULL, offsetof(struct values, yes), false,
        "do it; else it is only shown"},
};

static const char flush_notes[] =
    "For root. What is known counts no longer until the realm has been asked; for an outage it stays.\n";

static const char adopt_notes[] =
    "For root. A name or number that belonged to somebody else in the realm passes to whom the realm\n"
    "has under it now. Files of the one before then belong to the new one.\n";

static enum kc_status order(
    const struct values *values, struct kc_wire_request *request, const char *verb)
{
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    struct kc_wire_reply reply;
    enum kc_status status = KC_OK;
    if (values->name && strlen(values->name) >= sizeof request->order.name)
        status = KC_USER_UNKNOWN;
    else if (values->name)
        memcpy(request->order.name, values->name, strlen(values->name) + 1);
    if (status == KC_OK)
        status = cli_exchange(values->socket, request, WAIT_MS, &storage, &reply);
    if (status == KC_OK) {
        cli_print_report(reply.report, stdout);
        status = cli_done(&reply);
    }
    if (status != KC_OK)
        fprintf(stderr, "kclogin %s: %s\n", verb, kc_status_word(status));
    return status;
}

static enum cli_exit flush_run(const void *given)
{
    const struct values *values = given;
    struct kc_wire_request request = {.type = KC_WIRE_FLUSH};
    return order(values, &request, "flush") == KC_OK ? CLI_EXIT_OK : CLI_EXIT_REFUSED;
}

static enum cli_exit adopt_run(const void *given)
{
    const struct values *values = given;
    struct kc_wire_request request = {.type = KC_WIRE_ADOPT, .order = {.write = values->yes}};
    if (values->yes && (!values->id || strlen(values->id) >= sizeof request.order.id)) {
        fputs("kclogin ids adopt: --yes needs the ID that is shown without it\n", stderr);
        return CLI_EXIT_USAGE;
    }
    if (values->yes)
        memcpy(request.order.id, values->id, strlen(values->id) + 1);
    const enum kc_status status = order(values, &request, "ids adopt");
    if (status == KC_BUSY)
        fputs("Another one claims it by now, and nothing was changed.\n", stderr);
    if (status == KC_NOT_FOUND)
        fprintf(stderr, "Nobody was refused that name since the daemon's start: look it up, and try again.\n");
    if (status != KC_OK)
        return CLI_EXIT_REFUSED;
    puts(values->yes ? "Adopted." : "With the ID of who claims it, --yes does it.");
    return CLI_EXIT_OK;
}

const struct cli_verb flush_verb = {.words = "flush",
    .meaning = "Has the realm asked anew for a user, or for everybody and all groups",
    .options = flush_options,
    .count = sizeof flush_options / sizeof *flush_options,
    .notes = flush_notes,
    .values_size = sizeof(struct values),
    .run = flush_run};

const struct cli_verb ids_adopt_verb = {.words = "ids adopt",
    .meaning = "Lets a name and its number pass to whom the realm has under it now",
    .options = adopt_options,
    .count = sizeof adopt_options / sizeof *adopt_options,
    .notes = adopt_notes,
    .values_size = sizeof(struct values),
    .run = adopt_run};
