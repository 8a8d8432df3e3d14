/*
 * The exchange: the pump between the daemon and the conversation.
 * Used once in each phase that asks the daemon.
 * Must never wait without a deadline, nor take a message that does not belong where it comes.
 */
#include "pam/exchange.h"

#include "common/paths.h"

#include <unistd.h>

/* Questions and texts of one exchange: more is a daemon that does not come to an end. */
#define STEPS_MAX 64

/* What is left to wait, shrinking with each wait. */
struct pump {
    struct kc_client client;
    struct pk_conversation *conversation;
    enum kc_wire_type request;
    int64_t left;
    struct kc_secret *storage;
    struct kc_wire_reply *reply;
};

static enum kc_status receive(struct pump *pump)
{
    int64_t start = kc_now_ms();
    enum kc_status status =
        kc_client_receive(&pump->client, start + pump->left, pump->storage, pump->reply);
    pump->left -= kc_now_ms() - start;
    return status;
}

static enum kc_status send_request(
    struct pump *pump, const struct kc_wire_request *request, int passed_fd)
{
    int64_t start = kc_now_ms();
    enum kc_status status = kc_client_send(&pump->client, request, passed_fd, start + pump->left, pump->storage);
    pump->left -= kc_now_ms() - start;
    return status;
}

/* A session's token travels in the answer to OPEN, and in no other. */
static enum kc_status take_done(const struct pump *pump)
{
    const struct kc_wire_reply *done = pump->reply;
    bool open = pump->request == KC_WIRE_OPEN, auth = pump->request == KC_WIRE_AUTH;
    if ((!open && (done->token.length || done->exports)) || (!open && !auth && done->key.length) ||
        done->report.length)
        return KC_PROTOCOL;
    return kc_status_from_wire((unsigned)done->class, done->word);
}

static enum kc_status show(struct pump *pump)
{
    if (pump->request == KC_WIRE_OPEN || pump->request == KC_WIRE_CLOSE)
        return KC_PROTOCOL;
    return pk_show(pump->conversation, pump->reply->style, pump->reply->text);
}

/*
 * The person took longer than the daemon waits: it has said so and gone. Whatever it said, an
 * answer that did not arrive cannot have been a success.
 */
static enum kc_status last_word(struct pump *pump, bool *ret_answered)
{
    enum kc_status status = KC_OK;
    for (int step = 0; step < STEPS_MAX && status == KC_OK; step++) {
        status = receive(pump);
        if (status == KC_OK && pump->reply->type == KC_WIRE_DONE) {
            status = take_done(pump);
            *ret_answered = status != KC_OK;
            return status != KC_OK ? status : KC_PROTOCOL;
        }
        if (status == KC_OK)
            status = pump->reply->type == KC_WIRE_SHOW ? show(pump) : KC_PROTOCOL;
    }
    return status != KC_OK ? status : KC_PROTOCOL;
}

static enum kc_status answer(struct pump *pump, bool *ret_answered)
{
    KC_AUTO_SECRET struct kc_secret typed = KC_SECRET_INIT;
    if (pump->request != KC_WIRE_AUTH && pump->request != KC_WIRE_PASSWD)
        return KC_PROTOCOL;
    enum kc_status status = pk_ask(pump->conversation, pump->reply, &typed);
    if (status != KC_OK)
        return status;
    const struct kc_wire_request request = {.type = KC_WIRE_ANSWER,
        .kind = pump->reply->kind,
        .answer = {.bytes = typed.bytes, .length = typed.length}};
    status = send_request(pump, &request, -1);
    return status == KC_DAEMON_UNREACHABLE ? last_word(pump, ret_answered) : status;
}

static enum kc_status run(struct pump *pump, bool *ret_answered)
{
    for (int step = 0; step < STEPS_MAX; step++) {
        enum kc_status status = receive(pump);
        if (status == KC_OK && pump->reply->type == KC_WIRE_DONE) {
            *ret_answered = true;
            return take_done(pump);
        }
        if (status == KC_OK)
            status = pump->reply->type == KC_WIRE_ASK ? answer(pump, ret_answered) : show(pump);
        if (status != KC_OK)
            return status;
    }
    return KC_PROTOCOL;
}

bool pk_exchange_privileged(void)
{
    return geteuid() == 0;
}

enum kc_status pk_exchange(struct pk_conversation *conversation,
    const struct kc_wire_request *request, int passed_fd, int64_t budget, struct kc_secret *storage,
    struct kc_wire_reply *ret_done, bool *ret_answered)
{
    struct kc_wire_reply reply;
    struct pump pump = {.client = KC_CLIENT_INIT,
        .conversation = conversation,
        .request = request->type,
        .left = budget,
        .storage = storage,
        .reply = &reply};
    const char *dir = conversation->options->socket;
    /* The effective uid alone decides where to knock; a failure never leads to the other door. */
    enum kc_socket door = pk_exchange_privileged() ? KC_SOCKET_PRIVILEGED : KC_SOCKET_PUBLIC;
    KC_AUTO_CLIENT struct kc_client client = KC_CLIENT_INIT;
    bool answered = false;
    enum kc_status status =
        kc_client_open(dir ? dir : kc_path_run(), door, kc_path_owner(), &client);
    pump.client = client;
    if (status == KC_OK)
        status = send_request(&pump, request, passed_fd);
    if (status == KC_OK)
        status = run(&pump, &answered);
    *ret_answered = answered;
    if (status == KC_OK)
        *ret_done = reply; /* cppcheck-suppress uninitvar ; run() has filled it */
    return status;
}
