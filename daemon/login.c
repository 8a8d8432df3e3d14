/*
 * A login.
 * Used by connection.c.
 * Must never answer OK without a verified token that the access rules let in.
 */
#include "daemon/login.h"

#include "common/account.h"
#include "daemon/access.h"
#include "daemon/directory.h"
#include "daemon/dummy.h"
#include "daemon/evidence.h"
#include "daemon/grant.h"
#include "daemon/limits.h"
#include "daemon/log.h"
#include "daemon/oauth_error.h"
#include "daemon/realm.h"
#include "daemon/sessions.h"
#include "jose/jwt.h"

#include <stdio.h>
#include <string.h>

#define PROMPT "Password: "

struct login {
    struct connection *connection;
    struct daemon *daemon;
    struct config *config; /* the one it began with, whatever a reload brings meanwhile */
    struct kc_wire_login who;
    enum kc_account_kind account;
    bool asking;            /* a question is out */
    bool realm_asked;       /* it was this login's turn, and nothing spoke against it */
    struct grant *grant;    /* under way */
    sd_event_source *timer; /* of the question, or of a refusal that takes its time */
    enum kc_status refusal; /* what the timer of a refusal will say */
    uint64_t began_us;      /* CLOCK_MONOTONIC: of the machine's work, people's typing left out */
};

static uint64_t now_us(const struct login *login)
{
    uint64_t now = 0;
    (void)sd_event_now(login->daemon->event, CLOCK_MONOTONIC, &now);
    return now;
}

static void free_login(struct login *login)
{
    sd_event_source_disable_unref(login->timer);
    config_unref(login->config);
    free(login);
}

/* A name that this host does not know may be a password typed at the wrong prompt. */
static const char *user_for_log(const struct login *login, char value[LOG_VALUE_SIZE])
{
    bool known = login->account != KC_ACCOUNT_ABSENT || login->who.uid != KC_WIRE_NO_UID;
    return known ? log_value(login->who.user, value) : "unknown";
}

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
        return LOG_NOTICE;
    }
}

static void log_end(
    const struct login *login, enum kc_status status, const char *detail, const char *rule)
{
    char user[LOG_VALUE_SIZE], service[LOG_VALUE_SIZE], rhost[LOG_VALUE_SIZE];
    char more[LOG_VALUE_SIZE], missing[LOG_VALUE_SIZE], change[LOG_VALUE_SIZE];
    char caller[CONNECTION_CALLER_SIZE];
    const char *advice = status == KC_OK ? NULL : oauth_error_advice(status);
    if (!login->realm_asked && !connection_may_log(login->connection))
        return;
    log_line(priority_of(status),
        "login user=%s service=%s rhost=%s result=%s reason=%s ms=%llu%s%s%s%s%s%s%s",
        user_for_log(login, user), log_value(login->who.service, service),
        log_value(login->who.rhost, rhost), kc_class_word(kc_status_class(status)),
        kc_status_word(status),
        (unsigned long long)(login->began_us ? (now_us(login) - login->began_us) / 1000 : 0),
        connection_caller(login->connection, caller), *rule ? " rule=" : "",
        *rule ? log_value(rule, missing) : "",
        *detail ? " detail=" : "", *detail ? log_value(detail, more) : "",
        advice ? " advice=" : "", advice ? log_value(advice, change) : "");
}

/* What the person is told beside the answer; most refusals say nothing more. */
static void tell(struct login *login, enum kc_status status)
{
    const char *text = oauth_error_text(status);
    char line[KC_TEXT_MAX];
    if (!text)
        return;
    if (status == KC_ACTION_REQUIRED)
        snprintf(line, sizeof line, "%s %s/account", text, login->config->realm.issuer);
    else
        snprintf(line, sizeof line, "%s", text);
    connection_show(login->connection, KC_SHOW_ERROR, line);
}

