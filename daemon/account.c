/*
 * The account phase: the token of the login's own transaction, or what the realm says now.
 * Used by connection.c.
 * Must never let one without evidence pass.
 */
#include "daemon/account.h"

#include "daemon/access.h"
#include "daemon/clock.h"
#include "daemon/directory.h"
#include "daemon/evidence.h"
#include "daemon/grant.h"
#include "daemon/log.h"
#include "daemon/lookup.h"
#include "daemon/oauth_error.h"
#include "daemon/phases.h"
#include "daemon/realm.h"
#include "daemon/sessions.h"
#include "jose/jwt.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define WAIT_US (4 * CLOCK_SECOND_US) /* the caller waits for five seconds */

/* One whose answer is not there yet. */
struct account {
    struct connection *connection;
    struct kc_wire_login who;
    uint8_t key[KC_KEY_SIZE];
    struct realm_wait *wait;
    struct evidence_wait *evidence;
};

/* What came of it, for the log and the answer. */
struct outcome {
    enum kc_status status;
    char missing[ACCESS_MISSING_MAX];
    const char *detail;
    enum evidence_source source;
    int64_t age; /* seconds, of what is stored */
};

static struct access_question question_of(const struct kc_wire_login *who)
{
    return (struct access_question){.section = *who->access ? who->access : NULL,
        .service = who->service,
        .user = who->user};
}

/* The transaction's own token, judged again by the keys and the rules that are in force now. */
static enum kc_status judge_token(
    struct daemon *daemon, const struct kc_wire_login *who, const struct session_record *record,
    struct outcome *outcome)
{
    JOSE_AUTO_JWT struct jose_jwt *jwt = NULL;
    enum kc_status status = grant_verify(daemon->realm, &record->access_token, record->user, &jwt);
    if (status == KC_OK && daemon->directory &&
        !directory_may_be(daemon->directory, who->user, jose_jwt_subject(jwt)))
        status = KC_ENTRY_NAME_TAKEN; /* the name and its uid are another's, of the same name */
    if (status != KC_OK)
        return status;
    struct access_question question = question_of(who);
    question.claims = jose_jwt_claims(jwt);
    question.answer_scope = record->has_scope ? record->scope : NULL;
    return access_decide(daemon->config, &question, outcome->missing, sizeof outcome->missing);
}

static enum kc_status judge_transaction(struct daemon *daemon, const struct kc_wire_login *who,
    struct kc_view key, struct outcome *outcome)
{
    SESSION_AUTO_RECORD struct session_record record = {0};
    enum kc_status status = sessions_peek(daemon->sessions, key.bytes, who, &record);
    return status == KC_OK ? judge_token(daemon, who, &record, outcome) : status;
}

/* What the realm said last is good where the service's rules say so, and not from the future. */
static enum kc_status judge_stored(struct daemon *daemon, const struct kc_wire_login *who,
    const struct evidence_answer *answer, struct outcome *outcome)
{
    struct access_question question = question_of(who);
    const struct access_section *access =
        config_access(daemon->config, question.section, question.service);
    const int64_t age = (int64_t)time(NULL) - answer->at;
    if (!access_in_outage(access, age))
        return answer->status;
    outcome->source = EVIDENCE_STORED;
    outcome->age = age;
    if (answer->stored != KC_OK)
        return answer->stored;
    question.claims = answer->claims;
    question.answer_scope = answer->scope;
    question.partial = answer->partial;
    return access_decide(daemon->config, &question, outcome->missing, sizeof outcome->missing);
}

static enum kc_status judge_evidence(struct daemon *daemon, const struct kc_wire_login *who,
    const struct evidence_answer *answer, struct outcome *outcome)
{
    outcome->detail = answer->detail;
    if (answer->source == EVIDENCE_STORED)
        return judge_stored(daemon, who, answer, outcome);
    if (answer->status != KC_OK)
        return answer->status;
    struct access_question question = question_of(who);
    outcome->source = answer->source;
    question.claims = answer->claims;
    question.answer_scope = answer->scope;
    question.partial = answer->partial;
    return access_decide(daemon->config, &question, outcome->missing, sizeof outcome->missing);
}

/* --- the answer --- */

