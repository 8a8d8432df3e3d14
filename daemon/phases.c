/*
 * The requests that are one question and one answer.
 * Used by connection.c.
 * Must never let one without evidence pass.
 */
#include "daemon/phases.h"

#include "daemon/directory.h"
#include "daemon/endpoint.h"
#include "daemon/log.h"
#include "daemon/realm.h"
#include "daemon/sessions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ADDRESSES_SHOWN 8 /* a report has an end */

/* What no honest host program does stands out from what people do. */
static int phase_priority(enum kc_status status)
{
    if (status == KC_TRANSACTION_MISMATCH)
        return LOG_WARNING;
    return status == KC_OK || status == KC_USER_SWITCHED ? LOG_INFO : LOG_NOTICE;
}

void phases_log(const struct connection *connection, const char *phase,
    const struct kc_wire_login *who, enum kc_status status, const char *rule)
{
    char user[LOG_VALUE_SIZE], service[LOG_VALUE_SIZE], rhost[LOG_VALUE_SIZE];
    char missing[LOG_VALUE_SIZE], caller[CONNECTION_CALLER_SIZE];
    log_line(phase_priority(status), "%s user=%s service=%s rhost=%s result=%s reason=%s%s%s%s",
        phase, log_value(who->user, user), log_value(who->service, service),
        log_value(who->rhost, rhost), kc_class_word(kc_status_class(status)),
        kc_status_word(status), connection_caller(connection, caller), *rule ? " rule=" : "",
        *rule ? log_value(rule, missing) : "");
}

/* What of the session goes into the environment: the access section says. */
static void fill_exports(const struct connection *connection, const struct kc_wire_login *who,
    const struct session_record *record, struct kc_wire_reply *reply)
{
    const struct daemon *daemon = connection_daemon(connection);
    const struct access_section *section =
        config_access(daemon->config, *record->access ? record->access : NULL, record->service);
    enum config_token wanted = section ? section->token_environment : CONFIG_TOKEN_NONE;
    if (who->no_token)
        wanted = CONFIG_TOKEN_NONE;
    if (wanted != CONFIG_TOKEN_NONE)
        reply->exports |= KC_EXPORT_HANDLE;
    if (wanted != CONFIG_TOKEN_TOKEN)
        return;
    if (record->access_token.length > KC_TOKEN_MAX) {
        phases_log(connection, "token-left-out", who, KC_TOO_LARGE, "");
        return;
    }
    reply->exports |= KC_EXPORT_TOKEN;
    reply->expires = (uint64_t)record->expires;
    reply->token = (struct kc_view){record->access_token.bytes, record->access_token.length};
}

void phases_open(
    struct connection *connection, const struct kc_wire_login *who, struct kc_view key, int pidfd)
{
    KC_AUTO_CLOSE int holder = pidfd;
    struct daemon *daemon = connection_daemon(connection);
    if (!connection_privileged(connection) || key.length == 0) {
        connection_done(connection, KC_TRANSACTION_UNKNOWN);
        return;
    }
    SESSION_AUTO_RECORD struct session_record record = {0};
    uint8_t handle[KC_KEY_SIZE];
    enum kc_status status = sessions_open(daemon->sessions, key.bytes, who, KC_TAKE_FD(holder),
        connection_pid(connection), &record, handle);
    if (status != KC_OK) {
        phases_log(connection, "session", who, status, "");
        connection_done(connection, status);
        return;
    }
    struct kc_wire_reply reply = {.type = KC_WIRE_DONE, .class = KC_CLASS_OK};
    memcpy(reply.word, "ok", 3);
    reply.key = (struct kc_view){handle, sizeof handle};
    fill_exports(connection, who, &record, &reply);
    phases_log(connection, "session", who, KC_OK, "");
    connection_reply(connection, &reply);
    kc_wipe(handle, sizeof handle);
}