static void refuse_because(
    struct login *login, enum kc_status status, const char *detail, const char *rule)
{
    log_end(login, status, detail, rule);
    tell(login, status);
    connection_done(login->connection, status);
    connection_set_login(login->connection, NULL);
    free_login(login);
}

static void refuse(struct login *login, enum kc_status status)
{
    refuse_because(login, status, "", "");
}

static int on_refusal_time(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)source, (void)now;
    struct login *login = userdata;
    refuse(login, login->refusal);
    return 0;
}

static enum kc_status set_timer(struct login *login, uint64_t ms, sd_event_time_handler_t handler)
{
    sd_event_source_disable_unref(login->timer);
    login->timer = NULL;
    return sd_event_add_time_relative(login->daemon->event, &login->timer, CLOCK_MONOTONIC,
               ms * 1000, 1000, handler, login) < 0
               ? KC_SYSTEM
               : KC_OK;
}

/* Refuses without asking the realm, in the time that the realm would have taken. */
static void refuse_slowly(struct login *login, enum kc_status status)
{
    login->refusal = status;
    if (set_timer(login, pacing_draw(&login->daemon->pacing), on_refusal_time) != KC_OK)
        refuse(login, status);
}

static int on_prompt_time(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)source, (void)now;
    refuse(userdata, KC_CANCELLED);
    return 0;
}

/* Only root can claim a grant, so what others have shown ends here: it would fill the room. */
static enum kc_status keep_grant(struct login *login, const struct grant_answer *answer,
    uint8_t key[KC_KEY_SIZE], struct kc_view *ret_key)
{
    struct sessions *sessions = login->daemon->sessions;
    if (!connection_privileged(login->connection)) {
        sessions_discard(sessions, &login->who, answer);
        return KC_OK;
    }
    uint32_t pid = connection_pid(login->connection);
    enum kc_status status = sessions_grant(sessions, &login->who, pid, answer, key);
    if (status == KC_OK)
        *ret_key = (struct kc_view){key, KC_KEY_SIZE};
    return status;
}

static void admit(struct login *login, const struct grant_answer *answer)
{
    struct kc_wire_reply done = {.type = KC_WIRE_DONE, .class = KC_CLASS_OK};
    uint8_t key[KC_KEY_SIZE];
    enum kc_status status = keep_grant(login, answer, key, &done.key);
    if (status != KC_OK) {
        sessions_discard(login->daemon->sessions, &login->who, answer);
        refuse(login, status);
        return;
    }
    log_end(login, KC_OK, "", "");
    memcpy(done.word, "ok", 3);
    connection_reply(login->connection, &done);
    kc_wipe(key, sizeof key);
    connection_set_login(login->connection, NULL);
    free_login(login);
}

static struct limits_setting limits_in_force(const struct login *login)
{
    const struct config_limits *limits = &login->config->limits;
    return (struct limits_setting){.source_failures = limits->source_failures,
        .target_failures = limits->target_failures,
        .window_ms = (uint64_t)limits->window * 1000};
}

/* Asked when the grant's turn has come: those before it in the queue have been counted. */
static enum kc_status on_turn(void *userdata)
{
    struct login *login = userdata;
    const struct limits_setting setting = limits_in_force(login);
    const struct limits_source source = limits_source(login->who.caller_uid, login->who.rhost);
    enum kc_status status = limits_check(
        login->daemon->limits, &setting, &source, login->who.user, now_us(login) / 1000);
    login->realm_asked = status == KC_OK;
    return status;
}

/* What the realm said about the credentials themselves counts, and nothing else does. */
static void count_outcome(struct login *login, enum kc_status status)
{
    const struct limits_setting setting = limits_in_force(login);
    const struct limits_source source = limits_source(login->who.caller_uid, login->who.rhost);
    const char *user = login->who.user;
    uint64_t now = now_us(login);
    if (status == KC_OK) {
        limits_succeeded(login->daemon->limits, &source, user, now / 1000);
    } else if (status == KC_BAD_CREDENTIALS) {
        limits_failed(login->daemon->limits, &setting, &source, user, now / 1000);
        pacing_note(&login->daemon->pacing, (now - login->began_us) / 1000);
    }
}