static int priority_of(enum kc_status status)
{
    switch (kc_status_class(status)) {
    case KC_CLASS_OK:
        return LOG_INFO;
    case KC_CLASS_UNREACHABLE:
    case KC_CLASS_UNAVAILABLE:
    case KC_CLASS_MISCONFIGURED:
    case KC_CLASS_INTERNAL:
        return LOG_ERR;
    default:
        return status == KC_TRANSACTION_MISMATCH ? LOG_WARNING : LOG_NOTICE;
    }
}

static const char *source_word(enum evidence_source source)
{
    static const char *const words[] = {"none", "session", "directory", "stored"};
    return words[source];
}

static void log_end(const struct connection *connection, const struct kc_wire_login *who,
    const struct outcome *outcome)
{
    char user[LOG_VALUE_SIZE], service[LOG_VALUE_SIZE], rhost[LOG_VALUE_SIZE];
    char missing[LOG_VALUE_SIZE], more[LOG_VALUE_SIZE], change[LOG_VALUE_SIZE];
    char caller[CONNECTION_CALLER_SIZE], age[32] = "";
    const char *advice = outcome->status == KC_OK ? NULL : oauth_error_advice(outcome->status);
    const char *detail = outcome->detail ? outcome->detail : "";
    if (outcome->source == EVIDENCE_STORED)
        snprintf(age, sizeof age, " age=%lld", (long long)outcome->age);
    log_line(priority_of(outcome->status),
        "account user=%s service=%s rhost=%s result=%s reason=%s%s%s%s%s%s%s%s%s%s%s",
        log_value(who->user, user), log_value(who->service, service),
        log_value(who->rhost, rhost), kc_class_word(kc_status_class(outcome->status)),
        kc_status_word(outcome->status), connection_caller(connection, caller),
        outcome->source ? " evidence=" : "", outcome->source ? source_word(outcome->source) : "",
        age, *outcome->missing ? " rule=" : "",
        *outcome->missing ? log_value(outcome->missing, missing) : "", *detail ? " detail=" : "",
        *detail ? log_value(detail, more) : "", advice ? " advice=" : "",
        advice ? log_value(advice, change) : "");
}

/* Whoever enters by their own transaction has a line of their login's already. */
static void answer(struct connection *connection, const struct kc_wire_login *who,
    const struct outcome *outcome)
{
    const enum kc_status status = outcome->status;
    const bool quiet = status == KC_NOT_OURS || (status == KC_OK && !outcome->source);
    if (!quiet && connection_may_log(connection))
        log_end(connection, who, outcome);
    connection_done(connection, status);
}

static void answer_plainly(
    struct connection *connection, const struct kc_wire_login *who, enum kc_status status)
{
    const struct outcome outcome = {.status = status};
    answer(connection, who, &outcome);
}

/* --- those that wait --- */

void account_abandon(struct account *account)
{
    if (account->wait)
        realm_wait_cancel(account->wait);
    if (account->evidence)
        evidence_wait_cancel(account->evidence);
    kc_wipe(account->key, sizeof account->key);
    free(account);
}

static void account_end(struct account *account, const struct outcome *outcome)
{
    struct connection *connection = account->connection;
    answer(connection, &account->who, outcome);
    connection_set_account(connection, NULL);
    account_abandon(account);
}

static void on_evidence(void *userdata, const struct evidence_answer *found)
{
    struct account *account = userdata;
    struct outcome outcome = {.status = KC_NO_EVIDENCE};
    account->evidence = NULL;
    outcome.status = judge_evidence(
        connection_daemon(account->connection), &account->who, found, &outcome);
    account_end(account, &outcome);
}

static struct account *begin(struct connection *connection, const struct kc_wire_login *who)
{
    struct account *account = calloc(1, sizeof *account);
    if (!account) {
        answer_plainly(connection, who, KC_NO_MEMORY);
        return NULL;
    }
    account->connection = connection;
    account->who = *who;
    connection_set_account(connection, account);
    return account;
}

/* Whether the realm could have a say at all: a user of its range, and a rule that lets in. */
static enum kc_status check_user(const struct daemon *daemon, const struct kc_wire_login *who)
{
    const char *section = *who->access ? who->access : NULL;
    if (!kc_bounds_id(daemon->bounds, who->uid))
        return KC_NO_EVIDENCE;
    const struct access_section *access = config_access(daemon->config, section, who->service);
    return access && access->allow.count ? KC_OK : KC_NO_ACCESS_RULE;
}

