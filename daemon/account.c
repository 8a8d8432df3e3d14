/*
 * The account phase; the evidence is the login's own transaction.
 * Used by connection.c.
 * Must never let one without evidence pass.
 */
#include "daemon/account.h"

#include "daemon/access.h"
#include "daemon/clock.h"
#include "daemon/grant.h"
#include "daemon/phases.h"
#include "daemon/realm.h"
#include "daemon/sessions.h"
#include "jose/jwt.h"

#include <string.h>

#define WAIT_US (4 * CLOCK_SECOND_US) /* the caller waits for five seconds */

/* One whose answer is not there yet. */
struct account {
    struct connection *connection;
    struct kc_wire_login who;
    uint8_t key[KC_KEY_SIZE];
    struct realm_wait *wait;
};

/* The transaction's own token, judged again by the keys and the rules that are in force now. */
static enum kc_status judge(struct daemon *daemon, const struct kc_wire_login *who,
    const struct session_record *record, char ret_missing[ACCESS_MISSING_MAX])
{
    JOSE_AUTO_JWT struct jose_jwt *jwt = NULL;
    enum kc_status status =
        grant_verify(daemon->realm, &record->access_token, record->user, &jwt);
    if (status != KC_OK)
        return status;
    const struct access_question question = {.section = *who->access ? who->access : NULL,
        .service = who->service,
        .user = who->user,
        .claims = jose_jwt_claims(jwt),
        .answer_scope = record->has_scope ? record->scope : NULL};
    return access_decide(daemon->config, &question, ret_missing, ACCESS_MISSING_MAX);
}

static enum kc_status decide(struct daemon *daemon, const struct kc_wire_login *who,
    struct kc_view key, char ret_missing[ACCESS_MISSING_MAX])
{
    enum kc_account_kind account;
    enum kc_status status = kc_bounds_account(
        daemon->bounds, daemon->paths.passwd, daemon->paths.group, who->user, &account, NULL);
    if (status != KC_OK)
        return status;
    if (account == KC_ACCOUNT_LOCAL)
        return KC_NOT_OURS;
    if (key.length == 0)
        return account == KC_ACCOUNT_LISTED ? KC_NOT_OURS : KC_NO_EVIDENCE;
    SESSION_AUTO_RECORD struct session_record record = {0};
    status = sessions_peek(daemon->sessions, key.bytes, who, &record);
    return status == KC_OK ? judge(daemon, who, &record, ret_missing) : status;
}

static void answer(struct connection *connection, const struct kc_wire_login *who,
    enum kc_status status, const char *missing)
{
    if (status != KC_OK && status != KC_NOT_OURS && connection_may_log(connection))
        phases_log(connection, "account", who, status, missing);
    connection_done(connection, status);
}

void account_abandon(struct account *account)
{
    if (account->wait)
        realm_wait_cancel(account->wait);
    kc_wipe(account->key, sizeof account->key);
    free(account);
}

static void on_ready(void *userdata, enum kc_status status, const char *detail)
{
    struct account *account = userdata;
    struct connection *connection = account->connection;
    char missing[ACCESS_MISSING_MAX] = "";
    (void)detail;
    account->wait = NULL;
    if (status == KC_OK)
        status = decide(connection_daemon(connection), &account->who,
            (struct kc_view){account->key, sizeof account->key}, missing);
    answer(connection, &account->who, status, missing);
    connection_set_account(connection, NULL);
    account_abandon(account);
}

/* The daemon has started a moment ago, between this login's two phases, and knows no key yet. */
static void await_keys(
    struct connection *connection, const struct kc_wire_login *who, struct kc_view key)
{
    struct account *account = calloc(1, sizeof *account);
    if (!account) {
        answer(connection, who, KC_NO_MEMORY, "");
        return;
    }
    account->connection = connection;
    account->who = *who;
    memcpy(account->key, key.bytes, sizeof account->key);
    connection_set_account(connection, account);
    struct realm_wait *wait;
    enum kc_status status = realm_await(
        connection_daemon(connection)->realm, clock_us() + WAIT_US, on_ready, account, &wait);
    if (status != KC_OK)
        on_ready(account, status, "");
    else if (wait)
        account->wait = wait;
}

void account_begin(
    struct connection *connection, const struct kc_wire_login *who, struct kc_view key)
{
    char missing[ACCESS_MISSING_MAX] = "";
    /* A transaction is worth something only where root knocks. */
    if (!connection_privileged(connection))
        key.length = 0;
    enum kc_status status = decide(connection_daemon(connection), who, key, missing);
    if (status == KC_NOT_READY && key.length == KC_KEY_SIZE)
        await_keys(connection, who, key);
    else
        answer(connection, who, status, missing);
}