/* Whether the name, where it is the directory's, is the one's who has shown the password: somebody
 * else may have had it before, and has the uid still. */
static bool is_owner(const struct login *login, const struct jose_jwt *jwt)
{
    const struct directory *directory = login->daemon->directory;
    return login->account != KC_ACCOUNT_ABSENT || !directory ||
           directory_may_be(directory, login->who.user, jose_jwt_subject(jwt));
}

static void on_granted(
    void *userdata, enum kc_status status, const char *detail, struct grant_answer *answer)
{
    struct login *login = userdata;
    login->grant = NULL;
    count_outcome(login, status);
    if (status == KC_OK && !is_owner(login, answer->jwt)) {
        sessions_discard(login->daemon->sessions, &login->who, answer);
        refuse_because(login, KC_ENTRY_NAME_TAKEN, "", "");
        return;
    }
    evidence_note(login->daemon->evidence, login->who.user, status, answer ? answer->jwt : NULL,
        answer ? answer->scope : NULL);
    if (status == KC_LIMITED) {
        refuse_slowly(login, status);
        return;
    }
    if (status != KC_OK) {
        refuse_because(login, status, detail, "");
        return;
    }
    char missing[ACCESS_MISSING_MAX] = "";
    const struct access_question question = {
        .section = *login->who.access ? login->who.access : NULL,
        .service = login->who.service,
        .user = login->who.user,
        .claims = jose_jwt_claims(answer->jwt),
        .answer_scope = answer->scope};
    status = access_decide(login->config, &question, missing, sizeof missing);
    if (status == KC_OK) {
        admit(login, answer);
        return;
    }
    sessions_discard(login->daemon->sessions, &login->who, answer);
    refuse_because(login, status, "", missing);
}

/* The grant has a deadline of its own; this one is the login's, however many steps it takes. */
static int on_login_time(sd_event_source *source, uint64_t now, void *userdata)
{
    (void)source, (void)now;
    struct login *login = userdata;
    grant_cancel(KC_TAKE(login->grant));
    refuse(login, KC_TIMED_OUT);
    return 0;
}

static void ask_the_realm(struct login *login, struct kc_view answer)
{
    KC_AUTO_SECRET struct kc_secret password = KC_SECRET_INIT;
    enum kc_status status = kc_secret_set(&password, answer.bytes, answer.length);
    const struct grant_request request = {.user = login->who.user,
        .password = &password,
        .client_address = *login->who.rhost ? login->who.rhost : NULL,
        .admit = on_turn};
    if (status == KC_OK)
        status = grant_start(login->daemon->realm, &request, on_granted, login, &login->grant);
    if (status == KC_OK)
        status =
            set_timer(login, (uint64_t)login->config->limits.login_timeout * 1000, on_login_time);
    if (status == KC_OK)
        return;
    if (login->grant)
        grant_cancel(KC_TAKE(login->grant));
    refuse(login, status);
}

void login_answer(struct login *login, enum kc_ask_kind kind, struct kc_view answer)
{
    if (!login->asking || kind != KC_ASK_PASSWORD) {
        connection_hang_up(login->connection);
        return;
    }
    login->asking = false;
    sd_event_source_disable_unref(login->timer);
    login->timer = NULL;
    login->began_us = now_us(login);
    if (answer.length == 0)
        refuse_slowly(login, KC_EMPTY_PASSWORD);
    else if (dummy_password(answer))
        refuse_slowly(login, KC_DUMMY_PASSWORD);
    else if (memchr(answer.bytes, 0, answer.length))
        refuse_slowly(login, KC_BAD_CREDENTIALS);
    else if (login->account == KC_ACCOUNT_ABSENT && login->who.uid == KC_WIRE_NO_UID)
        refuse_slowly(login, KC_USER_UNKNOWN);
    else
        ask_the_realm(login, answer);
}