static void await_evidence(struct connection *connection, const struct kc_wire_login *who)
{
    struct daemon *daemon = connection_daemon(connection);
    enum kc_status status = check_user(daemon, who);
    if (status != KC_OK) {
        answer_plainly(connection, who, status);
        return;
    }
    struct account *account = begin(connection, who);
    if (!account)
        return;
    status = evidence_await(daemon->evidence, who->user, who->uid, lookup_may_ask(connection),
        on_evidence, account, &account->evidence);
    if (status != KC_OK)
        account_end(account, &(struct outcome){.status = status});
}

/* --- the transaction --- */

/*
 * Whether somebody of the realm may have other evidence: a transaction that nobody knows (it may
 * have come from anywhere) or whose token is over. Another's transaction is an answer.
 */
static bool is_no_evidence(enum kc_status status)
{
    return status == KC_TRANSACTION_UNKNOWN || kc_status_class(status) == KC_CLASS_REFUSED;
}

static void end_transaction(struct connection *connection, const struct kc_wire_login *who,
    enum kc_account_kind kind, const struct outcome *outcome)
{
    if (kind == KC_ACCOUNT_ABSENT && is_no_evidence(outcome->status))
        await_evidence(connection, who);
    else
        answer(connection, who, outcome);
}

static void on_keys(void *userdata, enum kc_status status, const char *detail)
{
    struct account *account = userdata;
    struct connection *connection = account->connection;
    struct daemon *daemon = connection_daemon(connection);
    const struct kc_wire_login who = account->who;
    struct outcome outcome = {.status = status, .detail = detail};
    enum kc_account_kind kind = KC_ACCOUNT_LOCAL;
    account->wait = NULL;
    if (status == KC_OK)
        outcome.status = kc_bounds_account(daemon->bounds, daemon->paths.passwd,
            daemon->paths.group, who.user, &kind, NULL);
    if (outcome.status == KC_OK)
        outcome.status = judge_transaction(
            daemon, &who, (struct kc_view){account->key, sizeof account->key}, &outcome);
    connection_set_account(connection, NULL);
    account_abandon(account);
    end_transaction(connection, &who, kind, &outcome);
}

/* The daemon has started a moment ago, between this login's two phases, and knows no key yet. */
static void await_keys(
    struct connection *connection, const struct kc_wire_login *who, struct kc_view key)
{
    struct account *account = begin(connection, who);
    struct realm_wait *wait;
    if (!account)
        return;
    memcpy(account->key, key.bytes, sizeof account->key);
    enum kc_status status = realm_await(
        connection_daemon(connection)->realm, clock_us() + WAIT_US, on_keys, account, &wait);
    if (status != KC_OK)
        on_keys(account, status, "");
    else if (wait)
        account->wait = wait;
}

static void use_transaction(struct connection *connection, const struct kc_wire_login *who,
    enum kc_account_kind kind, struct kc_view key)
{
    struct outcome outcome = {.status = KC_NO_EVIDENCE};
    outcome.status = judge_transaction(connection_daemon(connection), who, key, &outcome);
    if (outcome.status == KC_NOT_READY)
        await_keys(connection, who, key);
    else
        end_transaction(connection, who, kind, &outcome);
}

/* Whom the public socket answers: the user itself, by the uid that the directory gave the name. */
static bool is_oneself(const struct connection *connection, const struct kc_wire_login *who)
{
    const struct daemon *daemon = connection_daemon(connection);
    const uid_t uid = connection_uid(connection);
    return uid == who->uid && daemon->directory &&
           directory_is_user(daemon->directory, who->user, uid);
}

void account_begin(
    struct connection *connection, const struct kc_wire_login *who, struct kc_view key)
{
    const struct daemon *daemon = connection_daemon(connection);
    const bool privileged = connection_privileged(connection);
    enum kc_account_kind kind;
    enum kc_status status = kc_bounds_account(
        daemon->bounds, daemon->paths.passwd, daemon->paths.group, who->user, &kind, NULL);
    /* A transaction is worth something only where root knocks. */
    const bool has_key = privileged && key.length == KC_KEY_SIZE;
    if (status == KC_OK && kind != KC_ACCOUNT_ABSENT && (kind == KC_ACCOUNT_LOCAL || !has_key))
        status = KC_NOT_OURS;
    else if (status == KC_OK && !privileged && !is_oneself(connection, who))
        status = KC_NOT_AUTHORIZED;
    if (status != KC_OK)
        answer_plainly(connection, who, status);
    else if (has_key)
        use_transaction(connection, who, kind, key);
    else
        await_evidence(connection, who);
}
