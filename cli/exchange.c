/*
 * One question to the daemon and its answer.
 * Used by the verbs that ask it.
 * Must never print what a daemon says without looking at it: it may have been replaced.
 */
#include "cli/exchange.h"

#include "common/paths.h"

enum kc_status cli_exchange(const char *dir, const struct kc_wire_request *request, int wait_ms,
    struct kc_secret *storage, struct kc_wire_reply *ret_reply)
{
    KC_AUTO_CLIENT struct kc_client client = KC_CLIENT_INIT;
    const enum kc_socket door = geteuid() == 0 ? KC_SOCKET_PRIVILEGED : KC_SOCKET_PUBLIC;
    const int64_t deadline = kc_now_ms() + wait_ms;
    enum kc_status status =
        kc_client_open(dir ? dir : kc_path_run(), door, kc_path_owner(), &client);
    if (status == KC_OK)
        status = kc_client_send(&client, request, -1, deadline, storage);
    if (status == KC_OK)
        status = kc_client_receive(&client, deadline, storage, ret_reply);
    return status;
}

enum kc_status cli_done(const struct kc_wire_reply *reply)
{
    return reply->type == KC_WIRE_DONE ? kc_status_from_wire((unsigned)reply->class, reply->word)
                                       : KC_PROTOCOL;
}

void cli_print_report(struct kc_view report, FILE *to)
{
    for (size_t i = 0; i < report.length; i++) {
        const uint8_t byte = report.bytes[i];
        putc((byte >= ' ' && byte < 0x7f) || byte == '\n' ? byte : '?', to);
    }
}