/* Whether the configuration lets the user behind `uid` authenticate others for this service. */
static bool caller_listed(const struct login *login, uid_t uid)
{
    const struct config *config = login->config;
    for (size_t i = 0; i < config->caller_count; i++) {
        const char *name = config->callers[i].name;
        struct kc_account caller;
        if (kc_account_find(login->daemon->paths.passwd, name, &caller) == KC_OK && caller.sound &&
            caller.uid == uid && config_caller_may(config, name, login->who.service))
            return true;
    }
    return false;
}

/* Whether this caller may ask about this user at all. */
static enum kc_status check_caller(const struct login *login)
{
    if (connection_privileged(login->connection))
        return KC_OK;
    uid_t uid = connection_uid(login->connection);
    if (uid == 0)
        return KC_NOT_AUTHORIZED; /* means nothing here: its descriptor may be another's now */
    /* A name that neither this host's files nor the directory has is bound to no uid. */
    const struct directory *directory = login->daemon->directory;
    bool own = login->who.uid == uid &&
               (login->account == KC_ACCOUNT_LISTED ||
                   (login->account == KC_ACCOUNT_ABSENT && directory &&
                       directory_is_user(directory, login->who.user, uid)));
    return own || caller_listed(login, uid) ? KC_OK : KC_NOT_AUTHORIZED;
}

/* Who is it, and may a login of theirs begin? Nothing has been asked of anybody yet. */
static enum kc_status check_start(struct login *login)
{
    const struct paths *paths = &login->daemon->paths;
    uid_t uid;
    enum kc_status status = kc_bounds_account(
        login->daemon->bounds, paths->passwd, paths->group, login->who.user, &login->account, &uid);
    if (status != KC_OK)
        return status;
    if (login->account == KC_ACCOUNT_LOCAL)
        return KC_NOT_OURS;
    if (login->account == KC_ACCOUNT_LISTED && login->who.uid != uid)
        return KC_NOT_OURS;
    if (login->account == KC_ACCOUNT_ABSENT && !kc_bounds_id(login->daemon->bounds, login->who.uid))
        login->who.uid = KC_WIRE_NO_UID;
    status = check_caller(login);
    if (status != KC_OK)
        return status;
    const char *section = *login->who.access ? login->who.access : NULL;
    return config_access(login->config, section, login->who.service) ? KC_OK : KC_NO_ACCESS_RULE;
}

void login_begin(struct connection *connection, const struct kc_wire_login *who)
{
    struct login *login = calloc(1, sizeof *login);
    if (!login) {
        connection_done(connection, KC_NO_MEMORY);
        return;
    }
    login->connection = connection;
    login->daemon = connection_daemon(connection);
    login->config = config_ref(login->daemon->config);
    login->who = *who;
    /* Only root's word says who calls; of others the kernel has said it. */
    if (!connection_privileged(connection))
        login->who.caller_uid = connection_uid(connection);
    login->account = KC_ACCOUNT_ABSENT;
    bool room = connection_room_for_login(connection, login->who.caller_uid);
    connection_set_login(connection, login);
    enum kc_status status = room ? check_start(login) : KC_BUSY;
    if (status == KC_OK)
        status =
            set_timer(login, (uint64_t)login->config->limits.prompt_timeout * 1000, on_prompt_time);
    if (status != KC_OK) {
        refuse(login, status);
        return;
    }
    login->asking = true;
    connection_ask(connection, KC_ASK_PASSWORD, false, PROMPT);
}

uint32_t login_caller(const struct login *login)
{
    return login->who.caller_uid;
}

void login_abandon(struct login *login)
{
    if (login->grant)
        grant_cancel(login->grant);
    log_end(login, KC_CANCELLED, "", "");
    free_login(login);
}