void phases_close(struct connection *connection, struct kc_view key)
{
    struct daemon *daemon = connection_daemon(connection);
    enum kc_status status = connection_privileged(connection)
                                ? sessions_close(daemon->sessions, key.bytes)
                                : KC_NOT_AUTHORIZED;
    connection_done(connection, status);
}

void phases_passwd(struct connection *connection)
{
    char text[KC_TEXT_MAX];
    const struct config *config = connection_daemon(connection)->config;
    int length = snprintf(text, sizeof text, "Change your password in your account: %s/account",
        config->realm.issuer);
    if (length > 0 && (size_t)length < sizeof text)
        connection_show(connection, KC_SHOW_INFO, text);
    connection_done(connection, KC_PASSWORD_ELSEWHERE);
}

static void write_time(FILE *file, const char *name, int64_t seconds)
{
    time_t when = (time_t)seconds;
    struct tm utc;
    char text[32];
    if (seconds && gmtime_r(&when, &utc) && strftime(text, sizeof text, "%FT%TZ", &utc))
        fprintf(file, "%s: %s\n", name, text);
    else
        fprintf(file, "%s: never\n", name);
}

static void write_addresses(FILE *file, const struct realm *realm)
{
    struct endpoint_report report;
    for (size_t i = 0; i < ADDRESSES_SHOWN && realm_address(realm, i, &report); i++)
        fprintf(file, "address: %s %s%s\n", report.address,
            report.failure != KC_OK ? "avoided, "
            : report.in_use         ? "in use"
                                    : "spare",
            report.failure != KC_OK ? kc_status_word(report.failure) : "");
}

/* Everybody may know whether logins work; only root reads what the server said. */
static void write_directory(FILE *file, const struct directory *directory)
{
    struct directory_report report;
    directory_status(directory, &report);
    const char *word = report.failure != KC_OK ? kc_status_word(report.failure)
                       : report.ready          ? "ok"
                                               : kc_status_word(KC_NOT_READY);
    fprintf(file, "directory: %s, %zu users, %zu groups\n", word, report.users, report.groups);
}

static void write_report(FILE *file, const struct daemon *daemon, bool full)
{
    struct realm_report report = {0};
    realm_status(daemon->realm, &report);
    fprintf(file, "realm: %s\n",
        !report.ready      ? "not ready"
        : report.reachable ? "reachable"
                           : "unreachable");
    write_time(file, "since", report.since);
    fprintf(file, "last error: %s\n",
        report.failure == KC_OK ? "none" : kc_status_word(report.failure));
    if (report.failure != KC_OK)
        write_time(file, "last error at", report.last_failure);
    if (!full)
        return;
    struct sessions_count count = sessions_count(daemon->sessions);
    if (*report.detail)
        fprintf(file, "last error said: %s\n", report.detail);
    fprintf(file, "issuer: %s\nclient: %s\n", daemon->config->realm.issuer,
        daemon->config->realm.client.client_id);
    write_time(file, "keys fetched", report.keys_fetched);
    fprintf(file, "keys: %zu\n", report.keys);
    fprintf(file, "sessions: %zu open, %zu unclaimed, %zu ending\n", count.open, count.grants,
        count.ending);
    write_addresses(file, daemon->realm);
    if (daemon->directory)
        write_directory(file, daemon->directory);
}

void phases_status(struct connection *connection)
{
    char text[KC_REPORT_MAX];
    struct daemon *daemon = connection_daemon(connection);
    FILE *file = fmemopen(text, sizeof text, "w");
    if (!file) {
        connection_done(connection, KC_NO_MEMORY);
        return;
    }
    write_report(file, daemon, connection_privileged(connection));
    long length = ftell(file);
    fclose(file);
    struct kc_wire_reply reply = {.type = KC_WIRE_DONE, .class = KC_CLASS_OK};
    memcpy(reply.word, "ok", 3);
    reply.report = (struct kc_view){(const uint8_t *)text, length > 0 ? (size_t)length : 0};
    connection_reply(connection, &reply);
}
