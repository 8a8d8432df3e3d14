/*
 * EXPLAIN: what the daemon knows of a user, from where, and what the access rules say and why.
 * Used by connection.c.
 * Must never let anybody in by it, nor tell anybody but root.
 */
#include "daemon/explain.h"

#include "daemon/access.h"
#include "daemon/clock.h"
#include "daemon/directory.h"
#include "daemon/evidence.h"
#include "daemon/inquiry.h"
#include "daemon/oauth_error.h"
#include "daemon/passwd_entry.h"
#include "jose/json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ASK_US (3 * CLOCK_SECOND_US)
#define LIST_MAX 200u /* groups or roles that are shown */

struct explanation {
    struct connection *connection;
    struct kc_wire_login who;
    struct inquiry *inquiry;
    struct evidence_wait *evidence;
    enum kc_status status; /* what access would come to */
    FILE *report;
    char *text;
    size_t length;
};

void explain_abandon(struct explanation *explanation)
{
    if (explanation->inquiry)
        inquiry_cancel(explanation->inquiry);
    if (explanation->evidence)
        evidence_wait_cancel(explanation->evidence);
    if (explanation->report)
        fclose(explanation->report);
    free(explanation->text);
    free(explanation);
}

/* A report that is longer than a message takes ends where it does not fit. */
static void finish(struct explanation *explanation)
{
    struct connection *connection = explanation->connection;
    struct kc_wire_reply reply = {
        .type = KC_WIRE_DONE, .class = kc_status_class(explanation->status)};
    fclose(KC_TAKE(explanation->report));
    snprintf(reply.word, sizeof reply.word, "%s", kc_status_word(explanation->status));
    if (explanation->length > KC_REPORT_MAX)
        explanation->length = KC_REPORT_MAX;
    reply.report = (struct kc_view){(const uint8_t *)explanation->text, explanation->length};
    connection_reply(connection, &reply);
    connection_set_explanation(connection, NULL);
    explain_abandon(explanation);
}

/* --- the entry --- */

static void write_advice(FILE *report, enum kc_status status)
{
    const char *advice = oauth_error_advice(status);
    if (advice)
        fprintf(report, "advice: %s\n", advice);
}

static const char *from(enum entry_source source, const char *attribute, const char *option)
{
    switch (source) {
    case ENTRY_ATTRIBUTE:
        return attribute;
    case ENTRY_GROUP:
        return "the gid of primary_group";
    case ENTRY_ALLOCATED:
        return "allocated on this host";
    case ENTRY_CONFIGURED:
        break;
    }
    return option;
}

static void write_entry(FILE *report, const struct passwd_entry *entry,
    const struct person *person, const struct config_directory *config)
{
    size_t keys = 0;
    while (person->keys && person->keys[keys])
        keys++;
    fprintf(report, "realm id: %s\nenabled: %s\n", person->id, person->enabled ? "yes" : "no");
    fprintf(report, "uid: %u (%s)\n", entry->uid,
        from(entry->uid_source, config->uid_attribute, ""));
    fprintf(report, "gid: %u (%s)\n", entry->gid,
        from(entry->gid_source, config->gid_attribute, ""));
    fprintf(report, "gecos: %s (first and last name)\n", entry->gecos);
    fprintf(report, "home: %s (%s)\n", entry->home,
        from(entry->home_source, config->home_attribute, "home in [directory]"));
    fprintf(report, "shell: %s (%s)\n", entry->shell,
        from(entry->shell_source, config->shell_attribute, "shell in [directory]"));
    fprintf(report, "ssh keys: %zu (%s)\n", keys, config->key_attribute);
}

/* --- the rules --- */

/* A name of the realm's is one word of one line, whatever is in it. */
static void write_clean(FILE *report, const char *before, const char *text)
{
    fputs(before, report);
    for (; *text; text++)
        fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, report);
}

static void write_list(FILE *report, const char *name, struct json_object *list)
{
    const size_t count = json_object_is_type(list, json_type_array)
                             ? json_object_array_length(list)
                             : 0;
    if (!list)
        return;
    write_clean(report, "", name);
    fputs(count ? ":" : ": none", report);
    for (size_t i = 0; i < count && i < LIST_MAX; i++) {
        const char *text;
        if (jose_json_text(json_object_array_get_idx(list, i), 4096, &text, NULL) == KC_OK)
            write_clean(report, i ? ", " : " ", text);
    }
    fprintf(report, "%s\n", count > LIST_MAX ? ", ..." : "");
}

static void write_claims(FILE *report, const struct json_object *claims)
{
    struct json_object *value = NULL, *roles = NULL, *clients = NULL;
    if (jose_json_array(claims, "groups", &value) == KC_OK)
        write_list(report, "realm groups", value);
    if (jose_json_object(claims, "realm_access", &value) == KC_OK &&
        jose_json_array(value, "roles", &roles) == KC_OK)
        write_list(report, "realm roles", roles);
    if (jose_json_object(claims, "resource_access", &clients) != KC_OK)
        return;
    json_object_object_foreach(clients, client, access)
    {
        char name[300];
        snprintf(name, sizeof name, "roles of %s", client);
        if (jose_json_array(access, "roles", &roles) == KC_OK)
            write_list(report, name, roles);
    }
}

