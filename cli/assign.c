/*
 * kclogin ids assign: the conversation, and what came of it.
 * Used by kclogin.c.
 * Must never put what is typed anywhere but into the answer to the question it was typed at.
 */
#include "cli/assign.h"

#include "cli/exchange.h"
#include "cli/prompt.h"
#include "common/paths.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define SILENCE_MS 40000 /* the daemon shows how far it is more often than that */
#define CLIENT "admin-cli"

struct values {
    const char *client;
    const char *socket;
    bool write;
};

static const struct cli_option options[] = {
    {"client", CLI_TEXT, "ID", offsetof(struct values, client), false,
        "the public client to log in by [" CLIENT "]"},
    {"socket", CLI_TEXT, "DIR", offsetof(struct values, socket), false,
        "the folder of the daemon's sockets [" KC_RUNDIR "]"},
    {"write", CLI_FLAG, NULL, offsetof(struct values, write), false,
        "write into the realm what would else only be listed"},
};

static const char notes[] =
    "For root. Asks for the name and the password of an administrator of the realm who has the role\n"
    "manage-users of realm-management.\n"
    "Exit status: 0 where nobody is without a number now, or what would be written is listed; 1 where\n"
    "something went wrong or was refused; 2 for usage.\n";

static enum kc_status answer(
    struct kc_client *client, const struct kc_wire_reply *question, struct kc_secret *storage)
{
    KC_AUTO_SECRET struct kc_secret typed = KC_SECRET_INIT;
    struct kc_wire_request request = {.type = KC_WIRE_ANSWER, .kind = question->kind};
    const enum kc_status status = cli_prompt(question->text, question->echo, &typed);
    if (status != KC_OK)
        return status;
    request.answer = (struct kc_view){typed.bytes, typed.length};
    return kc_client_send(client, &request, -1, kc_now_ms() + SILENCE_MS, storage);
}

/* Goes on until the DONE. */
static enum kc_status converse(
    struct kc_client *client, struct kc_secret *storage, struct kc_wire_reply *reply)
{
    enum kc_status status = KC_OK;
    while (status == KC_OK) {
        status = kc_client_receive(client, kc_now_ms() + SILENCE_MS, storage, reply);
        if (status == KC_OK && reply->type == KC_WIRE_DONE)
            return KC_OK;
        if (status == KC_OK && reply->type == KC_WIRE_ASK) {
            status = answer(client, reply, storage);
        } else if (status == KC_OK && reply->type == KC_WIRE_SHOW) {
            cli_print_report(
                (struct kc_view){(const uint8_t *)reply->text, strlen(reply->text)}, stderr);
            putc('\n', stderr);
        } else if (status == KC_OK) {
            status = KC_PROTOCOL;
        }
    }
    return status;
}

static enum kc_status order(
    const struct values *values, struct kc_secret *storage, struct kc_wire_reply *reply)
{
    KC_AUTO_CLIENT struct kc_client client = KC_CLIENT_INIT;
    const char *name = values->client ? values->client : CLIENT;
    struct kc_wire_request request = {
        .type = KC_WIRE_ASSIGN, .order = {.write = values->write}};
    if (strlen(name) >= sizeof request.order.client)
        return KC_TOO_LARGE;
    memcpy(request.order.client, name, strlen(name) + 1);
    enum kc_status status = kc_client_open(values->socket ? values->socket : kc_path_run(),
        KC_SOCKET_PRIVILEGED, kc_path_owner(), &client);
    if (status == KC_OK)
        status = kc_client_send(&client, &request, -1, kc_now_ms() + SILENCE_MS, storage);
    return status == KC_OK ? converse(&client, storage, reply) : status;
}

/* A password that may change every user of the realm is held here. */
static enum kc_status keep_out_of_core_dumps(void)
{
    const struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
               ? KC_OK
               : KC_SYSTEM;
}

static enum cli_exit assign_run(const void *given)
{
    KC_AUTO_SECRET struct kc_secret storage = KC_SECRET_INIT;
    struct kc_wire_reply reply;
    enum kc_status status = keep_out_of_core_dumps();
    if (status == KC_OK)
        status = order(given, &storage, &reply);
    if (status == KC_OK) {
        cli_print_report(reply.report, stdout);
        status = cli_done(&reply);
    }
    if (status == KC_OK)
        return CLI_EXIT_OK;
    fprintf(stderr, "kclogin ids assign: %s\n", kc_status_word(status));
    return CLI_EXIT_REFUSED;
}

const struct cli_verb ids_assign_verb = {.words = "ids assign",
    .meaning = "Gives numbers to realm users and served groups that have none",
    .options = options,
    .count = sizeof options / sizeof *options,
    .notes = notes,
    .values_size = sizeof(struct values),
    .run = assign_run};