static void write_rule(
    void *userdata, const char *word, const char *rule, enum access_outcome outcome)
{
    static const char *const words[] = {"not met", "met", "not known"};
    fprintf(userdata, "rule: %s %s: %s\n", word, rule, words[outcome]);
}

static void write_outcome(
    struct explanation *explanation, enum kc_status status, const char *missing)
{
    explanation->status = status;
    fprintf(explanation->report, "access: %s, %s%s%s\n", kc_class_word(kc_status_class(status)),
        kc_status_word(status), *missing ? ": " : "", missing);
    write_advice(explanation->report, status);
}

static void write_access(struct explanation *explanation, const struct evidence_answer *answer)
{
    const struct config *config = connection_daemon(explanation->connection)->config;
    FILE *report = explanation->report;
    char missing[ACCESS_MISSING_MAX] = "";
    const struct access_question question = {
        .section = *explanation->who.access ? explanation->who.access : NULL,
        .service = explanation->who.service,
        .user = explanation->who.user,
        .claims = answer->claims,
        .answer_scope = answer->scope,
        .partial = answer->partial};
    const struct access_section *section =
        config_access(config, question.section, question.service);
    const bool stored = answer->source == EVIDENCE_STORED;
    enum kc_status status = stored ? answer->stored : answer->status;
    if (section)
        fprintf(report, "rules: [access%s%s]\n", section->name ? " " : "",
            section->name ? section->name : "");
    if (answer->claims)
        access_walk(config, &question, write_rule, report);
    if (status == KC_OK)
        status = access_decide(config, &question, missing, sizeof missing);
    if (stored && !access_in_outage(section, (int64_t)time(NULL) - answer->at))
        status = answer->status;
    write_outcome(explanation, status, missing);
}

static void on_evidence(void *userdata, const struct evidence_answer *answer)
{
    static const char *const sources[] = {
        "none", "an open session's renewed token", "the directory", "what the realm said last"};
    struct explanation *explanation = userdata;
    FILE *report = explanation->report;
    explanation->evidence = NULL;
    fprintf(report, "evidence: %s", sources[answer->source]);
    if (answer->source == EVIDENCE_STORED)
        fprintf(report, ", %lld s ago, while the realm is out",
            (long long)(time(NULL) - answer->at));
    fprintf(report, "\n");
    if (answer->claims)
        write_claims(report, answer->claims);
    write_access(explanation, answer);
    finish(explanation);
}

static void on_person(
    void *userdata, enum kc_status status, const char *detail, struct inquiry_answer *answer)
{
    struct explanation *explanation = userdata;
    struct daemon *daemon = connection_daemon(explanation->connection);
    FILE *report = explanation->report;
    struct passwd_entry entry;
    explanation->inquiry = NULL;
    write_clean(report, "user: ", explanation->who.user);
    fprintf(report, "\nasked for now: %s, %s", kc_class_word(kc_status_class(status)),
        kc_status_word(status));
    write_clean(report, *detail ? ": " : "", detail);
    fputc('\n', report);
    write_advice(report, status);
    if (status == KC_OK) {
        explanation->who.uid = answer->uid;
        if (directory_entry_of(daemon->directory, answer->person, &entry) == KC_OK)
            write_entry(report, &entry, answer->person, &daemon->config->directory);
    } else if (directory_user_uid(daemon->directory, explanation->who.user,
                   &explanation->who.uid)) {
        fprintf(report, "known from before: uid %u, %s\n", explanation->who.uid,
            directory_user_enabled(daemon->directory, explanation->who.user) ? "enabled"
                                                                            : "disabled");
    } else {
        write_outcome(explanation, status, "");
        finish(explanation);
        return;
    }
    status = evidence_await(daemon->evidence, explanation->who.user, explanation->who.uid, true,
        on_evidence, explanation, &explanation->evidence);
    if (status != KC_OK) {
        write_outcome(explanation, status, "");
        finish(explanation);
    }
}

void explain_begin(struct connection *connection, const struct kc_wire_login *who)
{
    struct daemon *daemon = connection_daemon(connection);
    enum kc_account_kind kind = KC_ACCOUNT_LOCAL;
    enum kc_status status = connection_privileged(connection) ? KC_OK : KC_NOT_AUTHORIZED;
    if (status == KC_OK)
        status = kc_bounds_account(
            daemon->bounds, daemon->paths.passwd, daemon->paths.group, who->user, &kind, NULL);
    if (status == KC_OK && (kind != KC_ACCOUNT_ABSENT || !daemon->directory))
        status = KC_NOT_OURS;
    if (status != KC_OK) {
        connection_done(connection, status);
        return;
    }
    struct explanation *explanation = calloc(1, sizeof *explanation);
    if (explanation)
        explanation->report = open_memstream(&explanation->text, &explanation->length);
    if (!explanation || !explanation->report) {
        free(explanation);
        connection_done(connection, KC_NO_MEMORY);
        return;
    }
    explanation->connection = connection;
    explanation->who = *who;
    connection_set_explanation(connection, explanation);
    status = inquiry_begin(daemon->directory, who->user, clock_us() + ASK_US, on_person,
        explanation, &explanation->inquiry);
    if (status != KC_OK)
        on_person(explanation, status, "", NULL);
}
